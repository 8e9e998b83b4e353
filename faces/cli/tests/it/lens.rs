//! `pellucid lens`: what is told of a transformer, and activation patching from the command line.

use serde_json::{Value, json};

use super::{Folder, csv, fixtures};

/// A tiny model in a folder, with a tokenizer whose tokens are w0 to w49.
fn with_model(family: &str) -> Folder {
    let folder = Folder::new();
    fs_err::create_dir(folder.path("model")).unwrap();
    for file in ["config.json", "model.safetensors"] {
        let from = fixtures().join("transformers-5.24.0").join(family).join(file);
        fs_err::copy(from, folder.path("model").join(file)).unwrap();
    }
    let vocabulary: serde_json::Map<String, Value> =
        (0..50).map(|id| (format!("w{id}"), json!(id))).collect();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": null, "decoder": null, "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "w0"},
    });
    fs_err::write(folder.path("model/tokenizer.json"), tokenizer.to_string()).unwrap();
    folder
}

/// Runs what must fail, with this exit code and an error that has these parts.
fn refused(folder: &Folder, words: &[&str], code: i32, parts: &[&str]) {
    let output = folder.run(words);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{words:?}: {error}");
    parts.iter().for_each(|part| assert!(error.contains(part), "{words:?}: {error}"));
}

const PATCH: [&str; 11] = [
    "lens",
    "patch",
    "model",
    "--clean",
    "w3 w9 w4 w1",
    "--corrupt",
    "w3 w8 w4 w1",
    "--answer",
    "w5",
    "--wrong",
    "w6",
];

#[test]
fn a_model_tells_what_it_is_made_of() {
    let folder = with_model("llama");
    let told = folder.json(&["lens", "info", "model", "--json", "--sites"]);
    assert_eq!(told["schema"], "pellucid.lens_info/1");
    for (key, value) in
        [("layers", 2), ("d_model", 16), ("heads", 4), ("kv_heads", 2), ("d_head", 4), ("vocabulary", 50)]
    {
        assert_eq!(told[key], value, "{key}");
    }
    assert_eq!((&told["format"], &told["dtype"]), (&json!("safetensors"), &json!("F32")));
    let sites = told["sites"].as_array().unwrap();
    let query = sites.iter().find(|site| site["site"] == "q").unwrap();
    assert_eq!(query["axes"], json!(["position", "head", "d_head"]));
    assert!(sites.iter().all(|site| site["site"] != "pos_embed"), "no learned positions");
    let said = folder.ok(&["lens", "info", "model"]);
    assert!(
        said.contains("4 of width 4, 2 of keys and values") && said.contains("rotary, base 10000"),
        "{said}"
    );
    let gguf = fixtures().join("transformers-5.24.0/llama.gguf");
    let told = folder.json(&["lens", "info", gguf.to_str().unwrap(), "--json"]);
    assert_eq!((&told["name"], &told["format"]), (&json!("tiny-llama"), &json!("gguf")));
}

#[test]
fn patching_is_exact_and_costs_what_was_planned() {
    let folder = with_model("llama");
    let plan = folder.json(&[&["lens", "plan"], &PATCH[2..], &["--json"]].concat());
    let told = folder.json(&[&PATCH[..], &["--verify", "1.0", "--json"]].concat());
    assert_eq!(
        (&plan["schema"], &told["schema"]),
        (&json!("pellucid.lens_plan/1"), &json!("pellucid.lens_patch/1"))
    );
    assert_eq!(told["multiply_adds"], plan["multiply_adds"]);
    assert_eq!(told["verified"], json!({"cells": 8, "largest_difference": 0.0}));
    assert_eq!(told["effects"][0], json!([0.0, 1.0, 0.0, 0.0]));
    assert_eq!(told["effects"][1][0], 0.0);
    assert_eq!(told["tokens"]["differ"], json!([1]));
    let first = &told["grid"][1];
    assert_eq!((&first["layer"], &first["position"], &first["head"]), (&json!(0), &json!(1), &json!(null)));
    assert_eq!(first["metric"], told["clean"]);
    // Pictures, pages and tables of the same.
    for name in ["grid.svg", "grid.png", "grid.html", "grid.csv", "grid.json", "grid.parquet"] {
        folder.ok(&[&PATCH[..], &["-o", name]].concat());
        assert!(fs_err::metadata(folder.path(name)).unwrap().len() > 100, "{name}");
    }
    assert!(folder.read("grid.csv").starts_with("layer,position,head,metric,effect\n0,0,,"));
    let text = folder.ok(&[&PATCH[..], &["--site", "z", "--by", "layer-position-head"]].concat());
    assert!(text.contains("a1.h3") && text.contains("w8"), "{text}");
    for site in ["attn_out", "mlp_out", "q", "k", "v", "pattern", "blocks.0.hook_z"] {
        let words = [&PATCH[..], &["--site", site, "--verify", "1", "--json"]].concat();
        if site.starts_with("blocks") {
            assert!(!folder.run(&words).status.success());
        } else {
            assert_eq!(folder.json(&words)["verified"]["largest_difference"], 0.0, "{site}");
        }
    }
}

#[test]
fn what_cannot_be_is_told_before_the_work() {
    let folder = with_model("llama");
    let encoder = with_model("bert");
    let with = |from: usize, to: &'static str| {
        let mut words = PATCH.to_vec();
        words[from] = to;
        words
    };
    refused(&folder, &with(2, "nowhere"), 3, &["nowhere", "No such file"]);
    refused(&folder, &with(2, "adult.csv"), 3, &["neither a folder with config.json", "GGUF"]);
    refused(&folder, &with(2, "."), 3, &["has no config.json"]);
    refused(
        &folder,
        &with(4, "w3 w9"),
        3,
        &["do not align", "2 tokens: w3 | w9", "4 tokens: w3 | w8 | w4 | w1"],
    );
    refused(&folder, &with(4, "w3 w8 w4 w1"), 3, &["same tokens"]);
    refused(&folder, &with(4, ""), 3, &["do not align"]);
    refused(&folder, &with(8, "w5 w6"), 2, &["--answer", "is 2 tokens (`w5`, `w6`)"]);
    refused(&folder, &with(8, "w6"), 2, &["the same token"]);
    refused(&folder, &[&PATCH[..], &["--site", "rezid_pre"]].concat(), 2, &["did you mean `resid_pre`"]);
    refused(&folder, &[&PATCH[..], &["--by", "layer-head"]].concat(), 3, &["it has no heads"]);
    refused(&folder, &[&PATCH[..], &["--site", "logits"]].concat(), 3, &["no site of blocks"]);
    refused(&folder, &[&PATCH[..], &["--verify", "2"]].concat(), 2, &["from 0 to 1"]);
    refused(&folder, &[&PATCH[..], &["-o", "x.pdf"]].concat(), 2, &["names no format"]);
    refused(&encoder, &PATCH, 3, &["bert models have no logits"]);
    // What is read is not written over; and a tokenizer that contradicts itself is told.
    refused(&folder, &[&PATCH[..], &["-o", "model/config.json"]].concat(), 2, &["is an input"]);
    let tokenizer = folder.read("model/tokenizer.json");
    let told = tokenizer.replace(
        "\"decoder\":null",
        "\"decoder\":{\"type\":\"Strip\",\"content\":\"w\",\"start\":9,\"stop\":9}",
    );
    assert_ne!(told, tokenizer);
    fs_err::write(folder.path("odd.json"), told).unwrap();
    let odd = folder.run(&[&PATCH[..], &["--tokenizer", "odd.json"]].concat());
    assert!(odd.status.code() != Some(5), "{}", String::from_utf8_lossy(&odd.stderr));
    fs_err::write(folder.path("odd.json"), tokenizer.replace("\"decoder\":null", "\"decoder\":5")).unwrap();
    refused(
        &folder,
        &[&PATCH[..], &["--tokenizer", "odd.json"]].concat(),
        3,
        &["odd.json", "tokenizer can't be read"],
    );
    let long = "w1 ".repeat(40);
    let mut words = PATCH.to_vec();
    (words[4], words[6]) = (&long, &long);
    refused(&folder, &words, 3, &["the prompt has 40 tokens", "at most 32"]);
    fs_err::remove_file(folder.path("model/tokenizer.json")).unwrap();
    refused(&folder, &PATCH, 3, &["no tokenizer.json", "--tokenizer"]);
    fs_err::remove_file(folder.path("model/model.safetensors")).unwrap();
    refused(&folder, &["lens", "info", "model"], 3, &["no model.safetensors"]);
}

#[test]
fn several_prompts_have_intervals_and_other_values_can_be_put_in() {
    let folder = with_model("llama");
    let line = |a: u32, b: u32| {
        format!(
            "{{\"clean\":\"w3 w{a} w4\",\"corrupt\":\"w3 w{b} w4\",\"answer\":\"w5\",\"wrong\":\"w6\"}}\n"
        )
    };
    fs_err::write(folder.path("pairs.jsonl"), [line(9, 8), line(10, 12), line(20, 21), line(30, 2)].concat())
        .unwrap();
    let told =
        folder.json(&["lens", "patch", "model", "--prompts", "pairs.jsonl", "--verify", "1", "--json"]);
    assert_eq!(
        (&told["n_prompts"], &told["direction"], &told["is_share"]),
        (&json!(4), &json!("denoising"), &json!(true))
    );
    assert_eq!(told["verified"], json!({"cells": 4 * 6, "largest_difference": 0.0}));
    let first = &told["grid"][1];
    assert_eq!(
        (&first["effect"], &first["interval"], &first["effects"]),
        (&json!(1.0), &json!([1.0, 1.0]), &json!([1.0, 1.0, 1.0, 1.0]))
    );
    assert_eq!(told["grid"][5]["metrics"].as_array().unwrap().len(), 4);
    folder.ok(&["lens", "patch", "model", "--prompts", "pairs.jsonl", "-o", "grid.csv"]);
    assert!(folder.read("grid.csv").starts_with("layer,position,head,metric,effect,low,high,effect_1,"));
    let plan = folder.json(&["lens", "plan", "model", "--prompts", "pairs.jsonl", "--json"]);
    assert_eq!(plan["multiply_adds"], told["multiply_adds"]);
    for (with, site) in [("zero", "mlp_out"), ("mean", "z"), ("resample", "attn_out")] {
        let words = [
            "lens",
            "patch",
            "model",
            "--prompts",
            "pairs.jsonl",
            "--with",
            with,
            "--site",
            site,
            "--verify",
            "1",
            "--json",
        ];
        let told = folder.json(&words);
        assert_eq!(
            (&told["with"], &told["direction"], &told["is_share"]),
            (&json!(with), &json!("ablation"), &json!(false))
        );
        assert_eq!(told["verified"]["largest_difference"], 0.0);
    }
    // Paths of all of them: means, and intervals over them.
    let path = ["lens", "path", "model", "--prompts", "pairs.jsonl", "--verify", "1", "--json"];
    let told = folder.json(&path);
    let [first, last] = [0, 10].map(|at| &told["parts"][at]);
    assert_eq!((&first["part"], &last["part"]), (&json!("input"), &json!("m1")));
    let effects: Vec<f64> = serde_json::from_value(last["effects"].clone()).unwrap();
    let mean = effects.iter().sum::<f64>() / 4.0;
    assert!(effects.len() == 4 && (last["total"].as_f64().unwrap() - mean).abs() < 1e-12);
    let ends: [f64; 2] = serde_json::from_value(last["interval"].clone()).unwrap();
    assert!(ends[0] <= mean && mean <= ends[1] && ends[0] < ends[1], "{ends:?}");
    assert_eq!(
        (told["own"].as_array().unwrap().len(), told["verified"]["largest_difference"].clone()),
        (4, json!(0.0))
    );
    let said = folder.ok(&path[..5]);
    assert!(said.contains("95 %") && said.contains("means over 4 prompts"), "{said}");
    folder.ok(&[&path[..5], &["--edges", "-o", "edges.csv"]].concat());
    assert!(folder.read("edges.csv").starts_with("from,to,effect,low,high,effect_1,"));
    folder.ok(&[&path[..5], &["-o", "path.html"]].concat());
    // One prompt without another, and one token instead of two.
    let alone = [
        "lens", "patch", "model", "--clean", "w3 w9", "--answer", "w5", "--with", "zero", "--site",
        "mlp_out", "--by", "layer",
    ];
    let told = folder.json(&[&alone[..], &["--json"]].concat());
    assert_eq!(
        (&told["metric"], &told["corrupt"], &told["wrong"]),
        (&json!("logit"), &Value::Null, &Value::Null)
    );
    assert_eq!(told["effects"].as_array().unwrap().len(), 2);
    let log = folder.json(&[&alone[..], &["--metric", "log-probability", "--json"]].concat());
    assert!(log["clean"].as_f64().unwrap() < 0.0);
}

#[test]
fn whole_answers_are_compared_and_any_token_is_measured_after() {
    let folder = with_model("llama");
    let patch = |more: &[&'static str]| [&PATCH[..7], more, &["--verify", "1", "--json"]].concat();
    let far = folder.json(&patch(&["--metric", "kl-divergence"]));
    assert_eq!(
        (&far["metric"], &far["clean"], &far["answer"]),
        (&json!("divergence"), &json!(0.0), &Value::Null)
    );
    assert!(far["corrupt"].as_f64().unwrap() > 0.0);
    assert_eq!(far["effects"][0], json!([0.0, 1.0, 0.0, 0.0]));
    assert_eq!(far["verified"], json!({"cells": 8, "largest_difference": 0.0}));
    let noising = folder.json(&patch(&["--metric", "kl-divergence", "--noising"]));
    assert_eq!((&noising["clean"], &noising["effects"][0]), (&json!(0.0), &far["effects"][0]));
    // After the second token nothing but the first two has a say.
    let early = folder.json(&patch(&["--answer", "w5", "--position", "1"]));
    assert_eq!((&early["tokens"]["clean"], &early["effects"][0]), (&json!(["w3", "w9"]), &json!([0.0, 1.0])));
    let same = folder.json(&patch(&["--answer", "w5", "--position", "-3"]));
    assert_eq!(early["effects"], same["effects"]);
    let rows = folder.json(&patch(&["--answer", "w5", "--site", "pattern", "--by", "layer-position-head"]));
    assert_eq!(rows["grid"].as_array().unwrap().len(), 2 * 4 * 4);
    refused(
        &folder,
        &patch(&["--answer", "w5", "--position", "4"]),
        2,
        &["no position 4 in a prompt of 4 tokens"],
    );
    refused(&folder, &patch(&["--answer", "w5", "--position", "0"]), 3, &["same tokens"]);
    refused(&folder, &patch(&[]), 2, &["--answer is not there", "kl-divergence"]);
    let idle = patch(&["--metric", "kl-divergence", "--answer", "w5"]);
    refused(&folder, &idle, 2, &["--answer has no part in this metric"]);
    let idle = patch(&["--metric", "logit", "--answer", "w5", "--wrong", "w6"]);
    refused(&folder, &idle, 2, &["--wrong has no part in this metric"]);
    refused(&folder, &["lens", "patch", "model", "--answer", "w5"], 2, &["--clean TEXT"]);
    refused(&folder, &["lens", "plan", "model"], 2, &["--clean TEXT"]);
}

#[test]
fn experiments_tell_what_they_would_cost() {
    let folder = with_model("llama");
    let text = "schema = \"pellucid.experiment/1\"\n\
        runs = [{ id = \"a\", text = \"w3 w9 w4\", metric = { answer = \"w5\", position = 1 } },\n\
                { id = \"b\", text = \"w3 w8 w4\", metric = { divergence_from = \"a\" } }]\n\
        sweeps = [{ id = \"far\", run = \"b\", site = \"z\", set = { run = \"a\" }, metric = { divergence_from = \"a\" } }]\n";
    fs_err::write(folder.path("it.toml"), text).unwrap();
    let plan = folder.json(&["lens", "plan", "model", "--experiment", "it.toml", "--json"]);
    let done = folder.json(&["lens", "run", "model", "--experiment", "it.toml", "--verify", "1", "--json"]);
    assert_eq!(plan["sweeps"][0]["multiply_adds"], done["sweeps"][0]["multiply_adds"]);
    assert_eq!((&plan["sweeps"][0]["cells"], &plan["runs"]), (&json!(6), &json!(2)));
    assert_eq!(done["sweeps"][0]["other"], 0.0);
    assert_eq!(done["sweeps"][0]["own"], done["runs"][1]["value"]);
    let said = folder.ok(&["lens", "plan", "model", "--experiment", "it.toml"]);
    assert!(said.contains("far: z by layer-position") && said.contains("MB of them weights"), "{said}");
    refused(
        &folder,
        &["lens", "plan", "model", "--experiment", "it.toml", "--site", "z"],
        2,
        &["cannot be used with"],
    );
}

#[test]
fn paths_tell_direct_effects_from_indirect_ones() {
    let folder = with_model("llama");
    let words = [&["lens", "path"], &PATCH[2..], &["--verify", "1", "--json"]].concat();
    let told = folder.json(&words);
    let parts = told["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 1 + 2 * 5);
    let last = parts.iter().find(|part| part["part"] == "m1").unwrap();
    assert!(last["indirect"].as_f64().unwrap().abs() < 1e-4);
    assert!(told["self_repair"]["slope"].is_number());
    let edges = folder.json(&[&["lens", "path"], &PATCH[2..], &["--edges", "--json"]].concat());
    let n = edges["edges"].as_array().unwrap().len();
    let into = folder.json(&[&["lens", "path"], &PATCH[2..], &["--into", "a1.kv1<k>", "--json"]].concat());
    let into = into["edges"].as_array().unwrap();
    assert!(into.len() == 6 && n > 40, "{n}");
    assert_eq!(into[0]["edge"], "input->a1.kv1<k>");
    let same =
        edges["edges"].as_array().unwrap().iter().find(|edge| edge["edge"] == into[2]["edge"]).unwrap();
    assert_eq!(same, &into[2]);
    for name in ["parts.html", "parts.svg", "parts.csv"] {
        folder.ok(&[&["lens", "path"], &PATCH[2..], &["-o", name]].concat());
    }
    assert!(folder.read("parts.csv").starts_with("part,total,direct,indirect\ninput,"));
    folder.ok(&[&["lens", "path"], &PATCH[2..], &["--from", "m0", "-o", "edges.html"]].concat());
    let said = folder.ok(&[&["lens", "path"], &PATCH[2..]].concat());
    assert!(said.contains("Self-repair") && said.contains("a1.h3"), "{said}");
}

#[test]
fn logits_are_read_on_the_way_and_taken_apart() {
    let folder = with_model("gpt2");
    let told =
        folder.json(&["lens", "logits", "model", "w3 w9 w4", "--answer", "w5", "--neurons", "2", "--json"]);
    let lens = told["lens"].as_array().unwrap();
    assert_eq!((lens.len(), &told["lens_residual"]), (3, &json!(0.0)));
    assert_eq!(lens[0]["after"], "embedding");
    assert_eq!(lens[2]["positions"].as_array().unwrap().len(), 3);
    let parts = told["attribution"]["parts"].as_array().unwrap();
    let sum: f64 = parts.iter().map(|part| part["value"].as_f64().unwrap()).sum();
    assert!((sum - told["attribution"]["value"].as_f64().unwrap()).abs() < 1e-4);
    assert_eq!(told["attribution"]["neurons"].as_array().unwrap().len(), 2);
    let said = folder.ok(&[
        "lens",
        "logits",
        "model",
        "w3 w9 w4",
        "--answer",
        "w5",
        "--wrong",
        "w6",
        "--process",
        "all",
    ]);
    assert!(said.contains("logit w5 − logit w6") && said.contains("fold_ln"), "{said}");
    for name in ["lens.html", "lens.svg", "lens.png", "lens.csv"] {
        folder.ok(&["lens", "logits", "model", "w3 w9 w4", "-o", name]);
    }
    assert!(folder.read("lens.csv").starts_with("after,position,token,next,probability\nembedding,0,w3,"));
    folder.ok(&["lens", "logits", "model", "w3 w9 w4", "--plot", "parts", "-o", "parts.svg"]);
}

#[test]
fn runs_tell_what_comes_next_keep_activations_and_follow_files() {
    let folder = with_model("llama");
    fs_err::write(folder.path("more.txt"), "w1 w2\nw4 w4 w4\n").unwrap();
    let told = folder.json(&["lens", "run", "model", "w3 w9", "--texts", "more.txt", "--json"]);
    assert_eq!(told["prompts"].as_array().unwrap().len(), 3);
    assert_eq!(told["prompts"][2]["log_probabilities"].as_array().unwrap().len(), 2);
    assert_eq!(
        told["processing"],
        json!({"fold_ln": false, "center_writing_weights": false, "center_unembed": false, "fold_value_biases": false})
    );
    folder.ok(&["lens", "run", "model", "w3 w9", "-o", "next.csv"]);
    // Activations of several prompts, one below the other; patterns each by itself.
    let capture =
        ["lens", "run", "model", "w3 w9", "w1 w2 w3", "--capture", "resid_post,blocks.1.pattern,logits"];
    folder.ok(&[&capture[..], &["-o", "seen.safetensors"]].concat());
    let bytes = fs_err::read(folder.path("seen.safetensors")).unwrap();
    let length = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    assert_eq!(header["blocks.1.hook_resid_post"]["shape"], json!([5, 16]));
    assert_eq!(header["blocks.1.attn.hook_pattern@1"]["shape"], json!([4, 3, 3]));
    assert_eq!(header["unembed.hook_out"]["shape"], json!([5, 50]));
    assert_eq!(header["position"]["shape"], json!([5]));
    assert!(header["__metadata__"]["texts"].as_str().unwrap().contains("w3 w9"));
    let end =
        header.as_object().unwrap().values().filter_map(|tensor| tensor["data_offsets"][1].as_u64()).max();
    assert_eq!(bytes.len() as u64, 8 + length as u64 + end.unwrap());
    let last = [
        "lens",
        "run",
        "model",
        "w3 w9",
        "w1 w2 w3",
        "--capture",
        "blocks.1.z",
        "--positions",
        "-1",
        "-o",
        "z.csv",
    ];
    folder.ok(&last);
    let table = folder.read("z.csv");
    assert!(table.starts_with("prompt,position,token,head,u0,u1,u2,u3\n0,1,w9,0,"), "{table}");
    assert_eq!(table.lines().count(), 1 + 2 * 4);
    // Positions in another order are the same rows in that order.
    let rows = |list: &str, out: &str| {
        let site = ["lens", "run", "model", "w3 w9", "--capture", "blocks.1.resid_pre", "-o", out];
        folder.ok(&[&site[..], &["--positions", list]].concat());
        folder.read(out).lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let (plain, turned) = (rows("all", "p.csv"), rows("-1,0", "t.csv"));
    assert_eq!([&plain[1], &plain[0]], [&turned[0], &turned[1]]);
    let heads = folder.json(&["lens", "run", "model", "w3 w9 w3", "--heads", "--json"]);
    assert_eq!(heads["heads"].as_array().unwrap().len(), 8);
    // Only the last token has come before, and what followed the first time is itself not yet there.
    let over = serde_json::json!({"previous_token": 2, "duplicate_token": 1, "induction": 1});
    assert_eq!(heads["scores_over"], over);
    folder.ok(&["lens", "run", "model", "w3 w9 w3", "--heads", "-o", "heads.csv"]);
    let (names, table) = csv(&folder.read("heads.csv"));
    assert_eq!(names[5..], ["previous_token_over", "duplicate_token_over", "induction_over"]);
    assert!(table.len() == 8 && table.iter().all(|row| row[5..] == [2.0, 1.0, 1.0]), "{table:?}");
    folder.ok(&["lens", "run", "model", "w3 w9 w3", "--heads", "-o", "heads.html"]);
    // An experiment as TOML, and the same as JSON.
    let toml = r#"
        schema = "pellucid.experiment/1"
        [[runs]]
        id = "patched"
        text = "w3 w8 w4 w1"
        metric = { answer = "w5", wrong = 6 }
        capture = ["blocks.1.hook_resid_pre"]
        edits = [{ at = "blocks.0.hook_resid_pre", positions = [-3], set = { run = "clean" } }]
        [[runs]]
        id = "clean"
        text = "w3 w9 w4 w1"
        metric = { answer = "w5", wrong = "w6" }
        [[runs]]
        id = "pathed"
        tokens = [3, 9, 4, 1]
        metric = { answer = 5, log_probability = true }
        edges = [{ edge = "a0.h1->m1", set = "zero" }]
        [[sweeps]]
        id = "heads"
        run = "clean"
        site = "z"
        by = "layer-head"
        set = "zero"
        metric = { answer = "w5" }
    "#;
    fs_err::write(folder.path("it.toml"), toml).unwrap();
    let told = folder.json(&["lens", "run", "model", "--experiment", "it.toml", "--verify", "1", "--json"]);
    assert_eq!(told["schema"], "pellucid.lens_experiment/1");
    assert_eq!(
        told["runs"][0]["value"], told["runs"][1]["value"],
        "patched at the token that differs it is the other run"
    );
    assert_eq!(told["runs"][0]["edits"][0]["rows_touched"], 1);
    assert_eq!(told["runs"][2]["edges"][0], json!({"edge": "a0.h1->m1", "rows_touched": 4}));
    assert_eq!(told["sweeps"][0]["verified"], json!({"cells": 8, "largest_difference": 0.0}));
    folder.ok(&["lens", "run", "model", "--experiment", "it.toml", "-o", "kept.safetensors"]);
    let said = folder.ok(&["lens", "run", "model", "--experiment", "it.toml"]);
    assert!(said.contains("patched") && said.contains("heads: z by layer-head"), "{said}");
}

#[test]
fn encoders_make_vectors_of_texts() {
    let folder = with_model("bert");
    let long = (0..60).map(|at| format!("w{}", at % 50)).collect::<Vec<_>>().join(" ");
    let told = folder.json(&["lens", "run", "model", "w3 w9", &long, "--pool", "mean", "--json"]);
    let windows = told["windows"].as_array().unwrap();
    assert!(windows.len() > 2, "what is too long is split");
    // Every word of the long text is in a window.
    let tokens: u64 = windows[1..].iter().map(|window| window["tokens"].as_u64().unwrap()).sum();
    assert_eq!(tokens, 60);
    for text in told["texts"].as_array().unwrap() {
        let vector: Vec<f64> = serde_json::from_value(text["embedding"].clone()).unwrap();
        assert!((vector.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-6);
    }
    for name in ["e.csv", "e.safetensors", "e.json", "e.parquet"] {
        folder.ok(&["lens", "run", "model", "w3 w9", "w1", "--pool", "mean", "-o", name]);
    }
    assert!(folder.read("e.csv").starts_with("text,start,end,tokens,e0,e1,"));
    let said = folder.ok(&["lens", "run", "model", "w3 w9", "w1", "--pool", "mean"]);
    assert!(said.contains("cos 2"), "{said}");
}

#[test]
fn wrong_words_for_other_verbs_are_told() {
    let folder = with_model("llama");
    let encoder = with_model("bert");
    let run = |more: &[&'static str]| [&["lens", "run", "model"], more].concat();
    refused(&folder, &run(&[]), 2, &["no text to run"]);
    refused(&folder, &run(&["w3", "--pool", "mean"]), 3, &["llama models are decoders"]);
    refused(&encoder, &run(&["w3"]), 3, &["say nothing of a next token", "--pool mean"]);
    refused(
        &encoder,
        &run(&["w3", "--pool", "mean", "--window-tokens", "99"]),
        3,
        &["windows of 99 tokens", "to 32"],
    );
    refused(&folder, &run(&["w3", "--capture", "resid_pots"]), 2, &["did you mean `resid_post`"]);
    refused(&folder, &run(&["w3", "--capture", "blocks.9.z"]), 3, &["blocks 0 to 1"]);
    refused(
        &folder,
        &run(&["w3", "--capture", "z", "-o", "z.csv"]),
        2,
        &["a table holds one site, and 2 are meant"],
    );
    refused(&folder, &run(&["w3", "--capture", "z", "--positions", "4"]), 3, &["no position 4"]);
    refused(&folder, &run(&["w3", "--capture", "z", "-o", "z.svg"]), 2, &[".safetensors"]);
    refused(&folder, &run(&["w3", "--capture", "z", "--heads"]), 2, &["cannot be used with"]);
    refused(
        &folder,
        &run(&["w3", "--capture", "logits", "--max-memory", "0", "-o", "x.safetensors"]),
        4,
        &["0 MB may be used"],
    );
    refused(&folder, &run(&["--experiment", "none.toml"]), 3, &["none.toml"]);
    let experiment = |text: &str, parts: &[&str]| {
        fs_err::write(folder.path("it.toml"), text).unwrap();
        refused(&folder, &run(&["--experiment", "it.toml"]), 3, &[&["it.toml"], parts].concat());
    };
    experiment("schema = 1", &["line 1"]);
    experiment("schema = \"pellucid.experiment/9\"", &["this program reads `pellucid.experiment/1`"]);
    let one = |more: &str| {
        format!("schema = \"pellucid.experiment/1\"\n[[runs]]\nid = \"a\"\ntext = \"w3 w4\"\n{more}")
    };
    experiment(&one("tokens = [1]"), &["either a `text` or `tokens`"]);
    experiment(&one("edit = []"), &["unknown field `edit`"]);
    experiment(&one("edits = [{ at = \"blocks.0.z\" }]"), &["one of `set`, `add`"]);
    experiment(&one("edits = [{ at = \"blocks.0.zz\", set = 0.0 }]"), &["no site `blocks.0.zz`"]);
    experiment(&one("edits = [{ at = \"blocks.0.z\", positions = [-3], set = 0.0 }]"), &["no position -3"]);
    experiment(
        &one("edits = [{ at = \"blocks.0.z\", set = { run = \"b\" } }]"),
        &["the run `b`, which is not there"],
    );
    experiment(&one("metric = { answer = \"w3 w4\" }"), &["is 2 tokens"]);
    experiment(&one("metric = { wrong = \"w3\" }"), &["an `answer`", "`divergence_from`"]);
    experiment(&one("metric = { divergence_from = \"b\" }"), &["the run `b`, which is not there"]);
    experiment(&one("metric = { answer = \"w3\", position = 2 }"), &["2"]);
    let path = |more: &[&'static str]| [&["lens", "path"], &PATCH[2..], more].concat();
    refused(&folder, &path(&["--into", "a9.h1<q>"]), 3, &["the model has no `a9.h1<q>`"]);
    refused(&folder, &path(&["--into", "a1.h1"]), 2, &["names nothing that reads"]);
    refused(&folder, &path(&["--into", "m0", "--from", "m1"]), 2, &["no edge leads"]);
    let patch = |more: &[&'static str]| {
        [&["lens", "patch", "model", "--clean", "w3 w9", "--answer", "w5"], more].concat()
    };
    refused(&folder, &patch(&[]), 2, &["--corrupt is not there"]);
    refused(&folder, &patch(&["--with", "mean"]), 2, &["--prompts FILE"]);
    refused(&folder, &patch(&["--with", "zero", "--noising"]), 2, &["--noising says"]);
    refused(&folder, &patch(&["--with", "zero", "--site", "ln1.scale"]), 3, &["zeros can't be put in there"]);
    fs_err::write(folder.path("p.jsonl"), "{\"clean\":\"w1\",\"corupt\":\"w2\",\"answer\":\"w3\"}\n")
        .unwrap();
    refused(
        &folder,
        &["lens", "patch", "model", "--prompts", "p.jsonl"],
        3,
        &["line 1", "did you mean `corrupt`"],
    );
    fs_err::write(folder.path("p.jsonl"), "\n").unwrap();
    refused(&folder, &["lens", "patch", "model", "--prompts", "p.jsonl"], 3, &["there are no prompts"]);
    refused(&folder, &["lens", "logits", "model", "w3", "--position", "3"], 2, &["no position 3"]);
    refused(&encoder, &["lens", "logits", "model", "w3"], 3, &["bert models have no logits"]);
    refused(&folder, &["lens", "info", "model", "--process", "fold"], 2, &["there is no step `fold`"]);
    refused(
        &encoder,
        &["lens", "info", "model", "--process", "fold-ln"],
        3,
        &["would change what bert models compute"],
    );
}
