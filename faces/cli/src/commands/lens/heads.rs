//! `pellucid lens run --heads`: what heads attend to.

use pellucid::explain::inside::{HeadKind, HeadScores, head_scores};
use pellucid::looked::{attention, head_name};
use pellucid::models::transformer::{Token, Transformer};
use pellucid::views::View;
use pellucid::views::number::{count, fixed};
use pellucid::views::render::text;
use pellucid::views::report::{Report, Section};
use serde_json::{Value, json};

use super::super::explain::terminal_columns;
use super::super::{Context, print};
use super::run::tokens_of;
use super::{Written, ids, loaded, numbers, processed, processing, seen, write};
use crate::failure::Failure;
use crate::lens_args::Run;
use crate::output::Format;

pub(super) fn run(args: &Run, texts: &[String], context: &Context<'_>) -> Result<u8, Failure> {
    args.output.out.as_deref().map(Format::of).transpose()?;
    let (model, tokenizer) = loaded(&args.source)?;
    let [_] = texts else {
        return Err(Failure::Usage("--heads looks at one text at a time".to_owned()));
    };
    let tokens = tokens_of(texts, &tokenizer, &model)?.swap_remove(0);
    let heads = head_scores(&model, &ids(&tokens), super::machine(context))?;
    if let Some(out) = &args.output.out {
        let written = Written {
            schema: "lens_run",
            json: &|| told(args, &model, &tokens, &heads),
            table: &|| table(&heads, &ids(&tokens)),
            view: &|| Box::new(attention(&model, &tokens, &heads)) as Box<dyn View>,
            report: &|| page(args, &model, &tokens, &heads, context),
        };
        write(&written, &args.output, out)?;
        context.console.done(&format!("wrote {} heads to {}", count(heads.len()), out.display()));
    }
    if context.json {
        return context.print_json("lens_run", told(args, &model, &tokens, &heads));
    }
    if args.output.out.is_some() { Ok(0) } else { print(&said(args, &tokens, &heads)) }
}

/// A row a head: its scores, and over how many tokens of the text each of them is.
fn table(heads: &[HeadScores], tokens: &[u32]) -> Vec<(pellucid::data::write::Heading, Vec<f64>)> {
    let mut columns = vec![
        numbers("layer", heads.iter().map(|head| head.layer as f64)),
        numbers("head", heads.iter().map(|head| head.head as f64)),
    ];
    for (at, kind) in HeadKind::ALL.iter().enumerate() {
        columns.push(numbers(kind.name(), heads.iter().map(|head| head.scores[at].unwrap_or(f64::NAN))));
    }
    for kind in HeadKind::ALL {
        let n = kind.n_positions(tokens) as f64;
        columns.push(numbers(&format!("{}_over", kind.name()), heads.iter().map(|_| n)));
    }
    columns
}

fn told(args: &Run, model: &Transformer, tokens: &[Token], heads: &[HeadScores]) -> Value {
    let head = |head: &HeadScores| {
        let scores: serde_json::Map<String, Value> = HeadKind::ALL
            .iter()
            .zip(head.scores)
            .map(|(kind, score)| (kind.name().to_owned(), json!(score)))
            .collect();
        let rows: Vec<&[f32]> = head.pattern.chunks(tokens.len()).collect();
        json!({"layer": head.layer, "head": head.head, "scores": scores, "pattern": rows})
    };
    let texts: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    let own = ids(tokens);
    // Over how many tokens each score is.
    let over: serde_json::Map<String, Value> =
        HeadKind::ALL.iter().map(|kind| (kind.name().to_owned(), kind.n_positions(&own).into())).collect();
    json!({
        "model": args.source.model, "processing": processing(model), "tokens": texts, "scores_over": over,
        "heads": heads.iter().map(head).collect::<Vec<_>>(),
    })
}

fn said(args: &Run, tokens: &[Token], heads: &[HeadScores]) -> String {
    let n = usize::from(args.top);
    let mut out = format!("{}\n\n", seen(tokens).join(" | "));
    let ids = ids(tokens);
    let mut without = Vec::new();
    for (at, kind) in HeadKind::ALL.iter().enumerate() {
        let scored = heads.iter().filter_map(|head| Some((head, head.scores[at]?)));
        let mut best: Vec<(&HeadScores, f64)> = scored.collect();
        best.sort_by(|a, b| b.1.total_cmp(&a.1));
        let row =
            |(head, score): &(&HeadScores, f64)| vec![head_name(head.layer, head.head), fixed(*score, 3)];
        let rows: Vec<Vec<String>> = best.iter().take(n).map(row).collect();
        let name = kind.name().replace('_', " ");
        let of = match kind.n_positions(&ids) {
            // No head has a share, which is told below.
            0 => {
                without.push(name);
                continue;
            }
            1 => "share of its attention, over 1 token".to_owned(),
            n => format!("share of its attention, over {} tokens", count(n)),
        };
        if !rows.is_empty() {
            out += &format!("{}\n", text::table(&[name, of], &rows, terminal_columns()));
        }
    }
    if let Some((last, others)) = without.split_last() {
        let why = if others.len() == 2 { "There is one token alone" } else { "No token comes twice" };
        let all = if others.is_empty() { last.clone() } else { format!("{} and {last}", others.join(", ")) };
        out += &format!("{why}: {all} heads have nothing to attend to in this text.\n");
    }
    out
}

fn page(
    args: &Run,
    model: &Transformer,
    tokens: &[Token],
    heads: &[HeadScores],
    context: &Context<'_>,
) -> Report {
    // A block a figure, so that all heads are there.
    let figures = (0..model.spec.n_layers).map(|layer| {
        let own = heads.iter().filter(|head| head.layer == layer);
        let mut view = attention(model, tokens, own);
        view.subtitle = format!("Block {layer}");
        (Box::new(view) as Box<dyn View>, false)
    });
    Report {
        title: "What heads attend to".to_owned(),
        lead: attention(model, tokens, heads).sentence(),
        facts: vec![
            ("model".to_owned(), args.source.model.display().to_string()),
            ("processing".to_owned(), processed(model)),
            ("text".to_owned(), seen(tokens).join(" | ")),
        ],
        sections: vec![Section {
            heading: "Patterns, block by block".to_owned(),
            intro: "Rows are tokens that attend, columns those that are attended to.".to_owned(),
            figures: figures.collect(),
        }],
        notes: vec!["Where a head looks is not yet what it does: its values may carry something else. Patch it to know.".to_owned()],
        command: Some(context.command_line()),
    }
}
