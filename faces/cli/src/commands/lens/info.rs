//! `pellucid lens info`: layers, widths, heads, and the sites that there are.

use pellucid::models::transformer::spec::{NormKind, Positions, Stretch};
use pellucid::models::transformer::{Axis, Site, Transformer};
use pellucid::views::number::count;
use pellucid::views::render::text::left;
use serde_json::{Value, json};

use super::super::{Context, print};
use crate::failure::Failure;
use crate::lens_args::Info;

pub(super) fn run(args: &Info, context: &Context<'_>) -> Result<u8, Failure> {
    let model = super::model(&args.source)?;
    if context.json {
        return context.print_json("lens_info", told(&model, args));
    }
    print(&said(&model, args))
}

/// The format, and how its numbers are kept.
fn kept(model: &Transformer) -> String {
    let kinds: Vec<String> = model.origin.kept.iter().map(|(name, n)| format!("{n} {name}")).collect();
    format!("{} ({})", model.origin.format, kinds.join(", "))
}

fn positions(model: &Transformer) -> String {
    match model.spec.positions {
        Positions::Learned => "learned, added to the embedding".to_owned(),
        Positions::Rotary { base, stretch } => format!(
            "rotary, base {base}{}",
            match stretch {
                Stretch::None => String::new(),
                Stretch::Linear(factor) => format!(", {factor} times longer"),
                Stretch::Llama3 { factor, .. } => format!(", long waves {factor} times longer (Llama 3)"),
            }
        ),
    }
}

fn told(model: &Transformer, args: &Info) -> Value {
    let spec = &model.spec;
    let mut body = json!({
        "model": args.source.model, "name": model.origin.name, "family": spec.family.name(), "format": model.origin.format, "dtype": model.origin.usual(), "dtypes": model.origin.kept, "compute": "f32",
        "layers": spec.n_layers, "d_model": spec.d_model, "heads": spec.n_heads, "kv_heads": spec.n_kv_heads, "d_head": spec.d_head,
        "d_mlp": spec.d_mlp, "vocabulary": spec.d_vocab, "context": spec.n_ctx, "parameters": model.weights.n_numbers(),
        "bytes": model.weights.n_bytes(), "causal": spec.is_decoder, "gated_mlp": spec.is_gated, "window": spec.window,
        "norm": norm(model), "positions": positions(model), "tied_embedding": is_tied(model),
        "processing": super::processing(model),
    });
    if args.sites {
        let sites: Vec<Value> = sites(model)
            .map(|site| {
                let axes: Vec<&str> = site.axes().iter().map(axis).collect();
                json!({"site": site.short(), "name": site.full(), "in_blocks": site.is_in_blocks(), "axes": axes})
            })
            .collect();
        body["sites"] = sites.into();
    }
    body
}

fn norm(model: &Transformer) -> &'static str {
    match (model.spec.norm, model.spec.is_decoder) {
        (NormKind::Layer, true) => "layer norm, before what reads it",
        (NormKind::Layer, false) => "layer norm, after what it follows",
        (NormKind::None, _) => "none",
        (NormKind::RootMeanSquare, _) => "root mean square, before what reads it",
    }
}

fn is_tied(model: &Transformer) -> bool {
    model.weights.unembed.as_ref().is_some_and(|unembed| unembed.is_shared_with(&model.weights.embed))
}

fn sites(model: &Transformer) -> impl Iterator<Item = Site> {
    let hooks = model.spec.hooks();
    Site::ALL.iter().copied().filter(move |site| hooks.iter().any(|hook| hook.site == *site))
}

fn axis(axis: &Axis) -> &'static str {
    match axis {
        Axis::Position => "position",
        Axis::Destination => "destination",
        Axis::Source => "source",
        Axis::Head => "head",
        Axis::KeyValueHead => "kv_head",
        Axis::HeadUnit => "d_head",
        Axis::Residual => "d_model",
        Axis::Neuron => "d_mlp",
        Axis::Vocabulary => "vocabulary",
        Axis::One => "1",
    }
}

fn said(model: &Transformer, args: &Info) -> String {
    let spec = &model.spec;
    let mut text = String::new();
    let mut line = |word: &str, what: String| text += &format!("{} {what}\n", left(word, 12));
    let name = model.origin.name.as_ref().map_or(String::new(), |name| format!("{name}, "));
    line("model", format!("{}: {name}{}", args.source.model.display(), spec.family.name()));
    line(
        "weights",
        format!(
            "{}; {} numbers, {} MB as f32",
            kept(model),
            count(model.weights.n_numbers()),
            model.weights.n_bytes() / 1_000_000
        ),
    );
    line("blocks", format!("{} of width {}", spec.n_layers, spec.d_model));
    let shared = if spec.n_kv_heads == spec.n_heads {
        String::new()
    } else {
        format!(", {} of keys and values", spec.n_kv_heads)
    };
    line("heads", format!("{} of width {}{shared}", spec.n_heads, spec.d_head));
    line("neurons", format!("{} a block{}", count(spec.d_mlp), if spec.is_gated { ", gated" } else { "" }));
    line("norms", norm(model).to_owned());
    line("positions", format!("{}; at most {}", positions(model), count(spec.n_ctx)));
    if let Some(window) = spec.window {
        line("window", format!("a token sees {} tokens", count(window)));
    }
    let tied = if is_tied(model) { "; embedding and unembedding are one" } else { "" };
    line("vocabulary", format!("{} tokens{tied}", count(spec.d_vocab)));
    line(
        "kind",
        if spec.is_decoder {
            "decoder: a token sees those before it"
        } else {
            "encoder: every token sees all"
        }
        .to_owned(),
    );
    line("processing", super::processed(model));
    if args.sites {
        text += "\nSites: the short name, the one that TransformerLens gives it, and what its numbers are counted by\n";
        for site in sites(model) {
            let axes: Vec<&str> = site.axes().iter().map(axis).collect();
            let whole = format!("{}{}", if site.is_in_blocks() { "blocks.N." } else { "" }, site.full());
            text += &format!("  {} {} {}\n", left(site.short(), 22), left(&whole, 36), axes.join(" × "));
        }
    }
    text
}
