//! `pellucid lens run --capture`: activations of many prompts, written as they are made.

use std::path::Path;

use pellucid::explain::Watch;
use pellucid::explain::inside::PatchError;
use pellucid::explain::inside::experiment::format::hooks;
use pellucid::models::transformer::forward::{self, Wanted};
use pellucid::models::transformer::weights::{SafetensorsWriter, Tensor};
use pellucid::models::transformer::{Axis, Capture, Hook, Machine, Token, Transformer};
use pellucid::views::number::count;
use pellucid::views::render::text;
use serde_json::{Value, json};

use super::super::explain::terminal_columns;
use super::super::{Context, print};
use super::run::tokens_of;
use super::{ids, loaded, numbers, processing, words, write_table};
use crate::failure::Failure;
use crate::lens_args::Run;
use crate::output::{Format, NewFile, TableFormat};

/// What is kept of every prompt.
struct Asked<'a> {
    args: &'a Run,
    model: Transformer,
    prompts: Vec<Vec<Token>>,
    hooks: Vec<Hook>,
    /// Of each prompt the positions whose rows are kept.
    kept: Vec<Vec<usize>>,
    machine: Machine<'a>,
}

enum Kind {
    Safetensors,
    Table(TableFormat),
}

fn kind(out: &Path) -> Result<Kind, Failure> {
    if super::is_tensors(out) {
        return Ok(Kind::Safetensors);
    }
    match Format::of(out)? {
        Format::Table(format) if format != TableFormat::Json => Ok(Kind::Table(format)),
        _ => Err(Failure::Usage(format!(
            "`{}`: activations are written as .safetensors (any sites), or one site as .csv .parquet .arrow .jsonl",
            out.display()
        ))),
    }
}

pub(super) fn run(args: &Run, texts: &[String], context: &Context<'_>) -> Result<u8, Failure> {
    let kind = args.output.out.as_deref().map(kind).transpose()?;
    let (model, tokenizer) = loaded(&args.source)?;
    let mut all = Vec::new();
    for name in &args.capture {
        let found =
            hooks(name, &model.spec).map_err(|cause| Failure::Usage(format!("--capture: {cause}")))?;
        for hook in found {
            model.spec.check(hook).map_err(|cause| Failure::Input(cause.to_string()))?;
            all.push(hook);
        }
    }
    all.sort_unstable();
    all.dedup();
    let prompts = tokens_of(texts, &tokenizer, &model)?;
    let kept =
        prompts.iter().map(|tokens| positions(&args.positions, tokens.len())).collect::<Result<_, _>>()?;
    let asked = Asked { args, model, prompts, hooks: all, kept, machine: super::machine(context) };
    let bytes = asked.bytes();
    context.console.detail(&format!("activations take {} MB", bytes / 1_000_000));
    // A table is held as a whole, and as numbers of 64 bits; a safetensors file is filled prompt by prompt.
    let held = match kind {
        Some(Kind::Table(_)) => 3 * bytes,
        _ => asked.largest_prompt(),
    };
    let advice = "capture fewer sites or positions, or write .safetensors";
    super::check_memory(held, args.max_memory, advice)?;
    match (&args.output.out, kind) {
        (Some(out), Some(Kind::Safetensors)) => {
            asked.write_tensors(out, texts, context)?;
            context.console.done(&format!("wrote {} MB to {}", bytes / 1_000_000, out.display()));
        }
        (Some(out), Some(Kind::Table(format))) => {
            asked.write_rows(out, format, context)?;
            context.console.done(&format!("wrote {}", out.display()));
        }
        _ => {}
    }
    if context.json {
        return context.print_json("lens_run", asked.told(texts));
    }
    if args.output.out.is_some() {
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = asked
        .hooks
        .iter()
        .map(|hook| {
            let shape: Vec<String> = asked.shape(*hook, 0).iter().map(ToString::to_string).collect();
            vec![hook.to_string(), shape.join(" × ")]
        })
        .collect();
    let names = ["site", "numbers of the first text"].map(str::to_owned);
    let told = format!(
        "{} MB of {} texts; name a file with -o to keep them.\n",
        (bytes as f64 / 1e6).ceil(),
        count(texts.len())
    );
    print(&format!("{}\n{told}", text::table(&names, &rows, terminal_columns())))
}

/// `all`, or numbers, from the end where negative.
fn positions(list: &str, n_tokens: usize) -> Result<Vec<usize>, Failure> {
    if list == "all" {
        return Ok((0..n_tokens).collect());
    }
    let one = |word: &str| {
        let number: i64 = word.trim().parse().map_err(|_| {
            Failure::Usage(format!("--positions: `{word}` is no number; write all, or numbers as in 0,-1"))
        })?;
        super::position(number, n_tokens).ok_or_else(|| {
            Failure::Input(format!(
                "--positions: there is no position {number} in a prompt of {n_tokens} tokens"
            ))
        })
    };
    list.split(',').map(one).collect()
}

impl Asked<'_> {
    /// What is kept of a site of one prompt.
    fn shape(&self, hook: Hook, prompt: usize) -> Vec<usize> {
        let mut shape = self.model.spec.shape(hook.site, self.prompts[prompt].len());
        if hook.site.axes()[0] == Axis::Position {
            shape[0] = self.kept[prompt].len();
        }
        shape
    }

    fn n_numbers(&self, hook: Hook, prompt: usize) -> usize {
        self.shape(hook, prompt).iter().product()
    }

    fn bytes(&self) -> usize {
        let of = |prompt: usize| self.hooks.iter().map(|hook| self.n_numbers(*hook, prompt)).sum::<usize>();
        size_of::<f32>() * (0..self.prompts.len()).map(of).sum::<usize>()
    }

    /// Bytes of the prompt that has the most, with all its positions.
    fn largest_prompt(&self) -> usize {
        let of = |tokens: &Vec<Token>| -> usize {
            let shapes = self.hooks.iter().map(|hook| self.model.spec.shape(hook.site, tokens.len()));
            shapes.map(|shape| shape.iter().product::<usize>()).sum()
        };
        size_of::<f32>() * self.prompts.iter().map(of).max().unwrap_or(0)
    }

    /// One prompt's activations, of the positions that are kept.
    fn made(&self, prompt: usize) -> Result<Vec<Vec<f32>>, Failure> {
        let mut seen = Capture::of(self.hooks.clone());
        let tokens = ids(&self.prompts[prompt]);
        // Logits are worked out where they are kept, and only there.
        forward::run_on(&self.model, &[&tokens], Wanted::Residual, &mut seen, self.machine)
            .map_err(|(_, cause)| PatchError::from(cause))?;
        let of = |hook: &Hook| {
            let data = seen.seen.remove(&(0, *hook)).map(|array| array.data).unwrap_or_default();
            if hook.site.axes()[0] != Axis::Position || self.kept[prompt].iter().copied().eq(0..tokens.len())
            {
                return data;
            }
            let width = data.len() / tokens.len();
            self.kept[prompt].iter().flat_map(|at| &data[at * width..(at + 1) * width]).copied().collect()
        };
        Ok(self.hooks.iter().map(of).collect())
    }

    /// Sites with rows a position stand one prompt below the other; those without are a tensor a prompt.
    fn write_tensors(&self, out: &Path, texts: &[String], context: &Context<'_>) -> Result<(), Failure> {
        let n_rows: usize = self.kept.iter().map(Vec::len).sum();
        let mut tensors = vec![
            Tensor::whole("prompt", vec![n_rows]),
            Tensor::whole("position", vec![n_rows]),
            Tensor::whole("token", vec![n_rows]),
        ];
        let by_rows = |hook: &Hook| hook.site.axes()[0] == Axis::Position;
        // Of each site where its tensors begin.
        let mut first = Vec::with_capacity(self.hooks.len());
        for hook in &self.hooks {
            first.push(tensors.len());
            if by_rows(hook) {
                let mut shape = self.shape(*hook, 0);
                shape[0] = n_rows;
                tensors.push(Tensor::floats(hook.to_string(), shape));
            } else if self.prompts.len() == 1 {
                tensors.push(Tensor::floats(hook.to_string(), self.shape(*hook, 0)));
            } else {
                let one =
                    |prompt: usize| Tensor::floats(format!("{hook}@{prompt}"), self.shape(*hook, prompt));
                tensors.extend((0..self.prompts.len()).map(one));
            }
        }
        let metadata = [
            ("model", self.args.source.model.display().to_string()),
            ("processing", self.model.processing.steps().join(",")),
            ("texts", json!(texts).to_string()),
            ("command", context.command_line()),
        ]
        .map(|(key, value)| (key.to_owned(), value));
        let (file, bytes) = NewFile::create(out)?;
        let mut writer = SafetensorsWriter::new(std::io::BufWriter::new(bytes), &tensors, &metadata)?;
        let progress = context.console.counting(self.prompts.len() as u64, "texts");
        let mut row = 0;
        for (prompt, kept) in self.kept.iter().enumerate() {
            if context.console.is_interrupted() {
                return Err(Failure::Interrupted);
            }
            let whole = |of: &dyn Fn(usize) -> i64| kept.iter().map(|at| of(*at)).collect::<Vec<i64>>();
            writer.whole(0, row, &whole(&|_| prompt as i64))?;
            writer.whole(1, row, &whole(&|at| at as i64))?;
            writer.whole(2, row, &whole(&|at| i64::from(self.prompts[prompt][at].id)))?;
            for ((hook, data), first) in self.hooks.iter().zip(self.made(prompt)?).zip(&first) {
                if by_rows(hook) {
                    writer.floats(*first, row * (data.len() / kept.len().max(1)), &data)?;
                } else {
                    writer.floats(first + prompt, 0, &data)?;
                }
            }
            row += kept.len();
            progress.advance(1);
        }
        drop(progress);
        writer.finish()?;
        file.keep()
    }

    /// A row a position, and a head where there are some; a column a unit.
    fn write_rows(&self, out: &Path, format: TableFormat, context: &Context<'_>) -> Result<(), Failure> {
        let [hook] = self.hooks[..] else {
            return Err(Failure::Usage(format!(
                "a table holds one site, and {} are meant; name one block as in blocks.3.hook_resid_post, or write .safetensors",
                self.hooks.len()
            )));
        };
        let axes = hook.site.axes();
        let has_heads = axes.len() > 2;
        let by_head = axes[0] == Axis::Head;
        let width = if by_head { 1 } else { self.model.spec.shape(hook.site, 1)[axes.len() - 1] };
        let mut places: [Vec<f64>; 4] = Default::default();
        let mut tokens = Vec::new();
        let mut units: Vec<Vec<f64>> = vec![Vec::new(); width];
        let progress = context.console.counting(self.prompts.len() as u64, "texts");
        for prompt in 0..self.prompts.len() {
            if context.console.is_interrupted() {
                return Err(Failure::Interrupted);
            }
            let data = self.made(prompt)?.swap_remove(0);
            let shape = self.shape(hook, prompt);
            for (at, row) in data.chunks_exact(width).enumerate() {
                // Scores and patterns: a row a head and two positions.
                let (position, head, source) = if by_head {
                    (at / shape[2] % shape[1], at / shape[2] / shape[1], at % shape[2])
                } else if has_heads {
                    (self.kept[prompt][at / shape[1]], at % shape[1], 0)
                } else {
                    (self.kept[prompt][at], 0, 0)
                };
                let all = [prompt, position, head, source];
                places.iter_mut().zip(all).for_each(|(column, x)| column.push(x as f64));
                tokens.push(self.prompts[prompt][position].text.clone());
                units.iter_mut().zip(row).for_each(|(column, x)| column.push(f64::from(*x)));
            }
            progress.advance(1);
        }
        drop(progress);
        let [prompts, positions, heads, sources] = places;
        let mut columns = vec![
            numbers("prompt", prompts.into_iter()),
            numbers("position", positions.into_iter()),
            words("token", tokens),
        ];
        if has_heads {
            columns.push(numbers("head", heads.into_iter()));
        }
        if by_head {
            columns.push(numbers("source", sources.into_iter()));
            columns.push(numbers("value", units.swap_remove(0).into_iter()));
        } else {
            let named = units.into_iter().enumerate();
            columns.extend(named.map(|(at, column)| numbers(&format!("u{at}"), column.into_iter())));
        }
        write_table(format, out, columns)
    }

    fn told(&self, texts: &[String]) -> Value {
        let sites: Vec<Value> = self
            .hooks
            .iter()
            .map(|hook| {
                let shapes: Vec<Vec<usize>> =
                    (0..self.prompts.len()).map(|at| self.shape(*hook, at)).collect();
                json!({"site": hook.to_string(), "shapes": shapes})
            })
            .collect();
        json!({
            "model": self.args.source.model, "processing": processing(&self.model), "texts": texts,
            "sites": sites, "bytes": self.bytes(), "out": self.args.output.out,
        })
    }
}
