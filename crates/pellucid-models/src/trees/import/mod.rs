//! How does a saved model become an [`Ensemble`]? One file a format; the format is told from the bytes.
//!
//! Nothing that the type can't say is approximated: it is refused with a reason.

mod catboost;
mod document;
mod error;
mod json;
mod lightgbm;
mod npy;
mod onnx;
mod protobuf;
mod sklearn;
mod skops;
mod ubj;
mod xgboost;

pub use error::ImportError;

use super::ensemble::Ensemble;

/// More features than any real model has.
const MAX_FEATURES: i64 = 1_000_000;
/// More outputs than any real model has.
const MAX_OUTPUTS: i64 = 100_000;
/// More leaf values than any real model has, in all trees together.
const MAX_VALUES: i64 = 1 << 28;

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// The JSON model of XGBoost or CatBoost; which of them, its keys tell.
    Json,
    /// XGBoost's UBJSON model.
    XgboostUbj,
    /// LightGBM's text model.
    LightgbmText,
    /// An ONNX model.
    Onnx,
    /// A scikit-learn model that skops saved.
    Skops,
}

impl Format {
    /// Tells the format from the first bytes.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        let text = bytes.trim_ascii_start();
        match text {
            _ if bytes.starts_with(b"PK\x03\x04") => Some(Self::Skops),
            // The version of the format, field 1, comes first.
            _ if matches!(bytes, [0x08, 1..=0x7f, _, ..]) => Some(Self::Onnx),
            _ if text.starts_with(b"tree\n") || text.starts_with(b"tree\r\n") => Some(Self::LightgbmText),
            [b'{', next, ..] if *next == b'"' || next.is_ascii_whitespace() => Some(Self::Json),
            // In UBJSON a key starts with the type of its length, or the object with its count.
            [b'{', b'L' | b'l' | b'I' | b'i' | b'U' | b'#' | b'$', ..] => Some(Self::XgboostUbj),
            _ => None,
        }
    }
}

/// Reads a saved model.
///
/// # Errors
/// When the bytes are no known format, are damaged, or use what can't be represented.
pub fn import(bytes: &[u8]) -> Result<Ensemble, ImportError> {
    let model = match Format::sniff(bytes) {
        Some(Format::Json) => {
            let document = json::parse(bytes)?;
            let root = document::Place::root(&document);
            if catboost::is_catboost(&document) {
                catboost::ensemble(&document)
            } else if !root.get("learner").is_there() {
                let is_ours = root.get("schema").text().is_ok_and(|schema| schema.starts_with("pellucid."));
                Err(ImportError::other_json(is_ours))
            } else {
                xgboost::ensemble(&document, "XGBoost JSON")
            }
        }
        Some(Format::XgboostUbj) => xgboost::ensemble(&ubj::parse(bytes)?, "XGBoost UBJSON"),
        Some(Format::LightgbmText) => lightgbm::ensemble(bytes),
        Some(Format::Onnx) => onnx::ensemble(bytes),
        Some(Format::Skops) => sklearn::ensemble(bytes),
        None => Err(ImportError::unknown_format(bytes)),
    }?;
    // Nothing that follows has to think of a model without an answer.
    if model.base.is_empty() {
        return Err(ImportError::unsupported(
            "a model without outputs",
            "it has no trees to tell how many there are",
        ));
    }
    Ok(model)
}
