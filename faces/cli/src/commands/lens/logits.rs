//! `pellucid lens logits`: what the model would say after every block, and which parts write the answer's logit.

use pellucid::explain::inside::{Attribution, LogitLens, Metric, attribute, logit_lens};
use pellucid::looked;
use pellucid::models::transformer::{Token, Tokens, Transformer};
use pellucid::views::View;
use pellucid::views::contributions::Contributions;
use pellucid::views::lens_table::LensTable;
use pellucid::views::number::{pretty, residual};
use pellucid::views::report::{Report, Section};
use serde_json::{Value, json};

use super::super::explain::terminal_columns;
use super::super::{Context, print};
use super::{Written, check_out, ids, loaded, numbers, processed, processing, seen, words, write};
use crate::explaining::control;
use crate::failure::Failure;
use crate::lens_args::{Logits, LogitsPlot};
use crate::output::Format;

/// Tokens of each reading that files tell.
const TOP: usize = 5;

struct Found<'a> {
    args: &'a Logits,
    model: Transformer,
    tokenizer: Tokens,
    tokens: Vec<Token>,
    /// The token that is followed, and the one whose logit is taken away.
    answer: u32,
    wrong: Option<u32>,
    position: usize,
    lens: LogitLens,
    shares: Attribution,
}

pub(super) fn run(args: &Logits, context: &Context<'_>) -> Result<u8, Failure> {
    let out = args.output.out.as_deref();
    out.map(Format::of).transpose()?;
    check_out(out, &args.source, &[])?;
    let (model, tokenizer) = loaded(&args.source)?;
    let tokens = tokenizer.of(&args.text).map_err(|cause| Failure::Usage(format!("the text: {cause}")))?;
    let one = |name: &str, text: &Option<String>| {
        let found = text.as_ref().map(|text| tokenizer.one(text)).transpose();
        found.map_err(|cause| Failure::Usage(format!("--{name}: {cause}")))
    };
    let (answer, wrong) = (one("answer", &args.answer)?, one("wrong", &args.wrong)?);
    if answer.is_some() && answer == wrong {
        return Err(Failure::Usage("--answer and --wrong are the same token".to_owned()));
    }
    let n = tokens.len();
    model.spec.check_tokens(&ids(&tokens)).map_err(|cause| Failure::Input(cause.to_string()))?;
    let position = super::position(args.position, n).ok_or_else(|| {
        Failure::Usage(format!(
            "--position: there is no position {} in a prompt of {n} tokens",
            args.position
        ))
    })?;
    let prompt = ids(&tokens);
    let progress = context.console.counting(model.spec.n_layers as u64 + 1, "blocks");
    let lens = logit_lens(&model, &prompt, answer, TOP, &control(context.console, &progress));
    drop(progress);
    let lens = context.console.unless_interrupted(lens)?;
    let says = lens.readings.last().and_then(|row| row.get(position)).and_then(|reading| reading.top.first());
    let answer = answer.or(says.map(|(token, _)| *token)).unwrap_or_default();
    let metric = match wrong {
        Some(wrong) => Metric::LogitDifference([answer, wrong]),
        None => Metric::Logit([answer]),
    };
    let shares =
        attribute(&model, &prompt, metric, position, usize::from(args.neurons), super::machine(context))?;
    let found = Found { args, model, tokenizer, tokens, answer, wrong, position, lens, shares };
    if let Some(out) = out {
        let written = Written {
            schema: "lens_logits",
            json: &|| found.told(),
            table: &|| found.table(),
            view: &|| match args.plot {
                LogitsPlot::Lens => Box::new(found.lens()) as Box<dyn View>,
                LogitsPlot::Parts => Box::new(found.parts()),
            },
            report: &|| found.page(context),
        };
        write(&written, &args.output, out)?;
        context.console.done(&format!("wrote {}", out.display()));
    }
    if context.json {
        return context.print_json("lens_logits", found.told());
    }
    if out.is_some() {
        return Ok(0);
    }
    let columns = terminal_columns();
    print(&format!("{}\n{}", found.lens().text(columns), found.parts().text(columns)))
}

impl Found<'_> {
    fn what(&self) -> String {
        looked::measured(&self.tokenizer, self.answer, self.wrong)
    }

    fn lens(&self) -> LensTable {
        let followed = self.args.answer.as_deref();
        looked::lens(&self.model, &self.tokenizer, &self.tokens, &self.lens, followed)
    }

    fn parts(&self) -> Contributions {
        let place = (self.tokens.as_slice(), self.position);
        looked::parts(self.what(), place, &self.shares, usize::from(self.args.top))
    }

    fn told(&self) -> Value {
        let token = |id: u32| self.tokenizer.text(id);
        let reading = |reading: &pellucid::explain::inside::Reading| {
            let top: Vec<Value> =
                reading.top.iter().map(|(id, p)| json!({"token": token(*id), "probability": p})).collect();
            let mut body = json!({"top": top});
            if let Some((probability, rank)) = reading.followed {
                body["followed"] = json!({"probability": probability, "rank": rank});
            }
            body
        };
        let layers: Vec<Value> = looked::layers(&self.model.spec)
            .into_iter()
            .zip(&self.lens.readings)
            .map(|(layer, row)| json!({"after": layer, "positions": row.iter().map(reading).collect::<Vec<_>>()}))
            .collect();
        let parts: Vec<Value> = self
            .shares
            .parts
            .iter()
            .map(|(part, value)| json!({"part": part.to_string(), "value": value}))
            .collect();
        let neurons: Vec<Value> = self
            .shares
            .neurons
            .iter()
            .map(|neuron| json!({"layer": neuron.layer, "neuron": neuron.neuron, "value": neuron.value}))
            .collect();
        let texts: Vec<&str> = self.tokens.iter().map(|token| token.text.as_str()).collect();
        json!({
            "model": self.args.source.model, "processing": processing(&self.model), "tokens": texts,
            "lens": layers, "lens_residual": self.lens.worst,
            "attribution": {
                "answer": token(self.answer), "wrong": self.wrong.map(token), "position": self.position,
                "value": self.shares.metric, "residual": self.shares.residual, "parts": parts, "neurons": neurons,
            },
        })
    }

    /// A row a block and position.
    fn table(&self) -> Vec<(pellucid::data::write::Heading, Vec<f64>)> {
        let n = self.tokens.len();
        let all = || self.lens.readings.iter().flatten();
        let rows = 0..self.lens.readings.len() * n;
        let first =
            |reading: &pellucid::explain::inside::Reading| reading.top.first().copied().unwrap_or_default();
        let layers = looked::layers(&self.model.spec);
        let mut columns = vec![
            words("after", rows.clone().map(|row| layers[row / n].clone()).collect()),
            numbers("position", rows.clone().map(|row| (row % n) as f64)),
            words("token", rows.map(|row| self.tokens[row % n].text.clone()).collect()),
            words("next", all().map(|reading| self.tokenizer.text(first(reading).0)).collect()),
            numbers("probability", all().map(|reading| first(reading).1)),
        ];
        if self.args.answer.is_some() {
            let followed =
                |of: fn((f64, usize)) -> f64| all().map(move |reading| reading.followed.map_or(f64::NAN, of));
            columns.push(numbers("answer_probability", followed(|(p, _)| p)));
            columns.push(numbers("answer_rank", followed(|(_, rank)| rank as f64)));
        }
        columns
    }

    fn page(&self, context: &Context<'_>) -> Report {
        let (lens, parts) = (self.lens(), self.parts());
        let section = |heading: &str, intro: &str, view: Box<dyn View>| Section {
            heading: heading.to_owned(),
            intro: intro.to_owned(),
            figures: vec![(view, false)],
        };
        Report {
            title: "What the model says on the way".to_owned(),
            lead: format!("{} {}", lens.sentence(), parts.sentence()),
            facts: vec![
                ("model".to_owned(), self.args.source.model.display().to_string()),
                ("processing".to_owned(), processed(&self.model)),
                ("text".to_owned(), seen(&self.tokens).join(" | ")),
                (self.what(), pretty(self.shares.metric, 5)),
                ("not in any part".to_owned(), residual(self.shares.residual.abs())),
            ],
            sections: vec![
                section(
                    "What it would say after each block",
                    "The residual stream goes through the last norm and the unembedding as if no block followed.",
                    Box::new(lens),
                ),
                section(
                    "Which parts write the logit",
                    "What each part adds to the residual stream, as the last norm and the unembedding see it.",
                    Box::new(parts),
                ),
            ],
            notes: vec![
                "The lens reads early blocks with the last one's eyes: what they mean may be written in other directions.".to_owned(),
                "A part that writes against the answer may still be needed for it by way of others: see `lens path`.".to_owned(),
            ],
            command: Some(context.command_line()),
        }
    }
}
