//! `pellucid lens path`: effects of every part of a model, direct and indirect, and of single edges.

use pellucid::explain::inside::{EdgeEffects, Effects, PatchError, edge_effects, effects, peak};
use pellucid::models::transformer::Transformer;
use pellucid::models::transformer::node::{Edge, Receiver, Sender};
use pellucid::views::View;
use pellucid::views::contributions::Contributions;
use pellucid::views::number::{count, pretty, signed};
use pellucid::views::patch_grid::PatchGrid;
use pellucid::views::render::text;
use pellucid::views::report::{Report, Section};
use serde_json::{Value, json};

use super::super::explain::terminal_columns;
use super::super::{Context, print};
use super::prompts::{self, Prompt};
use super::{Written, check_out, loaded, merge, numbers, processed, processing, seen, words, write};
use crate::explaining::control;
use crate::failure::Failure;
use crate::lens_args::PathPatch;
use crate::output::Format;

struct Asked<'a> {
    args: &'a PathPatch,
    model: Transformer,
    prompt: Prompt,
    /// Of how many prompts means and drawn values are, and the seed of the draw.
    of: (usize, u64),
}

/// What was found.
enum Found {
    Parts(Effects),
    Edges(EdgeEffects),
}

pub(super) fn run(args: &PathPatch, context: &Context<'_>) -> Result<u8, Failure> {
    let out = args.output.out.as_deref();
    out.map(Format::of).transpose()?;
    let more: Vec<&std::path::Path> = args.prompts.prompts.as_deref().into_iter().collect();
    check_out(out, &args.source, &more)?;
    let (model, tokenizer) = loaded(&args.source)?;
    let mut prompts = prompts::read(&args.prompts, &tokenizer)?;
    let cases = prompts::cases(&prompts, &args.prompts, context);
    if prompts.len() > 1
        && matches!(args.prompts.with, crate::lens_args::With::Other | crate::lens_args::With::Zero)
    {
        return Err(Failure::Usage(
            "lens path takes one prompt apart; --prompts are what means and drawn values are of, and the first of them is run".to_owned(),
        ));
    }
    let case = &cases[0];
    let spec = &model.spec;
    let into = args.into.as_deref().map(|name| Receiver::of(name, spec)).transpose();
    let into = into.map_err(|cause| Failure::Usage(format!("--into: {cause}")))?;
    if let Some(into) = into {
        into.check(spec).map_err(PatchError::Node)?;
    }
    if let Some(from) = args.from {
        from.check(spec).map_err(PatchError::Node)?;
    }
    let needed = peak(spec, pellucid::models::transformer::Site::Result, case.run.len());
    super::check_memory(needed, None, "take a shorter prompt")?;
    let is_meant = |edge: &Edge| {
        into.is_none_or(|into| edge.to == into) && args.from.is_none_or(|from| edge.from == from)
    };
    let has_edges = args.edges || into.is_some() || args.from.is_some();
    let edges: Vec<Edge> =
        if has_edges { Edge::all(spec).into_iter().filter(is_meant).collect() } else { Vec::new() };
    if has_edges && edges.is_empty() {
        return Err(Failure::Usage("no edge leads from that part to that receiver".to_owned()));
    }
    let n = if has_edges { edges.len() } else { 1 + spec.n_layers * (spec.n_heads + 1) * 2 };
    let n_checked = (args.verify * n as f64).ceil() as usize;
    let progress = context.console.counting((n + n_checked) as u64, "runs");
    let watched = control(context.console, &progress);
    let found = if has_edges {
        edge_effects(&model, case, &edges, args.verify, &watched).map(Found::Edges)
    } else {
        effects(&model, case, args.verify, &watched).map(Found::Parts)
    };
    drop(progress);
    let found = context.console.unless_interrupted(found)?;
    let of = (prompts.len(), context.seed.unwrap_or(0));
    let asked = Asked { args, model, prompt: prompts.swap_remove(0), of };
    if let Some(out) = out {
        let written = Written {
            schema: "lens_path",
            json: &|| asked.told(&found),
            table: &|| asked.table(&found),
            view: &|| asked.view(&found),
            report: &|| asked.page(&found, context),
        };
        write(&written, &args.output, out)?;
        context.console.done(&format!("wrote {} effects to {}", count(found.len()), out.display()));
    }
    if context.json {
        context.print_json("lens_path", asked.told(&found))?;
    } else if out.is_none() {
        print(&asked.said(&found))?;
    }
    let worst = found.verified().1;
    if worst > 0.0 {
        return Err(Failure::Bug(format!("runs that were made again are off by up to {worst:e}")));
    }
    Ok(0)
}

impl Found {
    fn len(&self) -> usize {
        match self {
            Self::Parts(found) => found.parts.len(),
            Self::Edges(found) => found.edges.len(),
        }
    }

    fn verified(&self) -> (usize, f64) {
        let verified = match self {
            Self::Parts(found) => found.verified,
            Self::Edges(found) => found.verified,
        };
        (verified.n, verified.worst)
    }

    /// The metric of the run, of the other one, and multiply-adds naive and planned.
    fn costs(&self) -> (f64, Option<f64>, u64, u64) {
        match self {
            Self::Parts(found) => (found.own, found.other, found.naive, found.multiply_adds),
            Self::Edges(found) => (found.own, found.other, found.naive, found.multiply_adds),
        }
    }
}

impl Asked<'_> {
    /// Names and effects, the largest first.
    fn largest(&self, found: &Found) -> Vec<(String, f64)> {
        let mut all: Vec<(String, f64)> = match found {
            Found::Parts(found) => {
                found.parts.iter().map(|part| (part.part.to_string(), part.total)).collect()
            }
            Found::Edges(found) => {
                let name = |(at, edge): (usize, &Edge)| (edge.name(&self.model.spec), found.effect(at));
                found.edges.iter().enumerate().map(name).collect()
            }
        };
        all.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        all
    }

    fn about(&self, found: &Found) -> Value {
        let (own, other, naive, planned) = found.costs();
        let (n, worst) = found.verified();
        let mut body = json!({
            "model": self.args.source.model, "processing": processing(&self.model), "own": own, "other": other,
            "multiply_adds": {"naive": naive, "planned": planned},
            "verified": {"runs": n, "largest_difference": worst},
        });
        merge(&mut body, prompts::told(std::slice::from_ref(&self.prompt), &self.args.prompts, self.of));
        body
    }

    fn told(&self, found: &Found) -> Value {
        let mut body = self.about(found);
        match found {
            Found::Parts(effects) => {
                let part = |part: &pellucid::explain::inside::PartEffect| json!({"part": part.part.to_string(), "total": part.total, "direct": part.direct, "indirect": part.indirect()});
                body["parts"] = effects.parts.iter().map(part).collect();
                body["self_repair"] = effects.self_repair().map_or(
                    Value::Null,
                    |line| json!({"slope": line.slope, "r_squared": line.r_squared, "parts": line.n}),
                );
            }
            Found::Edges(edges) => {
                let edge = |(at, edge): (usize, &Edge)| json!({"edge": edge.name(&self.model.spec), "metric": edges.metrics[at], "effect": edges.effect(at)});
                body["edges"] = edges.edges.iter().enumerate().map(edge).collect();
                body["skipped"] = edges.n_skipped.into();
            }
        }
        body
    }

    fn table(&self, found: &Found) -> Vec<(pellucid::data::write::Heading, Vec<f64>)> {
        match found {
            Found::Parts(found) => vec![
                words("part", found.parts.iter().map(|part| part.part.to_string()).collect()),
                numbers("total", found.parts.iter().map(|part| part.total)),
                numbers("direct", found.parts.iter().map(|part| part.direct)),
                numbers("indirect", found.parts.iter().map(pellucid::explain::inside::PartEffect::indirect)),
            ],
            Found::Edges(found) => vec![
                words("from", found.edges.iter().map(|edge| edge.from.to_string()).collect()),
                words("to", found.edges.iter().map(|edge| edge.to.name(&self.model.spec)).collect()),
                numbers("metric", found.metrics.iter().copied()),
                numbers("effect", (0..found.edges.len()).map(|at| found.effect(at))),
            ],
        }
    }

    fn subtitle(&self, found: &Found) -> String {
        let (values, run) = prompts::doing(&self.args.prompts);
        let (own, other, ..) = found.costs();
        let ends = match other {
            Some(other) => format!("{} in the run, {} in the other", pretty(own, 4), pretty(other, 4)),
            None => format!("{} in the run", pretty(own, 4)),
        };
        format!("{values} in {run} · {}: {ends}", self.prompt.measured())
    }

    fn checked(found: &Found) -> String {
        match found.verified() {
            (0, _) => "Nothing was run again the slow way (--verify).".to_owned(),
            (n, worst) => format!(
                "{} runs were made again as whole runs: the largest difference is {}.",
                count(n),
                pretty(worst, 3)
            ),
        }
    }

    /// Heads and MLPs by block.
    fn grid(
        &self,
        effects: &Effects,
        what: &str,
        of: fn(&pellucid::explain::inside::PartEffect) -> f64,
    ) -> PatchGrid {
        let spec = &self.model.spec;
        let mut columns: Vec<String> = (0..spec.n_heads).map(|head| format!("H{head}")).collect();
        columns.push("MLP".to_owned());
        let all = effects.parts.iter().filter(|part| part.part != Sender::Input);
        PatchGrid {
            site: what.to_owned(),
            subtitle: self.subtitle(&Found::Parts(effects.clone())),
            rows: (0..spec.n_layers).map(|layer| format!("L{layer}")).collect(),
            columns,
            differ: Vec::new(),
            effects: all.map(of).collect(),
            intervals: Vec::new(),
            unit: "By how much the metric grows.".to_owned(),
            is_share: false,
            checked: Self::checked(&Found::Parts(effects.clone())),
        }
    }

    fn bars(&self, found: &Found) -> Contributions {
        let what = self.prompt.measured();
        let parts = self.largest(found);
        // What is beside the largest effect no more than rounding is not drawn.
        let largest = parts.first().map_or(0.0, |(_, effect)| effect.abs());
        let n_worth = parts.iter().filter(|(_, effect)| effect.abs() > 1e-5 * largest).count();
        Contributions {
            what,
            subtitle: self.subtitle(found),
            total: None,
            parts,
            rows: usize::from(self.args.top).min(n_worth.max(1)),
            checked: format!(
                "Each is an experiment of its own; they do not sum up. {}",
                Self::checked(found)
            ),
        }
    }

    fn view(&self, found: &Found) -> Box<dyn View> {
        match found {
            Found::Parts(effects) => Box::new(self.grid(effects, "Replacing a part", |part| part.total)),
            Found::Edges(_) => Box::new(self.bars(found)),
        }
    }

    fn said(&self, found: &Found) -> String {
        let columns = terminal_columns();
        let n_shown = usize::from(self.args.top);
        let head = format!("{}\n\n", self.subtitle(found));
        let tail = format!("\n{}\n", Self::checked(found));
        match found {
            Found::Parts(effects) => {
                let mut parts = effects.parts.clone();
                parts.sort_by(|a, b| {
                    b.total.abs().max(b.direct.abs()).total_cmp(&a.total.abs().max(a.direct.abs()))
                });
                let row = |part: &pellucid::explain::inside::PartEffect| {
                    vec![
                        part.part.to_string(),
                        signed(part.total, 4),
                        signed(part.direct, 4),
                        signed(part.indirect(), 4),
                    ]
                };
                let rows: Vec<Vec<String>> = parts.iter().take(n_shown).map(row).collect();
                let names = ["part", "total", "direct", "indirect"].map(str::to_owned);
                let repair = effects.self_repair().map_or(String::new(), |line| {
                    format!(
                        "Self-repair: over {} parts an indirect effect is {} times the direct one (R² {}); −1 would undo it.\n",
                        count(line.n),
                        signed(line.slope, 3),
                        pretty(line.r_squared, 2)
                    )
                });
                let left = effects.parts.len().saturating_sub(n_shown);
                let more = if left > 0 {
                    format!("{} more parts with smaller effects (--top).\n", count(left))
                } else {
                    String::new()
                };
                format!("{head}{}\n{more}{repair}{tail}", text::table(&names, &rows, columns))
            }
            Found::Edges(edges) => {
                let rows: Vec<Vec<String>> = self
                    .largest(found)
                    .into_iter()
                    .take(n_shown)
                    .map(|(name, effect)| vec![name, signed(effect, 4)])
                    .collect();
                let names = ["edge", "effect"].map(str::to_owned);
                let told = format!(
                    "{} edges; {} carry the same in both runs.\n",
                    count(edges.edges.len()),
                    count(edges.n_skipped)
                );
                format!("{head}{}\n{told}{tail}", text::table(&names, &rows, columns))
            }
        }
    }

    fn page(&self, found: &Found, context: &Context<'_>) -> Report {
        let (_, _, naive, planned) = found.costs();
        let mut facts = vec![
            ("model".to_owned(), self.args.source.model.display().to_string()),
            ("processing".to_owned(), processed(&self.model)),
            ("clean".to_owned(), seen(&self.prompt.clean).join(" | ")),
        ];
        facts.extend(
            self.prompt.corrupt.iter().map(|tokens| ("corrupt".to_owned(), seen(tokens).join(" | "))),
        );
        facts.push(("metric".to_owned(), self.prompt.measured()));
        facts.push((
            "computed".to_owned(),
            format!("{} multiply-adds instead of {}", pretty(planned as f64, 4), pretty(naive as f64, 4)),
        ));
        let (title, sections) = match found {
            Found::Parts(effects) => {
                let section = |heading: &str, intro: &str, grid: PatchGrid| Section {
                    heading: heading.to_owned(),
                    intro: intro.to_owned(),
                    figures: vec![(Box::new(grid) as Box<dyn View>, false)],
                };
                let sections = vec![
                    section(
                        "What each part is needed for",
                        "The total effect: other values of the part's output, and everything after it follows.",
                        self.grid(effects, "Replacing a part", |part| part.total),
                    ),
                    section(
                        "What each part writes itself",
                        "The direct effect: nothing follows but the last norm, computed anew.",
                        self.grid(effects, "What a part writes itself", |part| part.direct),
                    ),
                    section(
                        "What later parts make of it",
                        "The indirect effect: the total less the direct one. Of the other sign than the direct one it is repair.",
                        self.grid(effects, "What follows a part", pellucid::explain::inside::PartEffect::indirect),
                    ),
                ];
                ("Which parts the answer needs".to_owned(), sections)
            }
            Found::Edges(_) => (
                "What parts read of one another".to_owned(),
                vec![Section {
                    heading: "Edges by their effect".to_owned(),
                    intro: "Each bar is one experiment: one receiver reads other values of one part, all else as it is.".to_owned(),
                    figures: vec![(Box::new(self.bars(found)), false)],
                }],
            ),
        };
        Report {
            title,
            lead: self.subtitle(found),
            facts,
            sections,
            notes: vec![
                "Effects are of this prompt, and of these values; on others they may be different."
                    .to_owned(),
            ],
            command: Some(context.command_line()),
        }
    }
}
