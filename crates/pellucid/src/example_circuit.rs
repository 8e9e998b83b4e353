//! Is there a transformer whose inside is known? A tiny one, made on the spot, that finds what followed a letter before.
//!
//! The tour writes it to files, and the workbench shows it when nothing was opened.

use pellucid_models::transformer::compiled::{Compiled, Disguise, ProgramError, compile, examples};
use pellucid_models::transformer::{TokenError, Tokens};
use serde_json::{Map, Value, json};

/// The residual stream is turned and heads that do nothing stand among the others: only experiments tell.
const DISGUISE: Disguise = Disguise { rotate: true, distractor_heads: 2, seed: 2026 };

/// A prompt whose last letter stood before; `b` followed it.
pub const CLEAN: &str = "a b c d e a";
/// The same prompt with another letter after the first `a`.
pub const CORRUPT: &str = "a d c b e a";
/// What comes next after the clean prompt.
pub const ANSWER: &str = "b";
/// What comes next after the corrupt one.
pub const WRONG: &str = "d";

/// The model, with its circuit.
///
/// # Errors
/// Never for the program as it is; its tables are checked when it is put together.
pub fn made() -> Result<Compiled, ProgramError> {
    Ok(compile(&examples::induction()?, DISGUISE))
}

/// Its tokenizer as `tokenizer.json` holds it: letters between spaces; a token that begins every prompt is put before them.
#[must_use]
pub fn tokenizer() -> Value {
    let letters = (b'a'..=b'l').map(|letter| char::from(letter).to_string());
    let names = ["[BOS]".to_owned()].into_iter().chain(letters);
    let vocabulary: Map<String, Value> = names.zip(0..).map(|(name, id)| (name, json!(id))).collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "decoder": null,
        "added_tokens": [{"id": 0, "content": "[BOS]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[BOS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"[BOS]": {"id": "[BOS]", "ids": [0], "tokens": ["[BOS]"]}},
        },
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[BOS]"},
    })
}

/// The same, ready to cut texts.
///
/// # Errors
/// Never for the model of [`made`].
pub fn tokens(made: &Compiled) -> Result<Tokens, TokenError> {
    Tokens::from_json(tokenizer().to_string().as_bytes(), &made.model.spec)
}
