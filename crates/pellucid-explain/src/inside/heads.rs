//! What do heads attend to? Scores of how far their patterns are those that have names.
//!
//! The heads of Elhage et al. 2021 and Olsson et al. 2022 ("In-context learning and induction heads", arXiv 2209.11895), by the patterns of
//! TransformerLens's `detect_head`. Of induction this is Olsson's prefix-matching score.

use pellucid_models::transformer::forward::{self, Wanted};
use pellucid_models::transformer::{Capture, Hook, Machine, Site, Transformer};

use super::error::PatchError;

/// A pattern that heads are known for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadKind {
    /// Attends to the token before.
    PreviousToken,
    /// Attends to earlier tokens that are the same.
    DuplicateToken,
    /// Attends to what followed earlier tokens that are the same.
    Induction,
}

impl HeadKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::PreviousToken, Self::DuplicateToken, Self::Induction];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PreviousToken => "previous_token",
            Self::DuplicateToken => "duplicate_token",
            Self::Induction => "induction",
        }
    }

    /// Whether a head of this kind attends from a position to another.
    #[must_use]
    pub fn attends(self, tokens: &[u32], to: usize, from: usize) -> bool {
        match self {
            Self::PreviousToken => from + 1 == to,
            Self::DuplicateToken => from < to && tokens[from] == tokens[to],
            Self::Induction => from > 0 && from <= to && tokens[from - 1] == tokens[to] && from - 1 < to,
        }
    }

    /// From how many positions a head of this kind attends to anything.
    #[must_use]
    pub fn n_positions(self, tokens: &[u32]) -> usize {
        let all = 0..tokens.len();
        all.clone().filter(|&to| all.clone().any(|from| self.attends(tokens, to, from))).count()
    }

    /// The share of a head's attention that goes where this kind attends, 0 to 1, over the positions from which such a head attends to anything;
    /// `None` where there are none.
    ///
    /// TransformerLens's measure `mul` counts all positions, so that what it says of a perfect head falls with every position that has nothing to
    /// attend to.
    #[must_use]
    pub fn score(self, tokens: &[u32], pattern: &[f32]) -> Option<f64> {
        let (mut there, mut all) = (0.0, 0.0);
        for (to, row) in pattern.chunks(tokens.len().max(1)).enumerate() {
            let mut of_row = None;
            for (_, share) in row.iter().enumerate().filter(|(from, _)| self.attends(tokens, to, *from)) {
                *of_row.get_or_insert(0.0) += f64::from(*share);
            }
            if let Some(of_row) = of_row {
                there += of_row;
                all += row.iter().map(|share| f64::from(*share)).sum::<f64>();
            }
        }
        (all > 0.0).then(|| there / all)
    }
}

/// A head's scores, one a kind, in the order of [`HeadKind::ALL`].
#[derive(Debug, Clone, PartialEq)]
pub struct HeadScores {
    /// The block.
    pub layer: usize,
    /// The head.
    pub head: usize,
    /// The scores; `None` where the prompt has nothing to attend to for a kind.
    pub scores: [Option<f64>; 3],
    /// Positions × positions: what the head attends to.
    pub pattern: Vec<f32>,
}

impl HeadScores {
    /// The share of its attention that goes to the first token, over a prompt of so many.
    #[must_use]
    pub fn first_token(&self, n_tokens: usize) -> f64 {
        self.mean(n_tokens, |_, from| f64::from(u8::from(from == 0)))
    }

    /// How many tokens away it looks, in the mean over its attention.
    #[must_use]
    pub fn distance(&self, n_tokens: usize) -> f64 {
        self.mean(n_tokens, |to, from| to.abs_diff(from) as f64)
    }

    fn mean(&self, n_tokens: usize, of: impl Fn(usize, usize) -> f64) -> f64 {
        let n = n_tokens.max(1);
        let (mut sum, mut all) = (0.0, 0.0);
        for (at, share) in self.pattern.iter().enumerate() {
            all += f64::from(*share);
            sum += f64::from(*share) * of(at / n, at % n);
        }
        if all > 0.0 { sum / all } else { 0.0 }
    }
}

/// Scores of all heads on a prompt.
///
/// # Errors
/// When the prompt can't be run.
pub fn head_scores(
    model: &Transformer,
    tokens: &[u32],
    machine: Machine<'_>,
) -> Result<Vec<HeadScores>, PatchError> {
    let spec = &model.spec;
    let hooks: Vec<Hook> = (0..spec.n_layers).map(|layer| Hook::at(Site::Pattern, layer)).collect();
    let mut seen = Capture::of(hooks);
    forward::run_on(model, &[tokens], Wanted::Residual, &mut seen, machine)
        .map_err(|(_, cause)| PatchError::from(cause))?;
    Ok(scored(model, tokens, &mut seen))
}

/// Scores of heads whose patterns were kept, which are taken out.
pub(super) fn scored(model: &Transformer, tokens: &[u32], seen: &mut Capture<f32>) -> Vec<HeadScores> {
    let spec = &model.spec;
    let mut found = Vec::with_capacity(spec.n_layers * spec.n_heads);
    for layer in 0..spec.n_layers {
        let Some(patterns) = seen.seen.remove(&(0, Hook::at(Site::Pattern, layer))) else { continue };
        let heads = patterns.data.chunks_exact(tokens.len() * tokens.len()).enumerate();
        found.extend(heads.map(|(head, pattern)| HeadScores {
            layer,
            head,
            scores: HeadKind::ALL.map(|kind| kind.score(tokens, pattern)),
            pattern: pattern.to_vec(),
        }));
    }
    found
}
