//! May we ship what we build on? `deny.toml` says which licences and sources; cargo-deny reads the same file.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub fn check(metadata: &Value, rules: &Path) -> Result<Vec<String>> {
    let text = fs_err::read_to_string(rules)?;
    let rules: toml::Table = text.parse().with_context(|| rules.display().to_string())?;
    let list = |table: &str, key: &str| -> Vec<toml::Value> {
        let list = rules.get(table).and_then(|table| table.get(key)).and_then(toml::Value::as_array);
        list.cloned().unwrap_or_default()
    };
    let texts = |values: Vec<toml::Value>| -> Vec<String> {
        values.iter().filter_map(|value| Some(value.as_str()?.to_owned())).collect()
    };
    let allowed = texts(list("licenses", "allow"));
    let banned: Vec<String> =
        list("bans", "deny").iter().filter_map(|ban| Some(ban.get("crate")?.as_str()?.to_owned())).collect();
    let mut complaints = Vec::new();
    for package in metadata["packages"].as_array().context("no packages")? {
        let name = package["name"].as_str().unwrap_or_default();
        if !package["source"].is_null() && package["source"] != CRATES_IO {
            complaints.push(format!("{name} comes from {}", package["source"]));
        }
        if banned.iter().any(|banned| banned == name) {
            complaints.push(format!("{name} is banned by deny.toml"));
        }
        let licence = package["license"].as_str().unwrap_or_default();
        if !fits(licence, &allowed) {
            complaints.push(format!("{name}: licence `{licence}` is not allowed by deny.toml"));
        }
    }
    Ok(complaints)
}

/// Whether an SPDX expression can be met with allowed licences. An exception (`WITH`) only gives more rights.
pub fn fits(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any_of(&mut rest, allowed).unwrap_or(false) && rest.is_empty()
}

fn any_of(words: &mut &[&str], allowed: &[String]) -> Option<bool> {
    let mut met = all_of(words, allowed)?;
    while let ["OR", rest @ ..] = words {
        *words = rest;
        met |= all_of(words, allowed)?;
    }
    Some(met)
}

fn all_of(words: &mut &[&str], allowed: &[String]) -> Option<bool> {
    let mut met = one(words, allowed)?;
    while let ["AND", rest @ ..] = words {
        *words = rest;
        met &= one(words, allowed)?;
    }
    Some(met)
}

fn one(words: &mut &[&str], allowed: &[String]) -> Option<bool> {
    match words {
        ["(", rest @ ..] => {
            *words = rest;
            let met = any_of(words, allowed)?;
            let [")", rest @ ..] = words else { return None };
            *words = rest;
            Some(met)
        }
        [name, rest @ ..] => {
            *words = if let ["WITH", _, rest @ ..] = rest { rest } else { rest };
            Some(allowed.iter().any(|allowed| allowed == name))
        }
        [] => None,
    }
}
