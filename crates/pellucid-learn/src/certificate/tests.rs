//! A certificate holds, and any change to it is refused.

use std::sync::Arc;

use pellucid_data::binarize::{Literal, Test, rows_equal};
use pellucid_data::table::{Column, Field, Kind, Schema};
use pellucid_data::{Quiet, Ratio, Table};
use pellucid_models::rules::{ClassRules, Decision, Rule};
use serde_json::Value;

use super::format::{Held, count_to_json, digest, read, rules_to_json};
use super::verify::{Verdict, count, rules};
use super::{Certificate, Conditions, CountCertificate, RulesFile, Universe};
use crate::rashomon::{self, Detail};
use crate::{Instance, Objective, Searching, Within, learn};

/// Six columns of 0 and 1, a target that two of them explain mostly, and weights.
fn table() -> Table {
    let n = 40_usize;
    let bit = |row: usize, k: usize| f64::from(u8::from(((row * 2_654_435_761) >> (k * 3 + 4)) & 3 == 0));
    let mut columns: Vec<Vec<f64>> = (0..6).map(|k| (0..n).map(|row| bit(row, k)).collect()).collect();
    let target: Vec<f64> = (0..n)
        .map(|row| {
            if row % 7 == 3 {
                0.0
            } else if row % 9 == 0 {
                1.0
            } else {
                bit(row, 1).max(bit(row, 4))
            }
        })
        .collect();
    columns.push(target);
    columns.push((0..n).map(|row| (row % 3 + 1) as f64).collect());
    let names = ["a", "b", "c", "d", "e", "f", "y", "w"];
    let fields = names.map(|name| Field { name: name.to_owned(), kind: Kind::Integer }).to_vec();
    Table::new(Arc::new(Schema { fields }), columns.into_iter().map(Column::Number).collect(), n).unwrap()
}

fn made(table: &Table, conditions: Conditions) -> (RulesFile, CountCertificate) {
    let literal = |name: &str| Literal { column: name.to_owned(), test: Test::IsTrue };
    let mut candidates: Vec<Rule> =
        ["a", "b", "c", "d", "e", "f"].map(|name| Rule { conditions: vec![literal(name)] }).to_vec();
    candidates.push(Rule { conditions: vec![literal("a"), literal("c")] });
    let columns = candidates.iter().map(|rule| rule.rows(table).unwrap()).collect();
    let label = rows_equal(table.column("y").unwrap(), "1");
    let Some(Column::Number(weights)) = table.column("w") else { panic!("no weights") };
    let instance = Instance::new(columns, label, weights.iter().map(|&w| w as u32).collect()).unwrap();
    let objective = Objective::with_costs(Ratio::new(1, 50).unwrap(), 1, 2).unwrap();
    let universe = Universe::of(&instance, &objective, &candidates, "y", "1", Some("w"));
    let optimum =
        learn(&instance, &objective, &conditions.constraints(&candidates), &Searching::quiet(), &mut |_| {})
            .unwrap();
    let certificate = Certificate::of(universe.clone(), conditions, &instance, &optimum);
    let decision = Decision {
        target: "y".to_owned(),
        classes: vec![ClassRules { positive: "1".to_owned(), rules: certificate.rules() }],
        default: "0".to_owned(),
    };
    // The empty set is in, and not everything is.
    let empty = crate::definition::score(&instance, &objective, &[]).unwrap();
    let within = Within::new(empty);
    let counted =
        rashomon::count(&instance, &objective, &within, Detail::Sizes, &Searching::quiet()).unwrap();
    let count = CountCertificate { universe, within, count: counted.count, by_size: counted.by_size };
    (RulesFile { decision, certificates: vec![certificate], version: "0".to_owned() }, count)
}

fn verdict(text: &str, table: &Table) -> Verdict {
    match read(text.as_bytes()) {
        Ok(Held::Rules(file)) => rules(&file, table, &Quiet)
            .into_iter()
            .find(|v| !matches!(v, Verdict::Proven(_)))
            .unwrap_or(Verdict::Proven(String::new())),
        Ok(Held::Count(certificate)) => count(&certificate, table, &Quiet),
        Err(error) => Verdict::Refuted(error.to_string()),
    }
}

#[test]
fn what_is_written_reads_back_and_is_proven() {
    let table = table();
    for conditions in [
        Conditions::default(),
        Conditions { required: vec!["f".to_owned()], max_size: Some(2), ..Conditions::default() },
        Conditions { max_total_conditions: Some(1), not_empty: true, ..Conditions::default() },
    ] {
        let (file, count) = made(&table, conditions);
        assert_eq!(read(rules_to_json(&file).as_bytes()), Ok(Held::Rules(Box::new(file.clone()))));
        assert_eq!(read(count_to_json(&count).as_bytes()), Ok(Held::Count(Box::new(count.clone()))));
        assert!(file.certificates[0].is_proven() && !file.certificates[0].chosen.is_empty());
        assert!(matches!(verdict(&rules_to_json(&file), &table), Verdict::Proven(_)));
        assert!(matches!(verdict(&count_to_json(&count), &table), Verdict::Proven(_)));
    }
}

#[test]
fn a_price_that_leaves_128_bits_is_refused() {
    let table = table();
    let (file, _) = made(&table, Conditions::default());
    let mut value: Value = serde_json::from_str(&rules_to_json(&file)).unwrap();
    // Times the total weight this wraps around to a small number.
    value["classes"][0]["certificate"]["universe"]["lambda"] = (i128::MAX / 3).to_string().into();
    value["digest"] = digest(&value).into();
    let found = verdict(&value.to_string(), &table);
    assert!(matches!(&found, Verdict::Refuted(why) if why.contains("exactly")), "{found:?}");
}

/// Every place of a JSON value.
fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, inner)| places(inner, &format!("{at}/{key}"), out))
        }
        Value::Array(list) if !list.is_empty() => {
            list.iter().enumerate().for_each(|(n, inner)| places(inner, &format!("{at}/{n}"), out));
        }
        _ => out.push(at.to_owned()),
    }
}

/// Another value of the same kind.
fn changed(value: &Value) -> Value {
    match value {
        Value::Number(n) => (n.as_u64().unwrap_or(0) + 1).into(),
        Value::Bool(b) => (!b).into(),
        Value::Null => 1.into(),
        Value::Array(_) => vec![Value::from("b")].into(),
        Value::String(text) => match text.split_once('/') {
            Some((p, q)) if p.parse::<i64>().is_ok() => {
                format!("{}/{q}", p.parse::<i64>().unwrap() + q.parse::<i64>().unwrap()).into()
            }
            _ if text.parse::<u64>().is_ok() => (text.parse::<u64>().unwrap() + 1).to_string().into(),
            _ if text == "b" => "a".into(),
            _ => format!("{text}x").into(),
        },
        other => other.clone(),
    }
}

#[test]
fn a_change_of_any_field_is_refused() {
    let table = table();
    let (file, count) = made(&table, Conditions { max_size: Some(3), ..Conditions::default() });
    assert!(file.certificates[0].errors.iter().all(|&n| n > 0), "both prices matter");
    // What is no claim: who wrote it, and how long the search took. Without the digest nobody could tell.
    let unclaimed = ["/version", "/classes/0/certificate/nodes"];
    let mut n = 0;
    for text in [rules_to_json(&file), count_to_json(&count)] {
        let whole: Value = serde_json::from_str(&text).unwrap();
        let mut all = Vec::new();
        places(&whole, "", &mut all);
        for place in all {
            let mut other = whole.clone();
            let inner = other.pointer_mut(&place).unwrap();
            *inner = changed(inner);
            assert!(
                !matches!(verdict(&other.to_string(), &table), Verdict::Proven(_)),
                "{place} was changed"
            );
            n += 1;
            if place == "/digest" || unclaimed.contains(&place.as_str()) {
                continue;
            }
            // Somebody who closes the file again is found out by the data.
            other["digest"] = digest(&other).into();
            let found = verdict(&other.to_string(), &table);
            // A constraint that is weaker than it was may still be met by the same proof.
            let may_hold = place.contains("/constraints/") || place == "/max_size";
            assert!(
                may_hold || !matches!(found, Verdict::Proven(_)),
                "{place} was changed and closed again: {found:?}"
            );
        }
    }
    assert!(n > 60, "{n} fields");
}

proptest::proptest! {
    #[test]
    fn no_damage_makes_the_reader_or_the_checker_panic(at in 0_usize..6000, byte: u8, cut in 0_usize..6000, close: bool) {
        let table = table();
        let (file, _) = made(&table, Conditions::default());
        let mut bytes = rules_to_json(&file).into_bytes();
        let n = bytes.len();
        bytes[at % n] = byte;
        if cut % 3 == 0 {
            bytes.truncate(cut % n);
        }
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if let Ok(mut value) = serde_json::from_str::<Value>(&text)
            && close && value.is_object()
        {
            value["digest"] = digest(&value).into();
            text = value.to_string();
        }
        let _ = verdict(&text, &table);
    }
}
