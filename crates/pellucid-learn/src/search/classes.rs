//! Which points can't be told apart? Those that the same rules cover: a class, with what covering it saves.
//!
//! A class is covered whole or not at all, so that only its net weight matters (what its positives cost if they are left
//! uncovered, less what its negatives cost if they are covered).

use std::collections::HashMap;

use super::problem::PATIENCE;
use crate::{Instance, Objective, Searching, SemanticsError};

/// Points that the same rules cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Class {
    /// The rules, a bit each, 64 a word.
    pub(crate) rules: Box<[u64]>,
    /// Weight of its points of label 1.
    pub(crate) positive: u64,
    /// Weight of its points of label 0.
    pub(crate) negative: u64,
}

impl Class {
    /// What covering it saves; negative where it costs.
    pub(crate) fn net(&self, objective: &Objective) -> i64 {
        let [saved, paid] =
            [(self.positive, objective.false_negative), (self.negative, objective.false_positive)]
                .map(|(weight, cost)| weight as i64 * i64::from(cost));
        saved - paid
    }

    pub(crate) fn is_covered(&self) -> bool {
        self.rules.iter().any(|&word| word != 0)
    }
}

/// All classes, in the order of their first point.
///
/// # Errors
/// When a limit is reached.
pub(crate) fn classes(instance: &Instance, searching: &Searching<'_>) -> Result<Vec<Class>, SemanticsError> {
    let n = instance.label().n_rows();
    let words = instance.n_rules().div_ceil(64).max(1);
    let needs = n.saturating_mul(words * 8);
    if let Some(most) = searching.most_bytes.filter(|&most| needs > most) {
        return Err(SemanticsError::Memory { needs, most });
    }
    let mut patterns = vec![0_u64; n * words];
    for (rule, column) in instance.columns().iter().enumerate() {
        if rule.is_multiple_of(PATIENCE) && searching.control.watch.should_stop() {
            return Err(SemanticsError::Stopped);
        }
        for row in column.iter() {
            patterns[row * words + rule / 64] |= 1 << (rule % 64);
        }
    }
    let mut known: HashMap<&[u64], u32> = HashMap::with_capacity(1024);
    let mut classes: Vec<Class> = Vec::new();
    for (row, pattern) in patterns.chunks_exact(words).enumerate() {
        let class = *known.entry(pattern).or_insert_with(|| {
            classes.push(Class { rules: pattern.into(), positive: 0, negative: 0 });
            (classes.len() - 1) as u32
        });
        let weight = u64::from(instance.weights()[row]);
        let class_of_row = &mut classes[class as usize];
        if instance.label().contains(row) {
            class_of_row.positive += weight;
        } else {
            class_of_row.negative += weight;
        }
    }
    Ok(classes)
}
