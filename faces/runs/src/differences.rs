//! What did one run do that another did not?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{Artifact, Run};

/// Pairs of words that are looked at, at most, to align two commands.
const MOST_PAIRS: usize = 1_000_000;

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
    all.extend(words(&left.command, &right.command));
    all.extend(files(Part::Input, &left.inputs, &right.inputs));
    all.extend(values(Part::Option, &left.options, &right.options));
    all.extend(files(Part::Output, &left.outputs, &right.outputs));
    all.extend(values(Part::Result, &left.results, &right.results));
    all
}

/// Words that are in one command only, those that stand together as one: words are aligned first, so that one that was put in moves no other.
fn words(left: &[String], right: &[String]) -> Vec<Difference> {
    let begin = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    let (a, b) = (&left[begin..], &right[begin..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    let mut common = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    // Of commands that have thousands of words in between, all of these are one difference.
    if a.len().saturating_mul(b.len()) <= MOST_PAIRS {
        for i in (0..a.len()).rev() {
            for j in (0..b.len()).rev() {
                common[i][j] = if a[i] == b[j] {
                    common[i + 1][j + 1] + 1
                } else {
                    common[i + 1][j].max(common[i][j + 1])
                };
            }
        }
    }
    let mut all = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let from = [i, j];
        while (i < a.len() || j < b.len()) && !(i < a.len() && j < b.len() && a[i] == b[j]) {
            if j == b.len() || (i < a.len() && common[i + 1][j] >= common[i][j + 1]) {
                i += 1;
            } else {
                j += 1;
            }
        }
        let said = |words: &[String]| match words {
            [] => None,
            [word] => Some(Value::from(word.clone())),
            many => Some(Value::from(many.to_vec())),
        };
        if from != [i, j] {
            let name = format!("word {}", begin + from[0] + 1);
            all.push(Difference {
                part: Part::Command,
                name,
                left: said(&a[from[0]..i]),
                right: said(&b[from[1]..j]),
            });
        }
        while i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
        }
    }
    all
}

/// A value's own values by their names, those of a list by their places from 1; `None` for what is shown as a whole.
fn inner(value: Option<&Value>) -> Option<Vec<(String, &Value)>> {
    match value? {
        Value::Object(own) if !own.is_empty() => {
            Some(own.iter().map(|(name, value)| (name.clone(), value)).collect())
        }
        Value::Array(all) if all.iter().any(|one| one.is_array() || one.is_object()) => {
            Some(all.iter().enumerate().map(|(at, value)| ((at + 1).to_string(), value)).collect())
        }
        _ => None,
    }
}

/// What stands inside of values is compared by itself: `outputs.1.mean`.
fn value(part: Part, name: String, left: Option<&Value>, right: Option<&Value>, all: &mut Vec<Difference>) {
    if left == right {
        return;
    }
    let own = match (inner(left), inner(right)) {
        (Some(a), Some(b)) => Some((a, b)),
        (Some(a), None) if right.is_none() => Some((a, Vec::new())),
        (None, Some(b)) if left.is_none() => Some((Vec::new(), b)),
        _ => None,
    };
    let Some((a, b)) = own else {
        all.push(Difference { part, name, left: left.cloned(), right: right.cloned() });
        return;
    };
    let [in_a, in_b] =
        [&a, &b].map(|own| own.iter().map(|(name, value)| (name, *value)).collect::<BTreeMap<_, _>>());
    let names = a.iter().chain(b.iter().filter(|(name, _)| !in_a.contains_key(name)));
    for (own, _) in names {
        value(part, format!("{name}.{own}"), in_a.get(own).copied(), in_b.get(own).copied(), all);
    }
}

fn values(part: Part, left: &BTreeMap<String, Value>, right: &BTreeMap<String, Value>) -> Vec<Difference> {
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let mut all = Vec::new();
    for name in names {
        value(part, name.clone(), left.get(name), right.get(name), &mut all);
    }
    all
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
        let expected = [("command", "word 3"), ("input", "data"), ("option", "theta"), ("result", "rows")];
        assert_eq!(named, expected);
        assert_eq!(
            (all[0].left.clone(), all[0].right.clone()),
            (Some("a.csv".into()), Some(serde_json::json!(["b.csv", "-q"])))
        );
        assert_eq!(all[3].left, None);
    }

    #[test]
    fn words_are_aligned_before_they_are_compared() {
        let of = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        let told = |a: &str, b: &str| -> Vec<(String, Value, Value)> {
            let all = words(&of(a), &of(b)).into_iter();
            all.map(|one| (one.name, one.left.into(), one.right.into())).collect()
        };
        let short = "pellucid explain m.ubj a.csv -o a.parquet --seed 1";
        let long = "pellucid explain m.ubj a.csv --where age:>=:40 -o b.parquet --seed 1";
        let put_in = ("word 5".to_owned(), Value::Null, serde_json::json!(["--where", "age:>=:40"]));
        let other = ("word 6".to_owned(), "a.parquet".into(), "b.parquet".into());
        assert_eq!(told(short, long), [put_in, other]);
        let gone = ("word 5".to_owned(), serde_json::json!(["--where", "age:>=:40"]), Value::Null);
        assert_eq!(told(long, &long.replace(" --where age:>=:40", "")), [gone]);
        assert_eq!(told(long, long), []);
        // So many that they are not aligned.
        let many = |first: &str| format!("{first} same {}", vec!["x y"; 2_000].join(" ") + first);
        assert_eq!(told(&many("a"), &many("b")).len(), 1);
    }

    #[test]
    fn values_inside_of_values_are_compared_each() {
        let of = |results: Value| Run {
            results: serde_json::from_value(results).unwrap(),
            ..run(&["pellucid"], b"a", "a.csv", 1)
        };
        let left = of(
            serde_json::json!({"outputs": [{"name": "a", "mean": 1}, {"name": "b", "mean": 2}], "few": [1, 2]}),
        );
        let right = of(serde_json::json!({"outputs": [{"name": "a", "mean": 3}], "few": [1, 3]}));
        let all = differences(&left, &right);
        let named: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        // As they are called in the file, names in the order of letters.
        assert_eq!(named, ["few", "outputs.1.mean", "outputs.2.mean", "outputs.2.name"]);
        assert_eq!((all[1].left.clone(), all[1].right.clone()), (Some(1.into()), Some(3.into())));
        assert_eq!((all[2].left.clone(), all[2].right.clone()), (Some(2.into()), None));
    }
}
