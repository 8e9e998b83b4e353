//! What is told of a run? Tokens, what comes next, every head's numbers, and four pictures.

use pellucid::explain::inside::{HeadKind, HeadScores, LogitLens};
use pellucid::looked;
use pellucid::told::ids;
use pellucid::views::head_matrix::HeadMatrix;
use pellucid::views::number::count;
use pellucid::views::patch_grid::visible;
use serde_json::{Map, Value, json};

use super::asked::{Asked, Heads, Prompt, Score};
use super::{Said, Traced};
use crate::figure::figure;
use crate::pages::global::finite;
use crate::transformers::Inside;

/// Marks of one picture, at most.
const MOST_MARKS: usize = 5_000;
/// Parts that are drawn by themselves.
const PARTS: usize = 16;

pub(super) struct Told<'a> {
    pub(super) prompt: &'a Prompt<'a>,
    pub(super) inside: &'a Inside,
    pub(super) traced: &'a Traced,
    pub(super) asked: &'a Asked,
    /// What comes next and the lens; an encoder has neither.
    pub(super) read: Option<(&'a Said, &'a LogitLens)>,
}

/// What a score is, what the first head does by it, and what is said where none does.
pub(super) fn spelled(score: Score) -> [&'static str; 4] {
    match score {
        Score::Kind(HeadKind::Induction) => [
            "induction",
            "attention to what followed earlier copies of the token",
            "looks most where induction looks",
            "No head looks where induction looks",
        ],
        Score::Kind(HeadKind::PreviousToken) => [
            "previous token",
            "attention to the token before",
            "looks most at the token before",
            "No head looks at the token before",
        ],
        Score::Kind(HeadKind::DuplicateToken) => [
            "duplicate token",
            "attention to earlier copies of the token",
            "looks most at earlier copies of the token",
            "No head looks at earlier copies of a token",
        ],
        Score::First => [
            "first token",
            "attention to the first token",
            "looks most at the first token",
            "No head looks at the first token",
        ],
        Score::Distance => [
            "distance",
            "tokens between the one that looks and what it looks at, in the mean",
            "looks farthest, in tokens",
            "No head looks at another token",
        ],
    }
}

/// What is said where a text has nothing that heads of a kind could look at.
fn nowhere(kind: HeadKind) -> &'static str {
    match kind {
        HeadKind::PreviousToken => "The text is one token: there is none before it",
        HeadKind::DuplicateToken => "No token of this text comes twice: there is no copy to look at",
        HeadKind::Induction => "No token of this text comes twice: induction has nothing to look at",
    }
}

impl Told<'_> {
    pub(super) fn told(&self) -> Value {
        let (spec, asked) = (&self.inside.model.spec, self.asked);
        let tokens = &self.traced.tokens;
        let drawn = self.drawn();
        let overview = figure("heads", &self.overview(&drawn));
        let words = self.words();
        let shown: Vec<Value> =
            tokens.iter().map(|token| json!({"id": token.id, "text": visible(&token.text)})).collect();
        let score = |score: Score| json!({"name": score.name(), "label": spelled(score)[0]});
        let picked: Vec<String> = drawn.iter().map(|head| key(head)).collect();
        let [before, after] = asked.others(tokens.len());
        let (command, python) = self.again();
        json!({
            "schema": "pellucid.workbench.attention/1", "transformer": self.prompt.thing.id, "text": self.prompt.text,
            "family": spec.family.name(), "is_decoder": spec.is_decoder, "n_layers": spec.n_layers, "n_heads": spec.n_heads,
            "tokens": shown, "token": asked.token, "words": words,
            "scores": Score::ALL.map(score), "score": asked.score.name(),
            "heads": self.heads().iter().zip(&self.traced.numbers).map(Self::head).collect::<Vec<_>>(),
            "layer": if let Heads::Layer(layer) = asked.heads { Some(layer) } else { None },
            "picked": matches!(asked.heads, Heads::Picked(_)), "drawn": picked, "overview": overview,
            "window": {"first": asked.seen.start, "end": asked.seen.end, "reads": [asked.read.start, asked.read.end], "before": before, "after": after},
            "patterns": drawn.iter().map(|head| self.pattern(head)).collect::<Vec<_>>(),
            "attention": figure("attention", &self.attention(&drawn)),
            "next": self.next(), "lens": self.lens(), "parts": self.parts(),
            "command": command, "python": python, "notes": self.notes(&drawn),
        })
    }

    fn heads(&self) -> &[HeadScores] {
        self.traced.trace.heads()
    }

    /// What every head has of a score.
    fn numbers(&self, score: Score) -> impl Iterator<Item = Option<f64>> {
        let at = Score::ALL.iter().position(|own| *own == score).unwrap_or_default();
        self.traced.numbers.iter().map(move |all| all.get(at).copied().flatten())
    }

    /// From how many tokens heads of a kind have something to look at.
    pub(super) fn n_looking(&self, kind: HeadKind) -> usize {
        kind.n_positions(&ids(&self.traced.tokens))
    }

    /// The head that is most of a kind, if it is one.
    pub(super) fn best_of(&self, kind: HeadKind) -> Option<(&HeadScores, f64)> {
        self.best(Score::Kind(kind)).filter(|best| best.1 >= looked::IS_KIND)
    }

    /// The head that has most of a score, if any has something of it.
    pub(super) fn best(&self, score: Score) -> Option<(&HeadScores, f64)> {
        let all = self.heads().iter().zip(self.numbers(score));
        let all = all.filter_map(|(head, number)| Some((head, number?)));
        // Of equal ones the first.
        all.reduce(|best, head| if head.1 > best.1 { head } else { best }).filter(|best| best.1 > 0.0)
    }

    /// Heads that are drawn, as many as a picture has room for.
    fn drawn(&self) -> Vec<&HeadScores> {
        let n = self.asked.seen.len();
        let cells = if self.inside.model.spec.is_decoder { n * (n + 1) / 2 } else { n * n };
        self.wanted().into_iter().take((MOST_MARKS / cells.max(1)).max(1)).collect()
    }

    pub(super) fn wanted(&self) -> Vec<&HeadScores> {
        let is = |head: &&HeadScores| match &self.asked.heads {
            Heads::Best => false,
            Heads::Layer(layer) => head.layer == *layer,
            Heads::Picked(picked) => picked.contains(&(head.layer, head.head)),
        };
        if self.asked.heads != Heads::Best {
            return self.heads().iter().filter(is).collect();
        }
        let mut best: Vec<&HeadScores> = Vec::new();
        for kind in HeadKind::ALL {
            let found = self.best_of(kind).map(|(head, _)| head);
            best.extend(found.filter(|head| best.iter().all(|own| !std::ptr::eq(*own, *head))));
        }
        // A text of one token has no token before, and no copies.
        if best.is_empty() { self.heads().iter().take(1).collect() } else { best }
    }

    fn head((head, numbers): (&HeadScores, &[Option<f64>; 5])) -> Value {
        let scores = Score::ALL.iter().zip(numbers);
        let scores: Map<String, Value> = scores
            .map(|(score, number)| (score.name().to_owned(), number.map_or(Value::Null, finite)))
            .collect();
        json!({"head": key(head), "about": looked::about(head), "scores": scores})
    }

    /// What a head does with the tokens that are shown, row by row.
    fn cut(&self, head: &HeadScores) -> HeadScores {
        let (n, seen) = (self.traced.tokens.len(), &self.asked.seen);
        let rows = head.pattern.chunks(n.max(1)).skip(seen.start).take(seen.len());
        let pattern = rows.flat_map(|row| row.iter().skip(seen.start).take(seen.len()).copied()).collect();
        HeadScores { layer: head.layer, head: head.head, scores: head.scores, pattern }
    }

    fn pattern(&self, head: &HeadScores) -> Value {
        let cut = self.cut(head);
        // Six digits are more than a shade or a number in hundredths needs.
        let rounded = |share: &f32| (f64::from(*share) * 1e6).round() / 1e6;
        let rows = cut.pattern.chunks(self.asked.seen.len().max(1));
        let rows: Vec<Vec<f64>> = rows.map(|row| row.iter().map(rounded).collect()).collect();
        json!({"head": key(head), "about": looked::about(head), "rows": rows})
    }

    /// Which of the prompt's tokens a picture shows.
    fn which(&self, shown: &std::ops::Range<usize>) -> String {
        let n = self.traced.tokens.len();
        if shown.len() == n {
            return if n == 1 { "1 token".to_owned() } else { format!("all {} tokens", count(n)) };
        }
        format!("positions {} to {} of a prompt of {} tokens", shown.start, shown.end - 1, count(n))
    }

    fn attention(&self, drawn: &[&HeadScores]) -> pellucid::views::attention_heads::AttentionHeads {
        let (model, asked) = (&self.inside.model, self.asked);
        let cut: Vec<HeadScores> = drawn.iter().map(|head| self.cut(head)).collect();
        let shown = self.traced.tokens.get(asked.seen.clone()).unwrap_or_default();
        let mut view = looked::attention(model, shown, &cut);
        let all = count(model.spec.n_layers * model.spec.n_heads);
        view.subtitle = format!("{} of {all} heads · {}", count(drawn.len()), self.which(&asked.seen));
        if asked.seen.start > 0 {
            view.checked = format!("Looks at earlier tokens are not drawn. {}", view.checked);
        }
        view
    }

    fn overview(&self, drawn: &[&HeadScores]) -> HeadMatrix {
        let (spec, score) = (&self.inside.model.spec, self.asked.score);
        let is_drawn = |head: &HeadScores| drawn.iter().any(|own| std::ptr::eq(*own, head));
        let chosen = self.heads().iter().enumerate().filter(|(_, head)| is_drawn(head));
        let [_, measure, does, none] = spelled(score);
        let (none, checked) = match score {
            Score::Kind(kind) => match self.n_looking(kind) {
                0 => (nowhere(kind), String::new()),
                1 => (
                    none,
                    "A share of the head's attention from the 1 token that has such a place.".to_owned(),
                ),
                n => (
                    none,
                    format!(
                        "A share of the head's attention from the {} tokens that have such a place.",
                        count(n)
                    ),
                ),
            },
            Score::First => (
                none,
                "A share of all of the head's attention; the first token can look at itself only.".to_owned(),
            ),
            Score::Distance => (none, "Weighted by attention, over all tokens that look.".to_owned()),
        };
        HeadMatrix {
            subtitle: format!(
                "{} blocks of {} heads · {} tokens",
                count(spec.n_layers),
                count(spec.n_heads),
                count(self.traced.tokens.len())
            ),
            measure: measure.to_owned(),
            does: does.to_owned(),
            none: none.to_owned(),
            is_share: score != Score::Distance,
            n_heads: spec.n_heads,
            values: self.numbers(score).map(|number| number.unwrap_or(f64::NAN)).collect(),
            chosen: chosen.map(|(at, _)| at).collect(),
            checked,
        }
    }

    fn next(&self) -> Option<Vec<Value>> {
        let (said, _) = self.read?;
        let text = |token: u32| visible(&self.inside.tokens.text(token));
        let told = |(token, probability): &(u32, f64)| json!({"token": text(*token), "raw": self.inside.tokens.text(*token), "probability": finite(*probability)});
        Some(said.next.top.iter().map(told).collect())
    }

    fn lens(&self) -> Option<Value> {
        let (_, lens) = self.read?;
        let (asked, inside) = (self.asked, self.inside);
        let shown = self.traced.tokens.get(asked.read.clone()).unwrap_or_default();
        let followed = asked.texts[0].as_deref();
        let mut view = looked::lens(&inside.model, &inside.tokens, shown, lens, followed);
        view.first = asked.read.start;
        view.focus = asked.read.contains(&asked.token).then(|| asked.token - asked.read.start);
        if shown.len() < self.traced.tokens.len() {
            view.subtitle = format!("{} · {}", view.subtitle, self.which(&asked.read));
        }
        let mut told = figure("lens", &view);
        told["residual"] = finite(lens.worst);
        Some(told)
    }

    fn parts(&self) -> Option<Value> {
        let (said, _) = self.read?;
        let tokens = &self.inside.tokens;
        let what = looked::measured(tokens, said.answer, said.wrong);
        let view = looked::parts(what.clone(), (&self.traced.tokens, self.asked.token), &said.shares, PARTS);
        Some(json!({
            "what": what, "answer": tokens.text(said.answer), "wrong": said.wrong.map(|wrong| tokens.text(wrong)), "given": self.asked.answer.is_some(),
            "value": finite(said.shares.metric), "residual": finite(said.shares.residual), "figure": figure("parts", &view),
        }))
    }
}

/// A head as pictures, tables and addresses write it.
pub(super) fn key(head: &HeadScores) -> String {
    looked::head_name(head.layer, head.head)
}
