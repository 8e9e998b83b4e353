use std::sync::Arc;

use pellucid_data::table::{Categories, Column, Field, Kind};
use pellucid_data::{Quiet, Schema, Table};

use super::*;
use crate::certificate::Conditions;
use crate::{Identity, Searching, Threshold};

/// Twelve rows: a class that follows `x > 1`, a constant column, and two classes of texts.
fn table() -> Table {
    let levels = Arc::new(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]);
    let text = |codes: Vec<u32>| Column::Category(Categories { codes, levels: Arc::clone(&levels) });
    let columns = vec![
        Column::Number((0..12).map(f64::from).map(|row| (row / 4.0).floor()).collect()),
        Column::Number(vec![7.0; 12]),
        text([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2].into()),
        Column::Number((0..12).map(|row| f64::from(u8::from(row >= 8))).collect()),
        Column::Number((0..12).map(|row| f64::from(if row < 4 { 9 } else { 1 })).collect()),
    ];
    let field = |(name, kind): &(&str, Kind)| Field { name: (*name).to_owned(), kind: *kind };
    let kinds = [
        ("x", Kind::Float64),
        ("same", Kind::Float64),
        ("three", Kind::Category),
        ("y", Kind::Integer),
        ("people", Kind::Integer),
    ];
    Table::new(Arc::new(Schema { fields: kinds.iter().map(field).collect() }), columns, 12).unwrap()
}

fn of(target: &str) -> TaskOptions {
    TaskOptions { drop: vec!["three".to_owned()], ..TaskOptions::new(target) }
}

fn wrong(options: &TaskOptions) -> TaskError {
    prepare(table(), options, &Quiet, &mut Vec::new()).unwrap_err()
}

#[test]
fn each_wrong_option_has_an_error_of_its_own() {
    assert!(matches!(wrong(&of("z")), TaskError::NoColumn { .. }));
    assert!(matches!(wrong(&of("same")), TaskError::OneValue { .. }));
    assert!(matches!(wrong(&TaskOptions::new("three")), TaskError::Several { .. }));
    assert!(matches!(
        wrong(&TaskOptions { positive: Some("2".to_owned()), ..of("y") }),
        TaskError::Never { .. }
    ));
    assert!(matches!(
        wrong(&TaskOptions { weights: Some("three".to_owned()), ..of("y") }),
        TaskError::WeightKind { .. }
    ));
    assert!(matches!(
        wrong(&TaskOptions { drop: vec!["y".to_owned()], ..of("y") }),
        TaskError::TargetDropped { .. }
    ));
    assert!(matches!(
        wrong(&TaskOptions { monotone: vec![("three".to_owned(), true)], ..of("y") }),
        TaskError::NoDirection { .. }
    ));
    assert!(matches!(
        wrong(&TaskOptions { min_support: Support::Count(13), ..of("y") }),
        TaskError::TooRare { min_support: 13, .. }
    ));
    assert!(matches!(
        wrong(&TaskOptions { lambda: pellucid_data::Ratio::ZERO, ..of("y") }),
        TaskError::Semantics(_)
    ));
}

#[test]
fn a_task_is_learned_with_its_proof_and_decides_its_rows() {
    let mut notes = Vec::new();
    let task = prepare(table(), &of("y"), &Quiet, &mut notes).unwrap();
    assert_eq!((task.positive.as_str(), task.default.as_str()), ("1", "0"));
    // `x > 1` is the label, and that is said.
    assert!(notes.iter().any(|note| note.contains("the label seems to stand")), "{notes:?}");
    let found = learned(task, Conditions::default(), &Searching::quiet(), &mut |_| {}).unwrap();
    assert!(found.certificate.is_proven());
    let file = rules_file(&[&found], None, "0").unwrap();
    let label = found.task.instance.label();
    let rows = decided(&file.decision, &found.task.table, &[label.not(), label.clone()], &[1; 12]).unwrap();
    assert_eq!(rows, [[0, 4], [8, 0]]);
}

#[test]
fn classes_are_asked_from_the_lightest_on() {
    let by_rows = one_vs_rest(&table(), &TaskOptions::new("three")).unwrap();
    // Four rows each: by name.
    assert_eq!(by_rows.1, "c");
    let weights = Some("people".to_owned());
    let (tasks, default) =
        one_vs_rest(&table(), &TaskOptions { weights, ..TaskOptions::new("three") }).unwrap();
    let asked: Vec<_> = tasks.iter().filter_map(|task| task.positive.as_deref()).collect();
    assert_eq!((asked, default.as_str()), (vec!["b", "c"], "a"));
}

#[test]
fn a_bound_above_the_best_is_that_number_as_a_bound() {
    let half = pellucid_data::Ratio::new(1, 2).unwrap();
    let explore = |threshold| {
        let task = prepare(table(), &of("y"), &Quiet, &mut Vec::new()).unwrap();
        let bound = Bound { threshold, exclude_empty: false, identity: Identity::Subset, max_size: None };
        explored(task, &bound, &Searching::quiet()).unwrap()
    };
    let above = explore(Threshold::Above(half));
    let best = above.best(&Searching::quiet()).unwrap();
    assert_eq!(above.within.theta, best.plus(half).unwrap());
    let absolute = explore(Threshold::Absolute(above.within.theta));
    let count = |about: &Explored| {
        about.explorer.count(crate::rashomon::Detail::Full, &Searching::quiet()).unwrap().count
    };
    assert_eq!(count(&above), count(&absolute));
    let how = Studying { groups: Some(Grouping::Column("three".to_owned())), ..Studying::default() };
    let study = studied(&above, &how, &Searching::quiet()).unwrap();
    assert!(study.exact && study.count == count(&above));
}

#[test]
fn a_share_of_rows_is_rounded_up() {
    assert_eq!("0.01".parse::<Support>().unwrap().of(150).unwrap(), 2);
    assert_eq!("30".parse::<Support>().unwrap().of(150).unwrap(), 30);
    assert!("-1".parse::<Support>().is_err() && "2.0".parse::<Support>().is_err());
}

#[test]
fn a_column_is_added_only_where_it_fits() {
    let field = |name: &str| Field { name: name.to_owned(), kind: Kind::Float64 };
    let added = with_column(table(), field("new"), Column::Number(vec![0.0; 12])).unwrap();
    assert_eq!(added.schema().position("new"), Some(5));
    let short = with_column(table(), field("new"), Column::Number(vec![0.0; 3]));
    assert!(matches!(short, Err(WholeError::Length { found: 3, wanted: 12, .. })));
    let twice = with_column(table(), field("x"), Column::Number(vec![0.0; 12]));
    assert!(matches!(twice, Err(WholeError::Twice { .. })));
}
