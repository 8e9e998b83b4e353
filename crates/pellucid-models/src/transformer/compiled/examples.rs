//! Which programs are there to begin with? Some that the literature on circuits knows, over letters; token 0
//! begins the prompt.

use super::program::{Draft, Op, Predicate, Program, ProgramError};

/// Tokens: the one that begins a prompt, and twelve letters.
pub const N_TOKENS: usize = 13;
/// Most tokens of a prompt.
pub const N_CTX: usize = 16;

/// All of them, with their names.
///
/// # Errors
/// None that is known of: they are programs.
pub fn all() -> Result<Vec<(&'static str, Program)>, ProgramError> {
    Ok(vec![
        ("previous_token", previous_token()?),
        ("induction", induction()?),
        ("count_matches", count_matches()?),
        ("is_sorted_pair", is_sorted_pair()?),
        ("three_back", three_back()?),
        ("was_rarer", was_rarer()?),
    ])
}

/// The token before each; a head that looks one position back.
///
/// # Errors
/// As [`all`].
pub fn previous_token() -> Result<Program, ProgramError> {
    let mut draft = Draft::new(N_TOKENS, N_CTX)?;
    let tokens = draft.tokens();
    let previous = before(&mut draft, tokens)?;
    draft.finish(previous)
}

/// The token that followed when the current one stood there before, or token 0 (Olsson et al. 2022, arXiv
/// 2209.11895): a head tells every position what stands before it, another looks for the current token there.
/// MLPs have no part in it. After a token that stood there several times the answer is what followed it most
/// often.
///
/// # Errors
/// As [`all`].
pub fn induction() -> Result<Program, ProgramError> {
    let mut draft = Draft::new(N_TOKENS, N_CTX)?;
    let tokens = draft.tokens();
    let previous = before(&mut draft, tokens)?;
    let is_same = square(N_TOKENS, N_TOKENS, |key, query| key == query);
    let next = draft.aggregate(previous, tokens, is_same, tokens)?;
    draft.finish(next)
}

/// How often the current token has occurred, itself included; 0 at the first position.
///
/// # Errors
/// As [`all`].
pub fn count_matches() -> Result<Program, ProgramError> {
    let mut draft = Draft::new(N_TOKENS, N_CTX)?;
    let count = matches_of(&mut draft)?;
    draft.finish(count)
}

/// Whether the token before comes no later in the alphabet: a head, and neurons that compare.
///
/// # Errors
/// As [`all`].
pub fn is_sorted_pair() -> Result<Program, ProgramError> {
    let mut draft = Draft::new(N_TOKENS, N_CTX)?;
    let tokens = draft.tokens();
    let previous = before(&mut draft, tokens)?;
    let table = square(N_TOKENS, N_TOKENS, |a, b| usize::from(a <= b));
    let is_sorted = draft.zip(previous, tokens, 2, table)?;
    draft.finish(is_sorted)
}

/// The token three positions before, by three heads of which each reads the last one's values: three blocks.
///
/// # Errors
/// As [`all`].
pub fn three_back() -> Result<Program, ProgramError> {
    let mut draft = Draft::new(N_TOKENS, N_CTX)?;
    let mut carried = draft.tokens();
    for _ in 0..3 {
        carried = before(&mut draft, carried)?;
    }
    draft.finish(carried)
}

/// Whether the token before had occurred more often by then than the one before that: counts, their
/// comparison, and three heads in three blocks.
///
/// # Errors
/// As [`all`].
pub fn was_rarer() -> Result<Program, ProgramError> {
    let mut draft = Draft::new(N_TOKENS, N_CTX)?;
    let count = matches_of(&mut draft)?;
    let last = before(&mut draft, count)?;
    let size = draft.size(count)?;
    let is_rarer = draft.zip(last, count, 2, square(size, size, |a, b| usize::from(a < b)))?;
    let was_rarer = before(&mut draft, is_rarer)?;
    draft.finish(was_rarer)
}

/// Another step's value at the position before; at the first one its value there.
fn before(draft: &mut Draft, values: Op) -> Result<Op, ProgramError> {
    let indices = draft.indices();
    let is_before: Predicate = square(N_CTX, N_CTX, |key, query| key + 1 == query);
    draft.aggregate(indices, indices, is_before, values)
}

fn matches_of(draft: &mut Draft) -> Result<Op, ProgramError> {
    let tokens = draft.tokens();
    draft.count(tokens, tokens, square(N_TOKENS, N_TOKENS, |key, query| key == query))
}

fn square<T>(n_rows: usize, n_columns: usize, of: impl Fn(usize, usize) -> T) -> Vec<Vec<T>> {
    (0..n_rows).map(|row| (0..n_columns).map(|column| of(row, column)).collect()).collect()
}
