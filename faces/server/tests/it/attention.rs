//! Does the page say of heads, of the lens and of a logit's parts what the engine says, whatever part of the prompt is shown?

use std::path::Path;

use pellucid::example_circuit;
use pellucid::explain::Control;
use pellucid::explain::inside::{HeadKind, HeadScores, Metric, attribute, head_scores, logit_lens};
use pellucid::files::{load_tokenizer, load_transformer};
use pellucid::models::transformer::{Machine, Token, Tokens, Transformer};
use pellucid::views::number::{pretty, signed};
use pellucid_server::export;
use serde_json::json;

use super::*;

fn opened(sources: Vec<Source>) -> Server {
    Server::of(Arc::new(Workbench::open(sources, options()).unwrap()), None)
}

fn circuit() -> Server {
    opened(vec![Source::Circuit])
}

/// The model of the page and the prompt's tokens.
fn known(text: &str) -> (Transformer, Tokens, Vec<Token>) {
    let made = example_circuit::made().unwrap();
    let tokens = example_circuit::tokens(&made).unwrap();
    let of = tokens.of(text).unwrap();
    (made.model, tokens, of)
}

fn ids(tokens: &[Token]) -> Vec<u32> {
    tokens.iter().map(|token| token.id).collect()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a Vec<Value> {
    value[name].as_array().unwrap_or_else(|| panic!("{name}: {value}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

fn form(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A tiny model in a folder, with a tokenizer whose tokens are w0 to w49.
fn tiny(family: &str, folder: &Path) -> Source {
    let model = folder.join(family);
    fs_err::create_dir(&model).unwrap();
    for file in ["config.json", "model.safetensors"] {
        let from = fixture("transformers-5.24.0").join(family).join(file);
        fs_err::copy(from, model.join(file)).unwrap();
    }
    let vocabulary: serde_json::Map<String, Value> =
        (0..50).map(|id| (format!("w{id}"), json!(id))).collect();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": null, "decoder": null, "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "w0"},
    });
    fs_err::write(model.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    Source::File(model)
}

#[test]
fn heads_have_the_engines_scores_and_patterns() {
    let (model, _, tokens) = known(example_circuit::CLEAN);
    let expected = head_scores(&model, &ids(&tokens), Machine::one_thread()).unwrap();
    let server = circuit();
    let told = server.answer("/api/attention?layer=1");
    assert_eq!(told["schema"], "pellucid.workbench.attention/1");
    assert_eq!(told["text"], example_circuit::CLEAN);
    assert_eq!(list(&told, "heads").len(), expected.len());
    for (own, head) in list(&told, "heads").iter().zip(&expected) {
        assert_eq!(own["head"], format!("a{}.h{}", head.layer, head.head));
        for (at, kind) in HeadKind::ALL.iter().enumerate() {
            let expected = head.scores[at].unwrap();
            assert!((number(&own["scores"][kind.name()]) - expected).abs() < 1e-12, "{own}");
        }
        assert!((number(&own["scores"]["distance"]) - head.distance(tokens.len())).abs() < 1e-12);
    }
    let n = tokens.len();
    let own: Vec<_> = expected.iter().filter(|head| head.layer == 1).collect();
    assert_eq!(list(&told, "patterns").len(), own.len());
    for (pattern, head) in list(&told, "patterns").iter().zip(own) {
        assert_eq!(pattern["head"], format!("a1.h{}", head.head));
        for (to, row) in list(pattern, "rows").iter().enumerate() {
            let row: Vec<f64> = row.as_array().unwrap().iter().map(number).collect();
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-4, "{row:?}");
            for (from, weight) in row.iter().enumerate() {
                assert!((weight - f64::from(head.pattern[to * n + from])).abs() < 1e-6);
                assert!(from <= to || *weight == 0.0);
            }
        }
    }
    for name in ["overview", "attention", "lens"] {
        assert!(told[name]["wide"].as_str().unwrap().starts_with("<svg"), "{name}");
        assert!(!list(&told[name]["table"], "rows").is_empty(), "{name}");
    }
    // Every head is a place that leads to it.
    assert_eq!(told["overview"]["wide"].as_str().unwrap().matches("data-go=\"head:").count(), expected.len());
}

#[test]
fn the_best_of_each_kind_are_drawn_until_others_are_picked() {
    let (model, _, tokens) = known(example_circuit::CLEAN);
    let scores = head_scores(&model, &ids(&tokens), Machine::one_thread()).unwrap();
    let server = circuit();
    let usual = server.answer("/api/attention");
    for at in 0..3 {
        let score = |head: &HeadScores| head.scores[at].unwrap();
        let best = scores.iter().rev().max_by(|a, b| score(a).total_cmp(&score(b))).unwrap();
        let name = format!("a{}.h{}", best.layer, best.head);
        // No head of the circuit looks at copies: the one that does most is not told as if it did.
        assert_eq!(
            texts(&usual["drawn"]).contains(&name.as_str()),
            score(best) >= 0.3,
            "{name} {}",
            usual["drawn"]
        );
    }
    assert_eq!((&usual["picked"], &usual["layer"]), (&json!(false), &Value::Null));
    let picked = server.answer("/api/attention?head=a1.h1&head=a0.h0&head=a1.h1");
    assert_eq!(texts(&picked["drawn"]), ["a0.h0", "a1.h1"]);
    assert_eq!(picked["picked"], true);
    // What is drawn changes nothing else.
    assert_eq!(picked["heads"], usual["heads"]);
    assert_eq!(picked["lens"], usual["lens"]);
}

#[test]
fn what_comes_next_the_lens_and_the_parts_are_the_engines_at_every_token() {
    let (model, tokenizer, tokens) = known(example_circuit::CLEAN);
    let prompt = ids(&tokens);
    let answer = tokenizer.one(example_circuit::ANSWER).unwrap();
    let wrong = tokenizer.one(example_circuit::WRONG).unwrap();
    let lens = logit_lens(&model, &prompt, Some(answer), 5, &Control::quiet()).unwrap();
    let server = circuit();
    for position in 0..tokens.len() {
        let told = server.answer(&format!("/api/attention?answer=b&wrong=d&token={position}"));
        assert_eq!(told["token"], position);
        let expected = &lens.readings.last().unwrap()[position];
        for (next, (token, probability)) in list(&told, "next").iter().zip(&expected.top) {
            assert_eq!(next["raw"], tokenizer.text(*token));
            assert!((number(&next["probability"]) - probability).abs() < 1e-12);
        }
        let metric = Metric::LogitDifference([answer, wrong]);
        let shares = attribute(&model, &prompt, metric, position, 0, Machine::one_thread()).unwrap();
        let parts = &told["parts"];
        assert!((number(&parts["value"]) - shares.metric).abs() < 1e-12);
        assert!((number(&parts["residual"]) - shares.residual).abs() < 1e-12);
        let rows = list(&parts["figure"]["table"], "rows");
        assert_eq!(rows.len(), shares.parts.len() + 1);
        for (row, (part, value)) in rows.iter().zip(&shares.parts) {
            assert_eq!(texts(row), [part.to_string(), signed(*value, 6)]);
        }
        let rows = list(&told["lens"]["table"], "rows");
        assert_eq!(rows.len(), (model.spec.n_layers + 1) * tokens.len());
        for (row, reading) in rows.iter().zip(lens.readings.iter().flatten()) {
            let row = texts(row);
            assert_eq!(row[3], tokenizer.text(reading.top[0].0));
            assert_eq!(row[4], pretty(reading.top[0].1, 6));
            assert_eq!(row[5], reading.followed.unwrap().1.to_string());
        }
    }
    let plain = server.answer("/api/attention");
    assert_eq!(plain["parts"]["answer"], example_circuit::ANSWER, "the circuit finds what followed");
    assert_eq!(plain["parts"]["given"], false);
    assert!(plain["words"][0].as_str().unwrap().starts_with("After a comes b"));
}

#[test]
fn of_a_long_prompt_a_part_is_shown_that_follows_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let source = tiny("llama", folder.path());
    let Source::File(path) = &source else { panic!("it is a folder") };
    let model = load_transformer(path).unwrap();
    let tokenizer = load_tokenizer(&model, path, None).unwrap();
    let text: Vec<String> = (0..30).map(|at| format!("w{}", 1 + at * 7 % 11)).collect();
    let text = text.join(" ");
    let prompt = ids(&tokenizer.of(&text).unwrap());
    let n = prompt.len();
    assert_eq!(n, 30);
    let whole = logit_lens(&model, &prompt, None, 1, &Control::quiet()).unwrap();
    let heads = head_scores(&model, &prompt, Machine::one_thread()).unwrap();
    let server = opened(vec![source]);
    let ask = |more: &str| server.answer(&format!("/api/attention?layer=0&text={}{more}", form(&text)));
    for (more, reads, seen) in [
        ("", [16, 30], [6, 30]),
        ("&token=20", [16, 30], [6, 30]),
        ("&token=15", [14, 28], [4, 28]),
        ("&token=3", [0, 14], [0, 24]),
        ("&token=3&from=12", [12, 26], [2, 26]),
        ("&from=29", [16, 30], [6, 30]),
    ] {
        let told = ask(more);
        let window = &told["window"];
        assert_eq!(window["reads"], json!(reads), "{more}");
        assert_eq!([&window["first"], &window["end"]], [&json!(seen[0]), &json!(seen[1])], "{more}");
        let rows = list(&told["lens"]["table"], "rows");
        assert_eq!(rows.len(), (model.spec.n_layers + 1) * 14);
        let expected = whole.readings.iter().flat_map(|row| &row[reads[0]..reads[1]]);
        for (at, (row, reading)) in rows.iter().zip(expected).enumerate() {
            assert_eq!(texts(row)[1], (reads[0] + at % 14).to_string());
            assert_eq!(texts(row)[3], tokenizer.text(reading.top[0].0));
            assert_eq!(texts(row)[4], pretty(reading.top[0].1, 6));
        }
        let pattern = &told["patterns"][0];
        for (to, row) in list(pattern, "rows").iter().enumerate() {
            for (from, weight) in row.as_array().unwrap().iter().enumerate() {
                let expected = heads[0].pattern[(seen[0] + to) * n + seen[0] + from];
                assert!((number(weight) - f64::from(expected)).abs() < 1e-6);
            }
        }
    }
    let first = ask("&token=3");
    assert_eq!((&first["window"]["before"], &first["window"]["after"]), (&Value::Null, &json!(14)));
    let sentence = first["lens"]["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("After w11 (position 3)"), "{sentence}");
    let last = ask("");
    let sentence = last["attention"]["wide"].as_str().unwrap();
    assert!(sentence.contains("positions 6 to 29 of a prompt of 30 tokens"));
    assert!(sentence.contains("Looks at earlier tokens are not drawn"));
}

#[test]
fn an_encoder_has_attention_and_says_why_it_has_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let server = opened(vec![tiny("bert", folder.path())]);
    let told = server.answer("/api/attention?text=w3+w9+w4+w1+w9&layer=1");
    assert_eq!(
        (&told["is_decoder"], &told["next"], &told["lens"]),
        (&json!(false), &Value::Null, &Value::Null)
    );
    assert_eq!(told["parts"], Value::Null);
    for pattern in list(&told, "patterns") {
        let rows = list(pattern, "rows");
        assert!(
            rows.iter()
                .all(|row| (row.as_array().unwrap().iter().map(number).sum::<f64>() - 1.0).abs() < 1e-4)
        );
        assert!(number(&rows[0][4]) > 0.0, "an encoder sees what comes later");
    }
    // The page says by this why there is no more, and says it once.
    assert_eq!(told["is_decoder"], false);
    let notes = texts(&told["notes"]).join("\n");
    assert!(!notes.contains("next token"), "{notes}");
    assert!(!told["command"].as_str().unwrap().contains("lens logits"));
    // Pages that could only refuse are not offered, which is known before weights are read.
    let session = server.answer("/api/session");
    let pages: Vec<&str> =
        list(&session, "pages").iter().map(|page| page["page"].as_str().unwrap()).collect();
    assert!(pages.contains(&"attention") && !pages.contains(&"patching"), "{pages:?}");
    let refused = server.get("/api/attention?text=w3+w9&answer=w1");
    assert_eq!(refused.status, 400);
    assert!(refused.error().contains("leave it out"));
}

#[test]
fn wrong_questions_are_told_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let server = opened(vec![Source::Circuit, tiny("llama", folder.path())]);
    let long = "w1+".repeat(600);
    for (target, status, piece) in [
        ("text=", 400, "the text is empty"),
        ("text=+++", 400, "the text is empty"),
        ("layer=99", 404, "there is no block 99"),
        ("layer=-1", 400, "no such number"),
        ("layer=0&head=a0.h0", 400, "one of them"),
        ("head=a0.h99", 404, "there is no head 99"),
        ("head=a99.h0", 404, "there is no block 99"),
        ("head=3.5", 400, "as a3.h5"),
        ("head=m3", 400, "as a3.h5"),
        ("token=7", 404, "the prompt has 7 tokens"),
        ("token=x", 400, "token=x"),
        ("text=a+b+c+d+e+f+a+b+c+d+e+f+a+b+c+d", 413, "the model reads at most 16"),
        ("from=7", 404, "the prompt has 7 tokens"),
        ("answer=a+b", 400, "2 tokens"),
        ("answer=", 400, "0 tokens"),
        ("wrong=b", 400, "answer="),
        ("answer=b&wrong=b", 400, "the same token"),
        ("score=inducton", 400, "did you mean `induction`?"),
        ("transformer=inductoin", 404, "did you mean `induction`?"),
        ("tokn=1", 400, "did you mean `token`?"),
        (&format!("transformer=llama&text={long}"), 413, "shorten it"),
        (&format!("text={}", "a".repeat(17_000)), 413, "bytes"),
    ] {
        server.refuses(&format!("/api/attention?{target}"), status, piece);
    }
    let nothing = Server::new().get("/api/attention");
    assert_eq!(nothing.status, 404);
    assert!(nothing.error().contains("no transformer is open"));
    // Words of another language are not read as silence.
    let told = circuit().answer("/api/attention?text=a+hello+a");
    assert!(texts(&told["words"]).join(" ").contains("can't read hello"), "{}", told["words"]);
}

#[test]
fn an_export_has_every_token_and_block_of_the_tiny_model() {
    let server = circuit();
    let (page, _) = export::html(&server.workbench).unwrap();
    let session = server.answer("/api/session");
    let link = session["pages"].as_array().unwrap().iter().find(|link| link["page"] == "attention").unwrap();
    assert_eq!(link["params"]["transformer"], "induction");
    for piece in
        ["?transformer=induction\"", "?token=0&transformer=induction\"", "?layer=1&transformer=induction\""]
    {
        assert!(page.contains(&format!("/api/attention{piece}")), "{piece}");
    }
}
