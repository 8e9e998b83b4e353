//! How are one run's heads, lens and parts shown? The pictures that all faces have alike.

use pellucid_explain::inside::{Attribution, HeadKind, HeadScores, LogitLens, Reading};
use pellucid_models::transformer::node::Sender;
use pellucid_models::transformer::spec::Spec;
use pellucid_models::transformer::{Token, Tokens, Transformer};
use pellucid_views::attention_heads::{AttentionHeads, HeadPattern};
use pellucid_views::contributions::Contributions;
use pellucid_views::lens_table::{LensCell, LensTable};
use pellucid_views::number::{count, fixed, pretty, residual};
use pellucid_views::patch_grid::visible;

use crate::told::seen;

/// From this share on a head is said to be of a kind.
pub const IS_KIND: f64 = 0.3;

/// What the rows of a lens are called: the embedding, then blocks.
#[must_use]
pub fn layers(spec: &Spec) -> Vec<String> {
    let blocks = (0..spec.n_layers).map(|layer| format!("L{layer}"));
    ["embedding".to_owned()].into_iter().chain(blocks).collect()
}

/// What a head is called, in pictures, tables, addresses and wherever one types it: `a3.h5`.
#[must_use]
pub fn head_name(layer: usize, head: usize) -> String {
    Sender::Head { layer, head }.to_string()
}

/// The kind that a head is most, with its score, where it is one.
#[must_use]
pub fn kind_of(head: &HeadScores) -> Option<(HeadKind, f64)> {
    let scored = HeadKind::ALL.into_iter().zip(head.scores);
    let scored = scored.filter_map(|(kind, score)| Some((kind, score?)));
    scored.filter(|(_, score)| *score >= IS_KIND).max_by(|a, b| a.1.total_cmp(&b.1))
}

/// The same in words; nothing where it is none.
#[must_use]
pub fn about(head: &HeadScores) -> String {
    let Some((kind, score)) = kind_of(head) else { return String::new() };
    format!("{} {}", kind.name().replace('_', " "), fixed(score, 2))
}

/// Whether a token comes twice: only then some kinds of heads have something to attend to.
#[must_use]
pub fn has_repeats(tokens: &[Token]) -> bool {
    (1..tokens.len()).any(|at| tokens[..at].iter().any(|before| before.id == tokens[at].id))
}

/// What heads attend to, each a square.
#[must_use]
pub fn attention<'h>(
    model: &Transformer,
    tokens: &[Token],
    heads: impl IntoIterator<Item = &'h HeadScores>,
) -> AttentionHeads {
    let pattern = |head: &HeadScores| HeadPattern {
        name: head_name(head.layer, head.head),
        pattern: head.pattern.iter().map(|share| f64::from(*share)).collect(),
        about: about(head),
    };
    AttentionHeads {
        subtitle: format!(
            "{} heads on {} tokens",
            count(model.spec.n_layers * model.spec.n_heads),
            count(tokens.len())
        ),
        tokens: seen(tokens),
        heads: heads.into_iter().map(pattern).collect(),
        checked: "Below a name the share of its attention that goes to the previous token, to duplicates of its own, or where induction looks, from 0.30 on, over \
                  the tokens that have such a place."
            .to_owned(),
    }
}

/// What the model would say after each block, of the tokens that were read; `followed` is the token whose ranks are told.
#[must_use]
pub fn lens(
    model: &Transformer,
    tokenizer: &Tokens,
    tokens: &[Token],
    lens: &LogitLens,
    followed: Option<&str>,
) -> LensTable {
    let cell = |reading: &Reading| {
        let (token, probability) = reading.top.first().copied().unwrap_or_default();
        let token = visible(&tokenizer.text(token));
        LensCell { token, probability, rank: reading.followed.map(|(_, rank)| rank) }
    };
    let weights = match model.processing.steps().as_slice() {
        [] => "weights as they are trained".to_owned(),
        steps => format!("weights processed: {}", steps.join(", ")),
    };
    LensTable {
        subtitle: format!("The next token after each block · {weights}"),
        tokens: seen(tokens),
        layers: layers(&model.spec),
        cells: lens.readings.iter().flatten().map(cell).collect(),
        followed: followed.map(visible),
        first: 0,
        focus: None,
        checked: format!(
            "After the last block that is the model's own answer; logits differ by {}.",
            residual(lens.worst)
        ),
    }
}

/// The logit that is taken apart, or the difference of two, in words.
#[must_use]
pub fn measured(tokenizer: &Tokens, answer: u32, wrong: Option<u32>) -> String {
    let shown = |token: u32| visible(&tokenizer.text(token));
    match wrong {
        Some(wrong) => format!("logit {} − logit {}", shown(answer), shown(wrong)),
        None => format!("logit {}", shown(answer)),
    }
}

/// Which parts write it, after a token of the prompt; the smallest beyond so many are summed.
#[must_use]
pub fn parts(
    what: String,
    (tokens, position): (&[Token], usize),
    shares: &Attribution,
    rows: usize,
) -> Contributions {
    // Neurons are parts of MLPs: among the parts they would be counted twice.
    let neurons = shares.neurons.iter();
    let neurons: Vec<String> =
        neurons.map(|one| format!("m{}.n{} {}", one.layer, one.neuron, pretty(one.value, 3))).collect();
    let neurons = if neurons.is_empty() {
        String::new()
    } else {
        format!(" Neurons that add most, as parts of their MLPs: {}.", neurons.join(", "))
    };
    Contributions {
        what,
        subtitle: format!(
            "After {} (position {position}), with the last norm's scale as it is",
            tokens.get(position).map_or(String::new(), |token| visible(&token.text)),
        ),
        parts: shares.parts.iter().map(|(part, value)| (part.to_string(), *value)).collect(),
        total: Some(shares.metric),
        rows,
        checked: format!("What is missing is the rounding of the pass.{neurons}"),
    }
}
