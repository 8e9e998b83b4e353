//! Which values has the target, and which of them do rules predict? And how much does each row count?

use std::collections::BTreeMap;

use pellucid_data::table::Column;
use pellucid_data::{RowSet, Table};

use super::{TaskError, TaskOptions, position};

/// Classes that are learned one against the rest, at most.
const MOST_CLASSES: usize = 64;

/// The distinct values of a column with their number of rows, as people spell them.
#[must_use]
pub fn values(column: &Column) -> Vec<(String, usize)> {
    let ones = vec![1; column.len()];
    weighed(column, &ones).into_iter().map(|(value, rows, _)| (value, rows)).collect()
}

/// The same with the weight of these rows.
fn weighed(column: &Column, weights: &[u32]) -> Vec<(String, usize, u64)> {
    let mut found: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    let mut add = |value: String, rows: usize, weight: u64| {
        let entry = found.entry(value).or_default();
        *entry = (entry.0 + rows, entry.1 + weight);
    };
    match column {
        Column::Number(values) => {
            // Spelled once a value, not once a row.
            let with_value = values.iter().zip(weights).filter(|(x, _)| !x.is_nan());
            let mut bits: Vec<(u64, u32)> = with_value.map(|(x, &weight)| (x.to_bits(), weight)).collect();
            bits.sort_unstable();
            for same in bits.chunk_by(|a, b| a.0 == b.0) {
                let weight = same.iter().map(|&(_, weight)| u64::from(weight)).sum();
                add(f64::from_bits(same[0].0).to_string(), same.len(), weight);
            }
        }
        Column::Category(text) => {
            let mut of_level = vec![(0, 0); text.levels.len()];
            for (&code, &weight) in text.codes.iter().zip(weights) {
                if let Some((rows, sum)) = of_level.get_mut(code as usize) {
                    *rows += 1;
                    *sum += u64::from(weight);
                }
            }
            let seen = text.levels.iter().zip(of_level).filter(|(_, (rows, _))| *rows > 0);
            seen.for_each(|(level, (rows, weight))| add(level.clone(), rows, weight));
        }
    }
    found.into_iter().map(|(value, (rows, weight))| (value, rows, weight)).collect()
}

/// The value that rules predict, and what the others are called.
pub(super) fn positive(
    options: &TaskOptions,
    column: &Column,
    weights: &[u32],
) -> Result<(String, String), TaskError> {
    let found = values(column);
    let target = options.target.clone();
    if found.len() < 2 {
        return Err(TaskError::OneValue { target, values: found });
    }
    let positive = match &options.positive {
        Some(value) => {
            let is =
                |known: &str| known == value || number(known).is_some() && number(known) == number(value);
            let known = found.iter().find(|(known, _)| is(known)).map(|(known, _)| known.clone());
            known.ok_or_else(|| TaskError::Never {
                target,
                positive: value.clone(),
                values: found.clone(),
            })?
        }
        None if found.len() > 2 => return Err(TaskError::Several { target, values: found }),
        None => {
            let one =
                found.iter().find(|(value, _)| ["1", "true", "True", "yes", "Yes"].contains(&value.as_str()));
            let rarer = || weighed(column, weights).into_iter().min_by_key(|(_, _, weight)| *weight);
            one.map(|(value, _)| value.clone())
                .or_else(|| rarer().map(|(value, ..)| value))
                .unwrap_or_default()
        }
    };
    let default = match found.iter().filter(|(value, _)| *value != positive).collect::<Vec<_>>().as_slice() {
        [(other, _)] => other.clone(),
        _ => format!("not {positive}"),
    };
    Ok((positive, default))
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

/// One task a class against the rest, in the order in which they are asked: from the rarest (by weight) to the most
/// frequent but one; and the most frequent class, which is what is left.
///
/// # Errors
/// When there is no target, or it has fewer than two or more than 64 values.
pub fn one_vs_rest(table: &Table, options: &TaskOptions) -> Result<(Vec<TaskOptions>, String), TaskError> {
    let column = &table.columns()[position(table, &options.target, "the target")?];
    let (weights, _) = row_weights(options.weights.as_deref(), table, column)?;
    let mut classes = weighed(column, &weights);
    classes.sort_by(|a, b| a.2.cmp(&b.2).then_with(|| a.0.cmp(&b.0)));
    let target = options.target.clone();
    if classes.len() > MOST_CLASSES {
        return Err(TaskError::TooManyClasses { target, found: classes.len(), most: MOST_CLASSES });
    }
    match classes.pop() {
        Some((default, ..)) if !classes.is_empty() => {
            let task =
                |(value, ..): (String, usize, u64)| TaskOptions { positive: Some(value), ..options.clone() };
            Ok((classes.into_iter().map(task).collect(), default))
        }
        _ => Err(TaskError::NoTwoValues { target }),
    }
}

/// One weight a row: 1, or what a column says; 0 where there is no target. And how many rows have none.
///
/// # Errors
/// When the column of weights is absent, or holds something else than whole numbers from 0 on.
pub fn row_weights(
    name: Option<&str>,
    table: &Table,
    target: &Column,
) -> Result<(Vec<u32>, usize), TaskError> {
    let mut weights = vec![1; table.n_rows()];
    if let Some(name) = name {
        let column = name.to_owned();
        let Column::Number(values) = &table.columns()[position(table, name, "the column of weights")?] else {
            return Err(TaskError::WeightKind { column });
        };
        for (row, (weight, &value)) in weights.iter_mut().zip(values).enumerate() {
            if !(value >= 0.0 && value.fract() == 0.0 && value <= f64::from(u32::MAX)) {
                return Err(TaskError::Weight { row, value, column });
            }
            *weight = value as u32;
        }
    }
    let is_missing = |row: usize| match target {
        Column::Number(values) => values[row].is_nan(),
        Column::Category(text) => text.text(row).is_none(),
    };
    let missing = RowSet::from_fn(table.n_rows(), is_missing);
    missing.iter().for_each(|row| weights[row] = 0);
    Ok((weights, missing.count()))
}

/// What is said of rows without a target; nothing where there are none.
#[must_use]
pub fn without_target(target: &str, rows: usize) -> Option<String> {
    (rows > 0).then(|| format!("{rows} rows have no `{target}` and do not count"))
}
