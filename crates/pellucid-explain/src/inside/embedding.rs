//! Which texts mean about the same? Vectors of texts by an encoder: the mean over tokens of what its last block answers.
//!
//! Reimers and Gurevych 2019 (Sentence-BERT, arXiv 1908.10084), as `sentence-transformers` computes it for all-MiniLM-L6-v2. Unlike there, no
//! text is cut off: what is longer than a window becomes several, and every window tells which bytes of the text it is.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use pellucid_models::transformer::forward::{self, Wanted};
use pellucid_models::transformer::tap::Untouched;
use pellucid_models::transformer::{Machine, RunError, TokenError, Tokens, Transformer};

use crate::workers::share;
use crate::{Control, Stopped};

/// Rows that go through the weights together, at most, unless one text has more: so many have their neurons in the second cache.
const MOST_ROWS: usize = 192;

/// How texts become windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cut {
    /// A text is a window, unless it is too long: then it is split between clauses, near its middle, until every part fits.
    #[default]
    Texts,
    /// Every clause is a window: one skill in a long sentence is not diluted by the others.
    Clauses,
}

/// A part of a text that was embedded by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Which text, from 0.
    pub text: usize,
    /// Its bytes in the text.
    pub bytes: Range<usize>,
    /// Its tokens, with those that the tokenizer puts around every text.
    pub n_tokens: usize,
}

/// Vectors of texts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Embeddings {
    /// How long vectors are.
    pub width: usize,
    /// The windows, text by text.
    pub windows: Vec<Window>,
    /// A vector of length 1 a window.
    pub of_windows: Vec<f32>,
    /// A vector of length 1 a text: the mean over the tokens of all its windows.
    pub of_texts: Vec<f32>,
    /// Multiply-adds that were carried out.
    pub multiply_adds: u64,
}

/// Why texts have no vectors.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedError {
    /// A decoder.
    #[error("{family} models are decoders; vectors of texts are pooled from encoders (bert)")]
    Decoder {
        /// The model's family.
        family: &'static str,
    },
    /// Windows of a size that makes no sense.
    #[error("windows of {asked} tokens make no sense; the model reads from {least} to {most}")]
    WindowSize {
        /// What was asked.
        asked: usize,
        /// Tokens around every text, and one more.
        least: usize,
        /// What the model reads.
        most: usize,
    },
    /// A text that has no tokens.
    #[error("text {at}: {cause}")]
    Tokens {
        /// Which, from 1.
        at: usize,
        /// Why.
        cause: TokenError,
    },
    /// A text that can't be run.
    #[error("text {at}: {cause}")]
    Run {
        /// Which, from 1.
        at: usize,
        /// Why.
        cause: RunError,
    },
    /// A model that answers no numbers.
    #[error("text {at}: the model's answer is no finite vector; its weights may be damaged")]
    NotFinite {
        /// Which, from 1.
        at: usize,
    },
    /// The caller stopped.
    #[error("stopped before the end")]
    Stopped,
}

/// Embeds texts in windows of at most `most` tokens; only one letter that is more tokens by itself stays longer.
///
/// # Errors
/// When the model is no encoder, a text has no tokens, or the caller stopped.
pub fn embed(
    model: &Transformer,
    tokens: &Tokens,
    texts: &[&str],
    (cut, most): (Cut, usize),
    control: &Control<'_>,
) -> Result<Embeddings, EmbedError> {
    let spec = &model.spec;
    if spec.is_decoder {
        return Err(EmbedError::Decoder { family: spec.family.name() });
    }
    let least = tokens.of("").map_err(|cause| EmbedError::Tokens { at: 1, cause })?.len() + 1;
    if !(least..=spec.n_ctx).contains(&most) {
        return Err(EmbedError::WindowSize { asked: most, least, most: spec.n_ctx });
    }
    let mut windows = Vec::new();
    let mut ids: Vec<Vec<u32>> = Vec::new();
    for (text, content) in texts.iter().enumerate() {
        let mut open = match cut {
            Cut::Texts => Vec::new(),
            Cut::Clauses => clauses(content),
        };
        if open.is_empty() {
            open.push(trimmed(content, 0..content.len()));
        }
        open.reverse();
        while let Some(bytes) = open.pop() {
            if control.watch.should_stop() {
                return Err(EmbedError::Stopped);
            }
            let found = tokens
                .of(&content[bytes.clone()])
                .map_err(|cause| EmbedError::Tokens { at: text + 1, cause })?;
            if found.len() > most
                && let Some(at) = middle(&content[bytes.clone()])
            {
                let halves = [bytes.start + at..bytes.end, bytes.start..bytes.start + at];
                open.extend(
                    halves.map(|half| trimmed(content, half)).into_iter().filter(|half| !half.is_empty()),
                );
                continue;
            }
            let own: Vec<u32> = found.into_iter().map(|token| token.id).collect();
            spec.check_tokens(&own).map_err(|cause| EmbedError::Run { at: text + 1, cause })?;
            windows.push(Window { text, bytes, n_tokens: own.len() });
            ids.push(own);
        }
    }
    let (sums, multiply_adds) = pooled(model, &ids, control)?;
    let width = spec.d_model;
    let mut of_texts = vec![0.0_f64; texts.len() * width];
    let mut of_windows = Vec::with_capacity(sums.len() * width);
    for (window, sum) in windows.iter().zip(&sums) {
        let text = &mut of_texts[window.text * width..(window.text + 1) * width];
        text.iter_mut().zip(sum).for_each(|(text, x)| *text += x);
        of_windows.extend(unit(sum).ok_or(EmbedError::NotFinite { at: window.text + 1 })?);
    }
    let mut vectors = Vec::with_capacity(of_texts.len());
    for (at, sum) in of_texts.chunks_exact(width).enumerate() {
        vectors.extend(unit(sum).ok_or(EmbedError::NotFinite { at: at + 1 })?);
    }
    Ok(Embeddings { width, windows, of_windows, of_texts: vectors, multiply_adds })
}

impl Embeddings {
    /// The vector of a text.
    #[must_use]
    pub fn text(&self, at: usize) -> &[f32] {
        &self.of_texts[at * self.width..(at + 1) * self.width]
    }

    /// The vector of a window.
    #[must_use]
    pub fn window(&self, at: usize) -> &[f32] {
        &self.of_windows[at * self.width..(at + 1) * self.width]
    }
}

/// The cosine of two vectors of length 1.
#[must_use]
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// The same direction with length 1; `None` if there is none.
fn unit(sum: &[f64]) -> Option<Vec<f32>> {
    let length = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
    (length > 0.0 && length.is_finite()).then(|| sum.iter().map(|x| (x / length) as f32).collect())
}

/// Sums over the tokens of each window.
fn pooled(
    model: &Transformer,
    ids: &[Vec<u32>],
    control: &Control<'_>,
) -> Result<(Vec<Vec<f64>>, u64), EmbedError> {
    // As many batches as keep all threads at work.
    let n_all: usize = ids.iter().map(Vec::len).sum();
    let n_batches = n_all.div_ceil(MOST_ROWS).next_multiple_of(control.threads.get());
    let most = n_all.div_ceil(n_batches.max(1));
    // Windows of about one length go together.
    let mut order: Vec<usize> = (0..ids.len()).collect();
    order.sort_by_key(|at| (ids[*at].len(), *at));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut n_rows = 0;
    for at in order {
        match batches.last_mut() {
            Some(batch) if n_rows + ids[at].len() <= most => batch.push(at),
            _ => {
                batches.push(vec![at]);
                n_rows = 0;
            }
        }
        n_rows += ids[at].len();
    }
    let width = model.spec.d_model;
    let machine = Machine::of(control).shared_by(batches.len());
    let found = Mutex::new((vec![Vec::new(); ids.len()], 0));
    let work = |(): &mut (), batch: &Vec<usize>| {
        let prompts: Vec<&[u32]> = batch.iter().map(|at| ids[*at].as_slice()).collect();
        // Every prompt was checked: it was stopped.
        let outcome = forward::run_on(model, &prompts, Wanted::Residual, &mut Untouched, machine)
            .map_err(|_| Stopped)?;
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, answer) in batch.iter().zip(&outcome.answers) {
            let mut sum = vec![0.0; width];
            for row in answer.data.chunks_exact(width) {
                sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
            }
            found.0[*at] = sum;
        }
        found.1 += outcome.multiply_adds;
        control.watch.advance(batch.len());
        Ok(())
    };
    share(batches.iter(), batches.len(), control, || (), work).map_err(|Stopped| EmbedError::Stopped)?;
    Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// A range without the spaces at its ends.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + part.len() - part.trim_start().len();
    start..start + part.trim().len()
}

/// Clauses: sentences, parts between semicolons and colons, lines, and between commas what has three words on both sides.
#[must_use]
pub fn clauses(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for sentence in parts(text, 0..text.len(), |c| matches!(c, '.' | '!' | '?' | ';' | ':' | '\n')) {
        // With how many words each has.
        let mut own: Vec<(Range<usize>, usize)> = Vec::new();
        for part in parts(text, sentence, |c| c == ',') {
            let n_words = text[part.clone()].split_whitespace().count();
            match own.last_mut() {
                Some((before, n)) if *n < 3 || n_words < 3 => {
                    before.end = part.end;
                    *n += n_words;
                }
                _ => own.push((part, n_words)),
            }
        }
        found.extend(own.into_iter().map(|(range, _)| range));
    }
    found
}

/// What stands between signs that a space or the end follows, without spaces around.
fn parts(text: &str, within: Range<usize>, is_end: impl Fn(char) -> bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = within.start;
    let mut signs = text[within.clone()].char_indices().peekable();
    while let Some((at, sign)) = signs.next() {
        let is_followed = sign == '\n' || signs.peek().is_none_or(|(_, next)| next.is_whitespace());
        if is_end(sign) && is_followed {
            let end = within.start + at + sign.len_utf8();
            found.push(trimmed(text, start..end));
            start = end;
        }
    }
    found.push(trimmed(text, start..within.end));
    found.retain(|range| !range.is_empty());
    found
}

/// Where a text is split: between the clauses, else the words, else the characters that are nearest to its middle.
fn middle(text: &str) -> Option<usize> {
    let nearest = |places: Vec<usize>| {
        let inside = places.into_iter().filter(|at| (1..text.len()).contains(at));
        inside.min_by_key(|at| (at.abs_diff(text.len() / 2), *at))
    };
    let clauses: Vec<usize> = clauses(text).into_iter().map(|clause| clause.start).collect();
    let words = || text.match_indices(char::is_whitespace).map(|(at, _)| at).collect();
    let characters = || text.char_indices().map(|(at, _)| at).collect();
    nearest(clauses).or_else(|| nearest(words())).or_else(|| nearest(characters()))
}

#[cfg(test)]
mod tests {
    use super::{clauses, middle};

    #[test]
    fn clauses_end_where_one_breathes() {
        let of =
            |text: &str| clauses(text).into_iter().map(|range| text[range].to_owned()).collect::<Vec<_>>();
        assert_eq!(
            of("Built it. Ran it;  sold v1.2!\n\n- ok"),
            ["Built it.", "Ran it;", "sold v1.2!", "- ok"]
        );
        assert_eq!(
            of("Rust, C++, and Go, five years of each of them, all in production"),
            ["Rust, C++, and Go,", "five years of each of them,", "all in production"]
        );
        assert_eq!(of("  \n "), Vec::<String>::new());
        assert_eq!(of("über"), ["über"]);
    }

    #[test]
    fn texts_are_split_near_their_middle() {
        assert_eq!(middle("One two. Three four."), Some(9));
        assert_eq!(middle("aaa bbb ccc"), Some(3));
        assert_eq!(middle("ééé"), Some(2));
        assert_eq!(middle("é"), None);
    }
}
