//! Which tokens is a text, and which text is a token? By the tokenizer of the model's own files.
//!
//! The work is done by the `tokenizers` crate. GGUF files hold their byte-level BPE as settings, of which the same tokenizer is made.

use serde_json::{Value, json};
use tokenizers::Tokenizer;

use super::spec::Spec;
use super::weights::{Gguf, Meta};

/// A tokenizer.
#[derive(Debug, Clone)]
pub struct Tokens {
    inner: Tokenizer,
}

/// A token of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub id: u32,
    /// Its text, by itself.
    pub text: String,
    /// The bytes of the text that it stands for; none of a token that was added.
    pub bytes: std::ops::Range<usize>,
}

/// Why a text has no tokens, or not those that are wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// A tokenizer that can't be read.
    #[error("the tokenizer can't be read: {cause}")]
    Damaged {
        /// What its library says.
        cause: String,
    },
    /// A tokenizer of another model.
    #[error(
        "the tokenizer has {tokens} tokens, and the model's vocabulary {vocabulary}; it belongs to another model"
    )]
    OtherModel {
        /// Tokens of the tokenizer.
        tokens: usize,
        /// Tokens of the model.
        vocabulary: usize,
    },
    /// A GGUF file with a tokenizer that is not made here.
    #[error(
        "the file's tokenizer is `{kind}`, which is not read from GGUF files; give the model's tokenizer.json"
    )]
    Unsupported {
        /// Its kind.
        kind: String,
    },
    /// A text that should be one token.
    #[error("`{text}` is {} tokens ({}); it has to be one{}", parts.len(), parts.join(", "), if text.starts_with(' ') { "" } else { ", and within a sentence most words begin with a space" })]
    NotOne {
        /// The text.
        text: String,
        /// Texts of its tokens.
        parts: Vec<String>,
    },
}

impl Tokens {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// When it is damaged, or has more tokens than the model.
    pub fn from_json(bytes: &[u8], spec: &Spec) -> Result<Self, TokenError> {
        let damaged = |cause: tokenizers::Error| TokenError::Damaged { cause: cause.to_string() };
        let mut inner = guarded(|| Tokenizer::from_bytes(bytes))?.map_err(damaged)?;
        // What is too long is told, not cut.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(damaged)?;
        let last = inner.get_vocab(true).into_values().max().map_or(0, |last| last as usize + 1);
        if last > spec.d_vocab {
            return Err(TokenError::OtherModel { tokens: last, vocabulary: spec.d_vocab });
        }
        Ok(Self { inner })
    }

    /// Makes the tokenizer of a GGUF file.
    ///
    /// # Errors
    /// When it is no byte-level BPE that is known here, or the settings make none.
    pub fn from_gguf(file: &Gguf<'_>, spec: &Spec) -> Result<Self, TokenError> {
        let kind = file.text("tokenizer.ggml.model").unwrap_or("none");
        let splits = file.text("tokenizer.ggml.pre").unwrap_or("default");
        let unsupported = || TokenError::Unsupported { kind: format!("{kind} ({splits})") };
        let pre_tokenizer = Some(splits).filter(|_| kind == "gpt2").and_then(pre_tokenizer);
        let pre_tokenizer = pre_tokenizer.ok_or_else(unsupported)?;
        let list = |key: &str| match file.setting(key) {
            Some(Meta::List(list)) => Ok(list),
            _ => Err(TokenError::Damaged { cause: format!("`{key}` is not there") }),
        };
        let text = |meta: &Meta| match meta {
            Meta::Text(text) => text.clone(),
            _ => String::new(),
        };
        let tokens: Vec<String> = list("tokenizer.ggml.tokens")?.iter().map(text).collect();
        let merges: Vec<Value> = list("tokenizer.ggml.merges")?
            .iter()
            .filter_map(|merge| text(merge).split_once(' ').map(|(left, right)| json!([left, right])))
            .collect();
        // Kinds 3 and 4 are control tokens and those that a user defined.
        let kinds = list("tokenizer.ggml.token_type").ok();
        let is_own = |at: usize| matches!(kinds.and_then(|kinds| kinds.get(at)), Some(Meta::Whole(3 | 4)));
        let added = tokens.iter().enumerate().filter(|(at, _)| is_own(*at)).map(|(id, content)| {
            json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true})
        });
        let added: Vec<Value> = added.collect();
        let vocabulary: serde_json::Map<String, Value> =
            tokens.iter().enumerate().map(|(id, token)| (token.clone(), json!(id))).collect();
        // A token that is put before every text, where the file asks for one.
        let asks = match file.setting("tokenizer.ggml.add_bos_token") {
            Some(told) => *told == Meta::Flag(true),
            None => splits == "llama-bpe",
        };
        let first = asks
            .then(|| file.whole("tokenizer.ggml.bos_token_id"))
            .flatten()
            .and_then(|id| Some((id, tokens.get(id)?)));
        let post_processor = first.map(|(id, token)| {
            json!({"type": "TemplateProcessing",
                   "single": [{"SpecialToken": {"id": token, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                   "pair": [{"SpecialToken": {"id": token, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                   "special_tokens": {token: {"id": token, "ids": [id], "tokens": [token]}}})
        });
        let made = json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
            "pre_tokenizer": pre_tokenizer, "post_processor": post_processor,
            "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
            "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
                      "fuse_unk": false, "byte_fallback": false, "ignore_merges": splits == "llama-bpe", "vocab": vocabulary, "merges": merges},
        });
        Self::from_json(made.to_string().as_bytes(), spec)
    }

    /// The tokens of a text, with those that the model puts around every text.
    ///
    /// # Errors
    /// When the tokenizer can't take it.
    pub fn of(&self, text: &str) -> Result<Vec<Token>, TokenError> {
        self.encoded(text, true)
    }

    fn encoded(&self, text: &str, with_added: bool) -> Result<Vec<Token>, TokenError> {
        let damaged = |cause: tokenizers::Error| TokenError::Damaged { cause: cause.to_string() };
        let found = guarded(|| self.inner.encode(text, with_added))?.map_err(damaged)?;
        let added = found.get_special_tokens_mask();
        let all = found.get_ids().iter().zip(found.get_offsets()).zip(added);
        Ok(all
            .map(|((&id, &(start, end)), &added)| {
                let bytes = if added == 1 { 0..0 } else { start..end };
                Token { id, text: self.text(id), bytes }
            })
            .collect())
    }

    /// The text of a token, by itself.
    #[must_use]
    pub fn text(&self, id: u32) -> String {
        let decoded = guarded(|| self.inner.decode(&[id], false));
        let decoded = decoded.ok().and_then(Result::ok).unwrap_or_default();
        // A part of a letter has no text of its own: the name that the vocabulary gives it has.
        if decoded.is_empty() || decoded.contains('\u{fffd}') {
            self.inner.id_to_token(id).unwrap_or_else(|| format!("<{id}>"))
        } else {
            decoded
        }
    }

    /// The one token that a text is.
    ///
    /// # Errors
    /// When it is none, or several.
    pub fn one(&self, text: &str) -> Result<u32, TokenError> {
        let found = self.encoded(text, false)?;
        match found.as_slice() {
            [token] => Ok(token.id),
            several => Err(TokenError::NotOne {
                text: text.to_owned(),
                parts: several.iter().map(|token| format!("`{}`", token.text)).collect(),
            }),
        }
    }
}

/// Work of a library that goes by a file's word, and stops with a panic where that makes no sense.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, TokenError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .map_err(|_| TokenError::Damaged { cause: "its settings contradict each other".to_owned() })
}

/// How texts are split before bytes are merged, by the name that llama.cpp gives it.
fn pre_tokenizer(name: &str) -> Option<Value> {
    let bytes = |splits: bool| json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": splits});
    let split = |pattern: &str| {
        json!({"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false}, bytes(false)]})
    };
    match name {
        "gpt-2" | "gpt2" => Some(bytes(true)),
        "smollm" => Some(
            json!({"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true}, bytes(true)]}),
        ),
        "qwen2" => Some(split(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        )),
        "llama-bpe" => Some(split(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        )),
        _ => None,
    }
}
