//! `config.json`: settings by name, with what a family takes where one is not there.

use serde_json::{Map, Value};

use super::WeightsError;

/// The settings.
pub(super) struct Config(Map<String, Value>);

impl Config {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, WeightsError> {
        let found = serde_json::from_slice(bytes);
        found
            .map(Self)
            .map_err(|cause| WeightsError::config("config.json", format!("is no JSON object: {cause}")))
    }

    /// The architecture.
    pub(super) fn kind(&self) -> Result<String, WeightsError> {
        match self.0.get("model_type") {
            Some(Value::String(kind)) => Ok(kind.clone()),
            _ => Err(WeightsError::config("model_type", "is not there, or no text")),
        }
    }

    /// A setting that is there and not null.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// Whether a setting is there, be it null.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    pub(super) fn count(&self, key: &str) -> Result<usize, WeightsError> {
        let found = self.get(key).ok_or_else(|| WeightsError::config(key, "is not there"))?;
        let count = found.as_u64().and_then(|n| usize::try_from(n).ok());
        count.ok_or_else(|| WeightsError::config(key, format!("is {found}, and no count")))
    }

    pub(super) fn count_or(&self, key: &str, usual: usize) -> Result<usize, WeightsError> {
        if self.get(key).is_some() { self.count(key) } else { Ok(usual) }
    }

    pub(super) fn number_or(&self, key: &str, usual: f64) -> Result<f64, WeightsError> {
        number(self.get(key), key, Some(usual))
    }

    pub(super) fn flag_or(&self, key: &str, usual: bool) -> Result<bool, WeightsError> {
        match self.get(key) {
            None => Ok(usual),
            Some(found) => {
                found.as_bool().ok_or_else(|| WeightsError::config(key, format!("is {found}, and no flag")))
            }
        }
    }

    /// Refuses a setting that is not what is computed here.
    pub(super) fn only(
        &self,
        key: &str,
        is: bool,
        usual: bool,
        why: &'static str,
    ) -> Result<(), WeightsError> {
        if self.flag_or(key, usual)? == is {
            return Ok(());
        }
        Err(WeightsError::Unsupported { what: format!("`{key}: {}`", !is), why })
    }
}

/// A number, of an object within the settings too.
pub(super) fn number(found: Option<&Value>, key: &str, usual: Option<f64>) -> Result<f64, WeightsError> {
    match (found, usual) {
        (None, Some(usual)) => Ok(usual),
        (None, None) => Err(WeightsError::config(key, "is not there")),
        (Some(found), _) => {
            found.as_f64().ok_or_else(|| WeightsError::config(key, format!("is {found}, and no number")))
        }
    }
}
