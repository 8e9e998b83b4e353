//! What does a program answer? Taken step by step, position by position: the oracle of compiled models.

use super::program::{Program, ProgramError, Step};
use crate::transformer::RunError;

/// What a program answers at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The value.
    pub value: usize,
    /// Whether a model must agree: no mean of different values was taken on the way.
    pub is_certain: bool,
}

impl Program {
    /// The output's value at every position.
    ///
    /// # Errors
    /// When the prompt is empty, too long, has tokens that there are not, or does not begin with token 0.
    pub fn run(&self, tokens: &[u32]) -> Result<Vec<usize>, ProgramError> {
        Ok(self.answers(tokens)?.into_iter().map(|answer| answer.value).collect())
    }

    /// The output's value at every position, and whether it is certain.
    ///
    /// # Errors
    /// As [`Program::run`].
    pub fn answers(&self, tokens: &[u32]) -> Result<Vec<Answer>, ProgramError> {
        self.check(tokens)?;
        Ok(self.taken(tokens).swap_remove(self.output))
    }

    fn check(&self, tokens: &[u32]) -> Result<(), ProgramError> {
        let Some(&first) = tokens.first() else { return Err(RunError::NoTokens.into()) };
        if tokens.len() > self.n_ctx {
            return Err(RunError::TooLong { found: tokens.len(), most: self.n_ctx }.into());
        }
        if let Some(at) = tokens.iter().position(|token| *token as usize >= self.n_tokens) {
            return Err(RunError::Token { at, token: tokens[at], size: self.n_tokens }.into());
        }
        if first == 0 { Ok(()) } else { Err(ProgramError::First { found: first }) }
    }

    /// Every step's value at the first position, which is the same in all prompts.
    pub(super) fn firsts(&self) -> Vec<usize> {
        self.taken(&[0]).iter().map(|answers| answers[0].value).collect()
    }

    /// Every step at every position.
    fn taken(&self, tokens: &[u32]) -> Vec<Vec<Answer>> {
        let sure = |value| Answer { value, is_certain: true };
        let mut taken: Vec<Vec<Answer>> = Vec::with_capacity(self.steps.len());
        for (at, step) in self.steps.iter().enumerate() {
            let answer = |position: usize| match step {
                Step::Tokens => sure(tokens[position] as usize),
                Step::Indices => sure(position),
                Step::Map { of, table } => {
                    let of = taken[*of][position];
                    Answer { value: table[of.value], ..of }
                }
                Step::Zip { a, b, table } => {
                    let (a, b) = (taken[*a][position], taken[*b][position]);
                    Answer { value: table[a.value][b.value], is_certain: a.is_certain && b.is_certain }
                }
                Step::Aggregate { keys, queries, predicate, values } => {
                    let query = taken[*queries][position];
                    let selected = selected(&taken[*keys][..=position], query, predicate);
                    let values = selected.positions.iter().map(|from| taken[*values][*from]);
                    mean(values.collect(), self.sizes[at], selected.is_certain)
                }
                Step::Count { keys, queries, predicate } => {
                    let query = taken[*queries][position];
                    let selected = selected(&taken[*keys][..=position], query, predicate);
                    let value = selected.positions.len() - usize::from(selected.is_fallback);
                    Answer { value, is_certain: selected.is_certain }
                }
            };
            let answers = (0..tokens.len()).map(answer).collect();
            taken.push(answers);
        }
        taken
    }
}

/// Positions that a query selects.
struct Selected {
    /// The first one if there is no other.
    positions: Vec<usize>,
    is_fallback: bool,
    is_certain: bool,
}

fn selected(keys: &[Answer], query: Answer, predicate: &[Vec<bool>]) -> Selected {
    let is_meant = |at: &usize| predicate[keys[*at].value][query.value];
    let mut positions: Vec<usize> = (1..keys.len()).filter(is_meant).collect();
    let is_fallback = positions.is_empty();
    if is_fallback {
        positions.push(0);
    }
    let is_certain = query.is_certain && keys.iter().all(|key| key.is_certain);
    Selected { positions, is_fallback, is_certain }
}

/// The value that occurs most often; of several the lowest.
fn mean(values: Vec<Answer>, size: usize, is_certain: bool) -> Answer {
    let mut shares = vec![0_usize; size];
    values.iter().for_each(|answer| shares[answer.value] += 1);
    let most = shares.iter().copied().max().unwrap_or(0);
    let value = shares.iter().position(|share| *share == most).unwrap_or(0);
    let is_certain = is_certain && values.iter().all(|answer| answer.is_certain && answer.value == value);
    Answer { value, is_certain }
}
