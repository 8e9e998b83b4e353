//! `pellucid lens run`: what comes next, and doors to what else a run can tell.

use std::path::Path;

use pellucid::explain::inside::PatchError;
use pellucid::explain::inside::logit_lens::reading;
use pellucid::models::transformer::forward::{self, Wanted};
use pellucid::models::transformer::tap::Untouched;
use pellucid::models::transformer::{Token, Tokens, Transformer};
use pellucid::views::number::{percent, pretty};
use pellucid::views::patch_grid::visible;
use pellucid::views::render::text;
use serde_json::{Value, json};

use super::super::explain::terminal_columns;
use super::super::{Context, print};
use super::{
    capture, check_out, embed, experiment, heads, ids, loaded, processing, seen, words, write_table,
};
use crate::failure::Failure;
use crate::lens_args::Run;
use crate::output::{Format, TableFormat};

pub(super) fn run(args: &Run, context: &Context<'_>) -> Result<u8, Failure> {
    let more: Vec<&Path> =
        args.texts.iter().chain(&args.experiment).map(std::path::PathBuf::as_path).collect();
    check_out(args.output.out.as_deref(), &args.source, &more)?;
    if let Some(file) = &args.experiment {
        return experiment::run(args, file, context);
    }
    let texts = texts(args)?;
    if args.pool.is_some() {
        return embed::run(args, &texts, context);
    }
    if !args.capture.is_empty() {
        return capture::run(args, &texts, context);
    }
    if args.heads {
        return heads::run(args, &texts, context);
    }
    next_tokens(args, &texts, context)
}

/// Texts of the command line, then those of the file.
fn texts(args: &Run) -> Result<Vec<String>, Failure> {
    let mut texts = args.text.clone();
    if let Some(path) = &args.texts {
        let is_json = path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("jsonl") || end.eq_ignore_ascii_case("ndjson"));
        for (line, content) in fs_err::read_to_string(path)?.lines().enumerate() {
            if !is_json {
                texts.push(content.to_owned());
                continue;
            }
            let place = format!("{}, line {}", path.display(), line + 1);
            let value: Value = serde_json::from_str(content)
                .map_err(|cause| Failure::Input(format!("{place}: no JSON: {cause}")))?;
            let text = value.as_str().or_else(|| value.get("text").and_then(Value::as_str));
            let none = || Failure::Input(format!("{place}: neither a string nor an object with `text`"));
            texts.push(text.ok_or_else(none)?.to_owned());
        }
    }
    if texts.is_empty() {
        return Err(Failure::Usage("there is no text to run; give some, or --texts FILE".to_owned()));
    }
    Ok(texts)
}

/// The tokens of every text.
pub(super) fn tokens_of(
    texts: &[String],
    tokens: &Tokens,
    model: &Transformer,
) -> Result<Vec<Vec<Token>>, Failure> {
    let of = |(at, text): (usize, &String)| {
        let wrong = |cause: String| Failure::Input(format!("text {} (`{}`): {cause}", at + 1, short(text)));
        let found = tokens.of(text).map_err(|cause| wrong(cause.to_string()))?;
        model.spec.check_tokens(&ids(&found)).map_err(|cause| wrong(cause.to_string()))?;
        Ok(found)
    };
    texts.iter().enumerate().map(of).collect()
}

/// The beginning of a text.
pub(super) fn short(text: &str) -> String {
    let beginning: String = text.chars().take(40).collect();
    if beginning.len() < text.len() { format!("{beginning}…") } else { beginning }
}

/// What a text's last token says, and how much it surprises the model.
struct Next {
    tokens: Vec<Token>,
    top: Vec<(String, f64)>,
    /// Of each token but the first the natural logarithm of its probability.
    log_probabilities: Vec<f64>,
}

impl Next {
    /// The mean loss of a token.
    fn loss(&self) -> Option<f64> {
        let n = self.log_probabilities.len();
        (n > 0).then(|| -self.log_probabilities.iter().sum::<f64>() / n as f64)
    }
}

fn next_tokens(args: &Run, texts: &[String], context: &Context<'_>) -> Result<u8, Failure> {
    let format = args.output.out.as_deref().map(Format::of).transpose()?;
    if matches!(format, Some(Format::Svg | Format::Png | Format::Html)) {
        return Err(Failure::Usage(
            "of what comes next there is no picture; see `lens logits`, or take a table".to_owned(),
        ));
    }
    let (model, tokenizer) = loaded(&args.source)?;
    let family = model.spec.family.name();
    if !model.spec.is_decoder {
        return Err(Failure::Input(format!(
            "{family} models say nothing of a next token; --pool mean makes vectors of texts, --capture keeps activations"
        )));
    }
    let all = tokens_of(texts, &tokenizer, &model)?;
    let progress = context.console.counting(all.len() as u64, "texts");
    let mut found = Vec::with_capacity(all.len());
    for tokens in all {
        if context.console.is_interrupted() {
            return Err(Failure::Interrupted);
        }
        let prompt = ids(&tokens);
        let outcome =
            forward::run_on(&model, &[&prompt], Wanted::All, &mut Untouched, super::machine(context))
                .map_err(|(_, cause)| PatchError::from(cause))?;
        let rows: Vec<&[f32]> = outcome.answers[0].data.chunks_exact(model.spec.d_vocab).collect();
        let last = reading(rows[rows.len() - 1], None, usize::from(args.top));
        let of_next = rows.iter().zip(&prompt[1..]);
        let log_probabilities =
            of_next.map(|(row, next)| pellucid::explain::inside::case::log_probability(row, *next)).collect();
        let top = last.top.into_iter().map(|(token, p)| (tokenizer.text(token), p)).collect();
        found.push(Next { tokens, top, log_probabilities });
        pellucid::explain::Watch::advance(&progress, 1);
    }
    drop(progress);
    let told = || told(args, &model, texts, &found);
    if let (Some(Format::Table(format)), Some(out)) = (format, &args.output.out) {
        if format == TableFormat::Json {
            super::write_json(out, "lens_run", told())?;
        } else {
            let n_top = found[0].top.len();
            let mut columns = vec![words("text", texts.to_vec())];
            columns.push(super::numbers("tokens", found.iter().map(|next| next.tokens.len() as f64)));
            columns.push(super::numbers("loss", found.iter().map(|next| next.loss().unwrap_or(f64::NAN))));
            for at in 0..n_top {
                let token = |next: &Next| next.top[at].0.clone();
                columns.push(words(&format!("token_{}", at + 1), found.iter().map(token).collect()));
                columns
                    .push(super::numbers(&format!("p_{}", at + 1), found.iter().map(|next| next.top[at].1)));
            }
            write_table(format, out, columns)?;
        }
        context.console.done(&format!("wrote {} texts to {}", found.len(), out.display()));
    }
    if context.json {
        return context.print_json("lens_run", told());
    }
    if args.output.out.is_some() {
        return Ok(0);
    }
    let mut said = String::new();
    for (text, next) in texts.iter().zip(&found) {
        said += &format!("{}\n", short(&visible(text)));
        let loss = next.loss().map_or(String::new(), |loss| format!(", {} nats a token", pretty(loss, 3)));
        said += &format!("{} tokens{loss}: {}\n", next.tokens.len(), seen(&next.tokens).join(" | "));
        let rows: Vec<Vec<String>> =
            next.top.iter().map(|(token, p)| vec![visible(token), percent(*p)]).collect();
        let names = ["next", "probability"].map(str::to_owned);
        said += &format!("{}\n", text::table(&names, &rows, terminal_columns()));
    }
    print(&said)
}

fn told(args: &Run, model: &Transformer, texts: &[String], found: &[Next]) -> Value {
    let one = |(text, next): (&String, &Next)| {
        let top: Vec<Value> =
            next.top.iter().map(|(token, p)| json!({"token": token, "probability": p})).collect();
        let tokens: Vec<&str> = next.tokens.iter().map(|token| token.text.as_str()).collect();
        json!({"text": text, "tokens": tokens, "ids": ids(&next.tokens), "next": top, "loss": next.loss(), "log_probabilities": next.log_probabilities})
    };
    let prompts: Vec<Value> = texts.iter().zip(found).map(one).collect();
    json!({"model": args.source.model, "processing": processing(model), "prompts": prompts})
}
