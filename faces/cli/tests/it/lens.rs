//! `pellucid lens`: what is told of a transformer, and activation patching from the command line.

use serde_json::{Value, json};

use super::{Folder, fixtures};

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
    assert!(text.contains("L1 H3") && text.contains("w8"), "{text}");
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
    let refused = |folder: &Folder, words: &[&str], code: i32, parts: &[&str]| {
        let output = folder.run(words);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {error}");
        parts.iter().for_each(|part| assert!(error.contains(part), "{words:?}: {error}"));
    };
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
    refused(&folder, &words, 3, &["the clean prompt: the prompt has 40 tokens", "at most 32"]);
    fs_err::remove_file(folder.path("model/tokenizer.json")).unwrap();
    refused(&folder, &PATCH, 3, &["no tokenizer.json", "--tokenizer"]);
    fs_err::remove_file(folder.path("model/model.safetensors")).unwrap();
    refused(&folder, &["lens", "info", "model"], 3, &["no model.safetensors"]);
}
