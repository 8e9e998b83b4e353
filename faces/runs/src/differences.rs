//! What did one run do that another did not?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{Artifact, Run};

/// Where two runs differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What was done, or the words of the command.
    Command,
    /// The program's version.
    Version,
    /// A file that went in.
    Input,
    /// The value of an option.
    Option,
    /// A file that came out.
    Output,
    /// A number that came out.
    Result,
}

impl Part {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Version => "version",
            Self::Input => "input",
            Self::Option => "option",
            Self::Output => "output",
            Self::Result => "result",
        }
    }
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where.
    pub part: Part,
    /// What is called so in both.
    pub name: String,
    /// What it is in the first; `None` where it is not there.
    pub left: Option<Value>,
    /// What it is in the second.
    pub right: Option<Value>,
}

/// All that differs between two runs, what was asked before what came of it. When they began and how long they took always differs, and is left
/// out. Files are compared by their bytes where both have a hash, so that the same file under another name is none; else by name.
#[must_use]
pub fn differences(left: &Run, right: &Run) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut texts = |part, name: &str, a: &str, b: &str| {
        if a != b {
            all.push(Difference { part, name: name.to_owned(), left: Some(a.into()), right: Some(b.into()) });
        }
    };
    texts(Part::Command, "verb", &left.verb, &right.verb);
    texts(Part::Version, "version", &left.version, &right.version);
    let words = |run: &Run| run.command.iter().cloned().map(Value::from).collect::<Vec<_>>();
    let (a, b) = (words(left), words(right));
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    for at in same..a.len().max(b.len()) {
        let (left, right) = (a.get(at).cloned(), b.get(at).cloned());
        if left != right {
            all.push(Difference { part: Part::Command, name: format!("word {}", at + 1), left, right });
        }
    }
    all.extend(files(Part::Input, &left.inputs, &right.inputs));
    all.extend(values(Part::Option, &left.options, &right.options));
    all.extend(files(Part::Output, &left.outputs, &right.outputs));
    all.extend(values(Part::Result, &left.results, &right.results));
    all
}

fn values(part: Part, left: &BTreeMap<String, Value>, right: &BTreeMap<String, Value>) -> Vec<Difference> {
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let of = |name: &String| {
        let (a, b) = (left.get(name).cloned(), right.get(name).cloned());
        (a != b).then(|| Difference { part, name: name.clone(), left: a, right: b })
    };
    names.into_iter().filter_map(of).collect()
}

/// Files of one role are compared in their order.
fn files(part: Part, left: &[Artifact], right: &[Artifact]) -> Vec<Difference> {
    let mut roles: Vec<&str> = Vec::new();
    for file in left.iter().chain(right) {
        if !roles.contains(&file.role.as_str()) {
            roles.push(&file.role);
        }
    }
    let mut all = Vec::new();
    for role in roles {
        let of = |files: &[Artifact]| -> Vec<Artifact> {
            files.iter().filter(|file| file.role == role).cloned().collect()
        };
        let (a, b) = (of(left), of(right));
        for at in 0..a.len().max(b.len()) {
            let (a, b) = (a.get(at), b.get(at));
            let same = match (a, b) {
                (Some(a), Some(b)) if a.sha256.is_some() && b.sha256.is_some() => a.sha256 == b.sha256,
                (Some(a), Some(b)) => a.path == b.path && a.sha256 == b.sha256,
                _ => false,
            };
            if !same {
                let shown = |file: &Artifact| -> Value {
                    let hash = file.sha256.as_deref().map(|hash| hash.chars().take(12).collect::<String>());
                    hash.map_or_else(|| file.path.clone(), |hash| format!("{} ({hash}…)", file.path)).into()
                };
                all.push(Difference { part, name: role.to_owned(), left: a.map(shown), right: b.map(shown) });
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(words: &[&str], data: &[u8], path: &str, theta: i32) -> Run {
        Run {
            schema: crate::SCHEMA.to_owned(),
            version: "0.1.0".to_owned(),
            verb: "explain".to_owned(),
            command: words.iter().map(|word| (*word).to_owned()).collect(),
            started: crate::rfc3339(0),
            seconds: 1.0,
            inputs: vec![Artifact::of_bytes("data", path, data)],
            outputs: vec![],
            options: [("theta".to_owned(), theta.into())].into(),
            results: BTreeMap::new(),
        }
    }

    #[test]
    fn what_differs_is_named_and_nothing_else() {
        let one = run(&["pellucid", "explain", "a.csv"], b"a", "a.csv", 1);
        assert_eq!(differences(&one, &one), []);
        let moved = Run {
            seconds: 9.0,
            started: crate::rfc3339(9),
            ..run(&["pellucid", "explain", "a.csv"], b"a", "b.csv", 1)
        };
        assert_eq!(differences(&one, &moved), [], "the same bytes under another name");
        let mut other = run(&["pellucid", "explain", "b.csv", "-q"], b"b", "b.csv", 2);
        other.results.insert("rows".to_owned(), 3.into());
        let all = differences(&one, &other);
        let named: Vec<(&str, &str)> = all.iter().map(|one| (one.part.word(), one.name.as_str())).collect();
        let expected = [
            ("command", "word 3"),
            ("command", "word 4"),
            ("input", "data"),
            ("option", "theta"),
            ("result", "rows"),
        ];
        assert_eq!(named, expected);
        assert_eq!((all[1].left.clone(), all[1].right.clone()), (None, Some("-q".into())));
        assert_eq!(all[4].left, None);
    }
}
