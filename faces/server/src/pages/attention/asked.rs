//! Which prompt, which heads, which token? What an address asks, held against the model.

use std::collections::BTreeSet;
use std::ops::Range;

use pellucid::example_circuit;
use pellucid::explain::inside::{HeadKind, HeadScores, Trace};
use pellucid::looked::has_repeats;
use pellucid::models::transformer::node::Sender;
use pellucid::models::transformer::spec::Spec;
use pellucid::models::transformer::{Token, Tokens};
use pellucid::views::number::count;

use crate::address::Address;
use crate::failure::{Code, Failure, hint};
use crate::opened::{Source, Thing};
use crate::transformers::Inside;
use crate::workbench::Workbench;

/// Everything that can be asked.
pub(super) const NAMES: [&str; 9] =
    ["transformer", "text", "token", "layer", "head", "score", "answer", "wrong", "from"];

/// Tokens of a prompt, at most.
const MOST_TOKENS: usize = 512;
/// Bytes of a text, at most: more is never so few tokens, and is not even cut into them.
const MOST_TEXT: usize = 16_000;
/// Bytes that one pass may leave behind, at most.
const MOST_KEPT: usize = 512 << 20;
/// Heads that can be picked.
const MOST_HEADS: usize = 9;
/// Tokens whose attention is drawn.
const LOOKS: usize = 24;
/// Tokens whose lens is drawn: so many have room for words.
const READS: usize = 14;
/// A sentence whose words come again, so that every kind of head has something to look at.
const AGAIN: &str = "The cat sat on the mat. The cat sat on the";

/// A number of every head, that the overview is shaded by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Score {
    Kind(HeadKind),
    First,
    Distance,
}

impl Score {
    pub(super) const ALL: [Self; 5] = [
        Self::Kind(HeadKind::Induction),
        Self::Kind(HeadKind::PreviousToken),
        Self::Kind(HeadKind::DuplicateToken),
        Self::First,
        Self::Distance,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kind(kind) => kind.name(),
            Self::First => "first_token",
            Self::Distance => "distance",
        }
    }

    /// What a head has of it, on a prompt of so many tokens.
    pub(super) fn of(self, head: &HeadScores, n_tokens: usize) -> Option<f64> {
        match self {
            Self::Kind(kind) => HeadKind::ALL.into_iter().zip(head.scores).find(|(own, _)| *own == kind)?.1,
            Self::First => Some(head.first_token(n_tokens)),
            Self::Distance => Some(head.distance(n_tokens)),
        }
    }
}

/// A text and who reads it.
pub(super) struct Prompt<'a> {
    pub(super) thing: &'a Thing,
    pub(super) text: &'a str,
}

impl<'a> Prompt<'a> {
    pub(super) fn read(workbench: &'a Workbench, address: &'a Address) -> Result<Self, Failure> {
        let thing = workbench.transformer(address)?;
        let usual = if thing.source == Source::Circuit { example_circuit::CLEAN } else { AGAIN };
        let text = address.one("text")?.unwrap_or(usual);
        if text.trim().is_empty() {
            return Err(Failure::usage("the text is empty; write a prompt, as: The cat sat on the"));
        }
        if text.len() > MOST_TEXT {
            let (found, most) = (count(text.len()), count(MOST_TEXT));
            let text = format!("the text has {found} bytes; this page takes at most {most}");
            return Err(Failure::new(Code::Limit, text));
        }
        Ok(Self { thing, text })
    }

    /// What tells it from other prompts.
    pub(super) fn key(&self) -> String {
        format!("{}\n{}", self.thing.id, self.text)
    }

    pub(super) fn tokens(&self, inside: &Inside, most_bytes: usize) -> Result<Vec<Token>, Failure> {
        let spec = &inside.model.spec;
        let tokens = inside.tokens.of(self.text).map_err(|cause| Failure::usage(format!("text: {cause}")))?;
        let n = tokens.len();
        let limit = |text: String| Err(Failure::new(Code::Limit, text));
        if n > MOST_TOKENS.min(spec.n_ctx) {
            let whose =
                if spec.n_ctx < MOST_TOKENS { "the model reads at most" } else { "this page takes at most" };
            let most = count(MOST_TOKENS.min(spec.n_ctx));
            return limit(format!("the text is {} tokens; {whose} {most}; shorten it", count(n)));
        }
        let (needed, most) = (Trace::n_bytes(spec, n), MOST_KEPT.min(most_bytes / 2));
        if needed > most {
            return limit(format!(
                "what {} heads do with {} tokens takes {} MB; this page keeps at most {}; shorten the text, or see `pellucid lens run --heads`",
                count(spec.n_layers * spec.n_heads),
                count(n),
                count(needed >> 20),
                count(most >> 20)
            ));
        }
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        spec.check_tokens(&ids).map_err(Failure::input)?;
        Ok(tokens)
    }
}

/// Which heads are drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heads {
    /// The best of each kind.
    Best,
    /// All of one block.
    Layer(usize),
    /// Those that were picked, by block and number.
    Picked(Vec<(usize, usize)>),
}

/// What is asked of a prompt.
pub(super) struct Asked {
    pub(super) token: usize,
    pub(super) heads: Heads,
    pub(super) score: Score,
    pub(super) answer: Option<u32>,
    pub(super) wrong: Option<u32>,
    /// What of both the address says, in its words.
    pub(super) texts: [Option<String>; 2],
    /// Tokens whose attention is drawn.
    pub(super) seen: Range<usize>,
    /// Tokens whose lens is drawn, among them.
    pub(super) read: Range<usize>,
}

impl Asked {
    pub(super) fn read(address: &Address, inside: &Inside, tokens: &[Token]) -> Result<Self, Failure> {
        let (spec, n) = (&inside.model.spec, tokens.len());
        let token = position(address, "token", n)?.unwrap_or(n - 1);
        let [answer, wrong] = answers(address, &inside.tokens, spec)?;
        let last = n.saturating_sub(READS);
        // Walking from token to token, the part that is shown stays for a while.
        let usual = if token >= last { last } else { token / READS * READS };
        let from = position(address, "from", n)?.unwrap_or(usual).min(last);
        let read = from..(from + READS).min(n);
        let end = read.end.max(LOOKS.min(n));
        Ok(Self {
            token,
            heads: heads(address, spec)?,
            score: score(address, tokens, spec)?,
            answer,
            wrong,
            texts: [address.one("answer")?, address.one("wrong")?].map(|text| text.map(str::to_owned)),
            seen: end.saturating_sub(LOOKS)..end,
            read,
        })
    }

    /// Where the window before and the one after begin, if there is more.
    pub(super) fn others(&self, n_tokens: usize) -> [Option<usize>; 2] {
        let last = n_tokens.saturating_sub(READS);
        let at = self.read.start;
        [(at > 0).then(|| at.saturating_sub(READS)), (at < last).then(|| (at + READS).min(last))]
    }
}

/// A token of the prompt.
fn position(address: &Address, name: &str, n: usize) -> Result<Option<usize>, Failure> {
    let Some(at) = address.number::<usize>(name)? else { return Ok(None) };
    if at >= n {
        let tokens = if n == 1 { "1 token".to_owned() } else { format!("{} tokens", count(n)) };
        let text = format!("{name}={at}: the prompt has {tokens}, counted from 0");
        return Err(Failure::new(Code::NotFound, text));
    }
    Ok(Some(at))
}

fn answers(address: &Address, tokens: &Tokens, spec: &Spec) -> Result<[Option<u32>; 2], Failure> {
    let read = |name: &str| -> Result<Option<u32>, Failure> {
        let Some(text) = address.one(name)? else { return Ok(None) };
        if !spec.is_decoder {
            let family = spec.family.name();
            return Err(Failure::usage(format!(
                "{name}={text}: {family} models say nothing of a next token; leave it out"
            )));
        }
        let found = tokens.one(text).map_err(|cause| Failure::usage(format!("{name}: {cause}")))?;
        if found as usize >= spec.d_vocab {
            return Err(Failure::usage(format!("{name}={text}: the model does not know this token")));
        }
        Ok(Some(found))
    };
    match [read("answer")?, read("wrong")?] {
        [None, Some(_)] => {
            Err(Failure::usage("wrong= is taken away from an answer; give that, too, as answer="))
        }
        [Some(answer), Some(wrong)] if answer == wrong => {
            Err(Failure::usage("answer= and wrong= are the same token; their difference is 0"))
        }
        both => Ok(both),
    }
}

fn block(layer: usize, said: &str, spec: &Spec) -> Result<usize, Failure> {
    if layer < spec.n_layers {
        return Ok(layer);
    }
    let last = spec.n_layers - 1;
    let text = format!("{said}: there is no block {layer}; the model has the blocks 0 to {last}");
    Err(Failure::new(Code::NotFound, text))
}

fn heads(address: &Address, spec: &Spec) -> Result<Heads, Failure> {
    let layer = address.number::<usize>("layer")?;
    let mut picked = BTreeSet::new();
    for text in address.all("head") {
        let said = format!("head={text}");
        let Ok(Sender::Head { layer, head }) = text.parse() else {
            let text = format!("{said}: a head is written as its block and its number in it, as a3.h5");
            return Err(Failure::usage(text));
        };
        block(layer, &said, spec)?;
        if head >= spec.n_heads {
            let last = spec.n_heads - 1;
            let text = format!("{said}: there is no head {head}; every block has the heads 0 to {last}");
            return Err(Failure::new(Code::NotFound, text));
        }
        picked.insert((layer, head));
    }
    if picked.len() > MOST_HEADS {
        let text = format!("{} heads were picked; the page draws at most {MOST_HEADS}", picked.len());
        return Err(Failure::new(Code::Limit, text));
    }
    match layer {
        Some(_) if !picked.is_empty() => Err(Failure::usage(
            "layer= shows all heads of a block, head= those that are picked; give one of them",
        )),
        Some(layer) => Ok(Heads::Layer(block(layer, &format!("layer={layer}"), spec)?)),
        None if picked.is_empty() => Ok(Heads::Best),
        None => Ok(Heads::Picked(picked.into_iter().collect())),
    }
}

fn score(address: &Address, tokens: &[Token], spec: &Spec) -> Result<Score, Failure> {
    let Some(name) = address.one("score")? else {
        // Who sees the whole text need not infer what follows.
        let kind = if has_repeats(tokens) && spec.is_decoder {
            HeadKind::Induction
        } else {
            HeadKind::PreviousToken
        };
        return Ok(Score::Kind(kind));
    };
    Score::ALL.into_iter().find(|score| score.name() == name).ok_or_else(|| {
        let all = Score::ALL.map(Score::name);
        let hint = hint(name, all.into_iter());
        Failure::usage(format!("score={name}: it is one of {}{hint}", all.join(", ")))
    })
}
