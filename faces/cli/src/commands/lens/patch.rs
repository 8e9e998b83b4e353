//! `pellucid lens patch` and `plan`: activations of one prompt in the run of another.

use std::path::{Path, PathBuf};
use std::time::Instant;

use pellucid::data::write::Heading;
use pellucid::explain::inside::{By, Cell, Direction, Pair, Patched, Patching, Plan, Prepared, prepare};
use pellucid::models::transformer::{Axis, Token, Transformer};
use pellucid::views::View;
use pellucid::views::number::{count, pretty};
use pellucid::views::patch_grid::{PatchGrid, visible};
use pellucid::views::render::html;
use pellucid::views::render::text::left;
use pellucid::views::report::{Report, Section};
use serde_json::{Value, json};

use super::super::explain::terminal_columns;
use super::super::{Context, picture, print};
use super::loaded;
use crate::explaining::control;
use crate::failure::Failure;
use crate::lens_args::{ByName, Experiment, Patch};
use crate::output::{Format, NewFile, TableFormat, check_distinct, check_place, table_writer, write_file};

/// What was asked, with the prompts' tokens.
struct Asked<'a> {
    args: &'a Experiment,
    model: Transformer,
    /// Of the clean prompt, and of the corrupt one.
    tokens: [Vec<Token>; 2],
    pair: Pair,
    asked: Patching,
}

fn asked(args: &Experiment) -> Result<Asked<'_>, Failure> {
    let (model, tokenizer) = loaded(&args.model, args.tokenizer.as_deref())?;
    let of = |name: &str, text: &str| {
        tokenizer.of(text).map_err(|cause| Failure::Usage(format!("--{name}: {cause}")))
    };
    let tokens = [of("clean", &args.clean)?, of("corrupt", &args.corrupt)?];
    let one = |name: &str, text: &str| {
        tokenizer.one(text).map_err(|cause| Failure::Usage(format!("--{name}: {cause}")))
    };
    let answers = [one("answer", &args.answer)?, one("wrong", &args.wrong)?];
    if answers[0] == answers[1] {
        return Err(Failure::Usage("--answer and --wrong are the same token".to_owned()));
    }
    check_alignment(&tokens)?;
    let ids = |tokens: &[Token]| tokens.iter().map(|token| token.id).collect::<Vec<u32>>();
    let pair = Pair { clean: ids(&tokens[0]), corrupt: ids(&tokens[1]) };
    let by = match args.by {
        Some(ByName::Position) => By::LayerPosition,
        Some(ByName::Head) => By::LayerHead,
        Some(ByName::PositionHead) => By::LayerPositionHead,
        None if args.site.axes()[0] == Axis::Position => By::LayerPosition,
        None => By::LayerHead,
    };
    let direction = if args.noising { Direction::Noise } else { Direction::Denoise };
    let asked = Patching { site: args.site, by, direction, answers };
    Ok(Asked { args, model, tokens, pair, asked })
}

/// Prompts of different lengths are shown token by token, so that one sees where they part.
fn check_alignment(tokens: &[Vec<Token>; 2]) -> Result<(), Failure> {
    if tokens[0].len() == tokens[1].len() {
        return Ok(());
    }
    let shown = |tokens: &[Token]| {
        let texts: Vec<String> = tokens.iter().map(|token| visible(&token.text)).collect();
        format!("{} tokens: {}", texts.len(), texts.join(" | "))
    };
    Err(Failure::Input(format!(
        "the prompts do not align token by token\n  clean   {}\n  corrupt {}\nReplace words by others of equally many tokens",
        shown(&tokens[0]),
        shown(&tokens[1])
    )))
}

impl Asked<'_> {
    fn prepared(&self) -> Result<(Prepared<'_>, f64), Failure> {
        let start = Instant::now();
        let prepared = prepare(&self.model, &self.pair, self.asked)?;
        // What both runs took tells how long the others will.
        let each = start.elapsed().as_secs_f64() / prepared.multiply_adds().max(1) as f64;
        Ok((prepared, each))
    }

    fn costs(&self, plan: &Plan, each: f64, context: &Context<'_>) -> Value {
        let threads = context.console.threads().0.get() as f64;
        json!({
            "cells": plan.cells.len(), "skipped": plan.n_skipped, "batches": plan.n_batches(),
            "multiply_adds": {"naive": plan.naive, "planned": plan.planned},
            "peak_bytes": plan.peak_bytes + self.model.weights.n_bytes(), "estimated_seconds": plan.planned as f64 * each / threads,
        })
    }

    /// The tokens of the prompt that is run, or the heads: one name a column, and which of them differ.
    fn columns(&self, cells: &[Cell]) -> (Vec<String>, Vec<usize>) {
        let own = match self.asked.direction {
            Direction::Denoise => &self.tokens[1],
            Direction::Noise => &self.tokens[0],
        };
        if self.asked.by == By::LayerHead {
            let n = cells.iter().filter_map(|cell| cell.head).max().map_or(0, |last| last + 1);
            return ((0..n).map(|head| format!("H{head}")).collect(), Vec::new());
        }
        (own.iter().map(|token| visible(&token.text)).collect(), self.differ())
    }

    /// Positions at which the prompts have different tokens.
    fn differ(&self) -> Vec<usize> {
        (0..self.tokens[0].len()).filter(|&at| self.tokens[0][at].id != self.tokens[1][at].id).collect()
    }
}

pub(super) fn plan(args: &Experiment, context: &Context<'_>) -> Result<u8, Failure> {
    let asked = asked(args)?;
    let (prepared, each) = asked.prepared()?;
    let costs = asked.costs(prepared.plan(), each, context);
    if context.json {
        let mut body = asked.about();
        merge(&mut body, costs);
        return context.print_json("lens_plan", body);
    }
    let plan = prepared.plan();
    let number = |n: u64| pretty(n as f64, 4);
    let lines = [
        ("site", format!("{} by {}", asked.asked.site, asked.asked.by)),
        ("tokens", format!("{}, {} of them differ", asked.tokens[0].len(), asked.differ().len())),
        ("cells", format!("{} in {} batches", count(plan.cells.len()), count(plan.n_batches()))),
        ("skipped", format!("{}, where both prompts have the same values", count(plan.n_skipped))),
        ("naive", format!("{} multiply-adds: a whole run for every cell", number(plan.naive))),
        (
            "planned",
            format!(
                "{} multiply-adds, {} times fewer",
                number(plan.planned),
                pretty(plan.naive as f64 / plan.planned as f64, 3)
            ),
        ),
        (
            "memory",
            format!(
                "about {} MB, {} MB of them weights",
                (plan.peak_bytes + asked.model.weights.n_bytes()) / 1_000_000,
                asked.model.weights.n_bytes() / 1_000_000
            ),
        ),
        (
            "time",
            format!(
                "about {} s, as fast as the two runs that were needed for this",
                pretty(costs["estimated_seconds"].as_f64().unwrap_or(0.0), 2)
            ),
        ),
    ];
    print(&lines.map(|(word, what)| format!("{} {what}\n", left(word, 9))).concat())
}

/// Every file that is read.
fn inputs(args: &Experiment) -> Vec<PathBuf> {
    let folder = fs_err::read_dir(&args.model).into_iter().flatten().flatten().map(|entry| entry.path());
    folder.chain([args.model.clone()]).chain(args.tokenizer.clone()).collect()
}

pub(super) fn run(args: &Patch, context: &Context<'_>) -> Result<u8, Failure> {
    let format = args.out.as_deref().map(Format::of).transpose()?;
    if let Some(out) = &args.out {
        check_place(out)?;
        let inputs = inputs(&args.experiment);
        check_distinct(out, &inputs.iter().map(PathBuf::as_path).collect::<Vec<_>>())?;
    }
    let asked = asked(&args.experiment)?;
    let start = Instant::now();
    let (prepared, each) = asked.prepared()?;
    let costs = asked.costs(prepared.plan(), each, context);
    let n = prepared.plan().cells.len();
    let n_checked = (args.verify * n as f64).ceil() as usize;
    let progress = context.console.counting((n + n_checked) as u64, "cells");
    let found = prepared.run(args.verify, &control(context.console, &progress));
    drop(progress);
    let elapsed = start.elapsed().as_secs_f64();
    let found = match found {
        Ok(found) => found,
        Err(_) if context.console.is_interrupted() => return Err(Failure::Interrupted),
        Err(cause) => return Err(cause.into()),
    };
    if let (Some(format), Some(out)) = (format, &args.out) {
        write(&asked, &found, format, out, (args, context))?;
        context.console.done(&format!("wrote {} cells to {}", count(n), out.display()));
    }
    let is_off = found.verified.worst > 0.0;
    if context.json {
        let mut body = asked.about();
        merge(&mut body, costs);
        merge(&mut body, asked.told(&found));
        // From the first run on, without reading the model.
        body["elapsed_seconds"] = elapsed.into();
        context.print_json("lens_patch", body)?;
    } else if args.out.is_none() {
        print(&asked.grid(&found).text(terminal_columns()))?;
    }
    if is_off {
        let worst = found.verified.worst;
        return Err(Failure::Bug(format!("cells that were run again are off by up to {worst:e}")));
    }
    Ok(0)
}

fn merge(body: &mut Value, more: Value) {
    if let (Value::Object(body), Value::Object(more)) = (body, more) {
        body.extend(more);
    }
}

impl Asked<'_> {
    fn about(&self) -> Value {
        let texts = |tokens: &[Token]| tokens.iter().map(|token| token.text.clone()).collect::<Vec<_>>();
        json!({
            "model": self.args.model, "site": self.asked.site.short(), "by": self.asked.by.to_string(),
            "direction": if self.args.noising { "noising" } else { "denoising" },
            "tokens": {"clean": texts(&self.tokens[0]), "corrupt": texts(&self.tokens[1]), "differ": self.differ()},
            "answer": self.args.answer, "wrong": self.args.wrong, "metric": "logit_difference",
        })
    }

    fn told(&self, found: &Patched) -> Value {
        let cells: Vec<Value> = found
            .plan
            .cells
            .iter()
            .enumerate()
            .map(|(at, cell)| {
                json!({"layer": cell.layer, "position": cell.position, "head": cell.head, "metric": found.metrics[at], "effect": found.effect(at)})
            })
            .collect();
        let mut body = json!({
            "clean": found.clean, "corrupt": found.corrupt, "grid": cells,
            "verified": {"cells": found.verified.n, "largest_difference": found.verified.worst},
        });
        // Layers × positions, or × heads.
        if self.asked.by != By::LayerPositionHead {
            let width = found.plan.cells.len() / self.model.spec.n_layers;
            let effects: Vec<f64> = (0..found.plan.cells.len()).map(|at| found.effect(at)).collect();
            body["effects"] = effects.chunks(width).map(Value::from).collect();
        }
        body
    }

    fn grid(&self, found: &Patched) -> PatchGrid {
        let cells = &found.plan.cells;
        let (columns, differ) = self.columns(cells);
        let (clean, corrupt) = (pretty(found.clean, 4), pretty(found.corrupt, 4));
        let all_heads = self.asked.by == By::LayerPositionHead;
        let n_heads =
            if all_heads { cells.len() / self.model.spec.n_layers / columns.len().max(1) } else { 1 };
        let layers = 0..self.model.spec.n_layers;
        let rows: Vec<String> = if all_heads {
            layers.flat_map(|layer| (0..n_heads).map(move |head| format!("L{layer} H{head}"))).collect()
        } else {
            layers.map(|layer| format!("L{layer}")).collect()
        };
        // Cells go position by position within a block, and heads within those.
        let effect = |row: usize, column: usize| {
            let (layer, head) = (row / n_heads, row % n_heads);
            found.effect((layer * columns.len() + column) * n_heads + head)
        };
        let effects = (0..rows.len()).flat_map(|row| (0..columns.len()).map(move |column| (row, column)));
        let effects = effects.map(|(row, column)| effect(row, column)).collect();
        let [answer, wrong] = [&self.args.answer, &self.args.wrong].map(|token| visible(token));
        let (run, other) = if self.args.noising { ("clean", "corrupt") } else { ("corrupt", "clean") };
        PatchGrid {
            site: self.asked.site.short().to_owned(),
            subtitle: format!(
                "{other} values in the {run} run · logit {answer} − {wrong}: clean {clean}, corrupt {corrupt}"
            ),
            rows,
            columns,
            differ,
            effects,
            unit: format!(
                "0: the answer stays that of the {run} prompt; 1: it becomes that of the {other} one."
            ),
            checked: match found.verified.n {
                0 => "No cell was run again the slow way (--verify).".to_owned(),
                n => format!(
                    "{} of {} cells were run again as whole runs: the largest difference is {}.",
                    count(n),
                    count(cells.len()),
                    pretty(found.verified.worst, 3)
                ),
            },
        }
    }
}

fn write(
    asked: &Asked<'_>,
    found: &Patched,
    format: Format,
    out: &Path,
    (args, context): (&Patch, &Context<'_>),
) -> Result<(), Failure> {
    let table = match format {
        Format::Table(TableFormat::Json) => {
            let mut body = asked.about();
            merge(&mut body, asked.told(found));
            body["schema"] = "pellucid.lens_patch/1".into();
            return write_file(out, format!("{body}\n").as_bytes());
        }
        Format::Table(table) => table,
        Format::Svg | Format::Png => {
            return picture::write(&asked.grid(found), format, out, (args.width, args.theme));
        }
        Format::Html => return write_file(out, page(asked, found, context).as_bytes()),
    };
    let names = ["layer", "position", "head", "metric", "effect"].map(str::to_owned);
    let cells = &found.plan.cells;
    let or_nan = |of: &dyn Fn(&Cell) -> Option<usize>| -> Vec<f64> {
        cells.iter().map(|cell| of(cell).map_or(f64::NAN, |n| n as f64)).collect()
    };
    let columns = vec![
        or_nan(&|cell| Some(cell.layer)),
        or_nan(&|cell| cell.position),
        or_nan(&|cell| cell.head),
        found.metrics.clone(),
        (0..cells.len()).map(|at| found.effect(at)).collect(),
    ];
    let (file, mut bytes) = NewFile::create(out)?;
    let mut writer = table_writer(table, &mut bytes, Heading::numbers(&names), &[])?;
    writer.write(&columns)?;
    writer.finish()?;
    drop(bytes);
    file.keep()
}

fn page(asked: &Asked<'_>, found: &Patched, context: &Context<'_>) -> String {
    let args = asked.args;
    let grid = asked.grid(found);
    let texts =
        |at: usize| asked.tokens[at].iter().map(|token| visible(&token.text)).collect::<Vec<_>>().join(" | ");
    let report = Report {
        title: format!("Where {} carries the difference between two prompts", asked.asked.site),
        lead: grid.sentence(),
        facts: vec![
            ("model".to_owned(), args.model.display().to_string()),
            ("clean".to_owned(), texts(0)),
            ("corrupt".to_owned(), texts(1)),
            ("metric".to_owned(), format!("logit {} − logit {}", visible(&args.answer), visible(&args.wrong))),
            ("clean, corrupt".to_owned(), format!("{}, {}", pretty(found.clean, 5), pretty(found.corrupt, 5))),
            ("computed".to_owned(), format!("{} multiply-adds instead of {}", pretty(found.multiply_adds as f64, 4), pretty(found.plan.naive as f64, 4))),
        ],
        sections: vec![Section {
            heading: "What each place carries".to_owned(),
            intro: "Each cell is one experiment: the run with this place's values taken from the other prompt.".to_owned(),
            figures: vec![(Box::new(grid), false)],
        }],
        notes: vec![
            "An effect says what a place is enough for (denoising) or needed for (noising) on these two prompts, not what it does on others.".to_owned(),
            "Weights are as they are trained: nothing is folded or centred. Values at neighbouring blocks share what passes through both.".to_owned(),
        ],
        command: Some(context.command_line()),
    };
    html::page(&report)
}
