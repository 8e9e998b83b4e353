//! `pellucid lens path`: effects of every part of a model, direct and indirect, and of single edges.

use pellucid::explain::inside::{
    EdgeEffects, Effects, PartEffect, PatchError, SelfRepair, edge_effects_with, effects_with, for_all,
    interval, mean_effect, peak,
};
use pellucid::models::transformer::Transformer;
use pellucid::models::transformer::node::{Edge, Receiver, Sender};
use pellucid::patched::head_columns;
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
use super::{
    INTERVALS, Written, check_out, loaded, merge, numbers, one_or_all, processed, processing, seen, words,
    write,
};
use crate::explaining::control;
use crate::failure::Failure;
use crate::lens_args::PathPatch;
use crate::output::Format;

struct Asked<'a> {
    args: &'a PathPatch,
    model: Transformer,
    prompts: Vec<Prompt>,
    seed: u64,
}

/// What was found, prompt by prompt.
enum Found {
    Parts(Vec<Effects>),
    Edges(Vec<EdgeEffects>),
}

pub(super) fn run(args: &PathPatch, context: &Context<'_>) -> Result<u8, Failure> {
    let out = args.output.out.as_deref();
    out.map(Format::of).transpose()?;
    let more: Vec<&std::path::Path> = args.prompts.prompts.as_deref().into_iter().collect();
    check_out(out, &args.source, &more)?;
    let (model, tokenizer) = loaded(&args.source)?;
    let prompts = prompts::read(&args.prompts, &tokenizer)?;
    let cases = prompts::cases(&prompts, &args.prompts, context);
    let spec = &model.spec;
    let into = args.into.as_deref().map(|name| Receiver::of(name, spec)).transpose();
    let into = into.map_err(|cause| Failure::Usage(format!("--into: {cause}")))?;
    if let Some(into) = into {
        into.check(spec).map_err(PatchError::Node)?;
    }
    if let Some(from) = args.from {
        from.check(spec).map_err(PatchError::Node)?;
    }
    let longest = cases.iter().map(|case| case.run.len()).max().unwrap_or(0);
    let needed = peak(spec, pellucid::models::transformer::Site::Result, longest, cases[0].metric);
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
    let progress = context.console.counting(((n + n_checked) * cases.len()) as u64, "runs");
    let watched = control(context.console, &progress);
    let found = if has_edges {
        for_all(&model, &cases, |means, case| edge_effects_with(means, case, &edges, args.verify, &watched))
            .map(Found::Edges)
    } else {
        for_all(&model, &cases, |means, case| effects_with(means, case, args.verify, &watched))
            .map(Found::Parts)
    };
    drop(progress);
    let found = context.console.unless_interrupted(found)?;
    let asked = Asked { args, model, prompts, seed: context.seed.unwrap_or(0) };
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
            Self::Parts(found) => found[0].parts.len(),
            Self::Edges(found) => found[0].edges.len(),
        }
    }

    /// A part's or edge's total effect on each prompt; it could be 1, as nothing is a share.
    fn terms(&self, at: usize) -> Vec<[f64; 2]> {
        match self {
            Self::Parts(found) => found.iter().map(|one| [one.parts[at].total, 1.0]).collect(),
            Self::Edges(found) => found.iter().map(|one| [one.effect(at), 1.0]).collect(),
        }
    }

    /// Places and effects, the largest first.
    fn largest(&self) -> Vec<(usize, f64)> {
        let mut all: Vec<(usize, f64)> = (0..self.len()).map(|at| (at, self.effect(at))).collect();
        all.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        all
    }

    /// Its mean.
    fn effect(&self, at: usize) -> f64 {
        mean_effect(&self.terms(at))
    }

    fn verified(&self) -> (usize, f64) {
        let all: Vec<_> = match self {
            Self::Parts(found) => found.iter().map(|one| one.verified).collect(),
            Self::Edges(found) => found.iter().map(|one| one.verified).collect(),
        };
        let worst = all.iter().fold(0.0, |worst: f64, one| worst.max(one.worst));
        (all.iter().map(|one| one.n).sum(), worst)
    }

    /// Of each prompt the metric of the run, and of the other one.
    fn ends(&self) -> Vec<(f64, Option<f64>)> {
        match self {
            Self::Parts(found) => found.iter().map(|one| (one.own, one.other)).collect(),
            Self::Edges(found) => found.iter().map(|one| (one.own, one.other)).collect(),
        }
    }

    /// Multiply-adds naive and planned.
    fn costs(&self) -> [u64; 2] {
        let all: Vec<[u64; 2]> = match self {
            Self::Parts(found) => found.iter().map(|one| [one.naive, one.multiply_adds]).collect(),
            Self::Edges(found) => found.iter().map(|one| [one.naive, one.multiply_adds]).collect(),
        };
        [0, 1].map(|at| all.iter().map(|costs| costs[at]).sum())
    }
}

/// An interval in words.
fn between([low, high]: [f64; 2]) -> String {
    format!("{} to {}", signed(low, 3), signed(high, 3))
}

/// The mean of what effects are of, over prompts.
fn mean(found: &[Effects], at: usize, of: fn(&PartEffect) -> f64) -> f64 {
    found.iter().map(|one| of(&one.parts[at])).sum::<f64>() / found.len() as f64
}

impl Asked<'_> {
    fn name(&self, found: &Found, at: usize) -> String {
        match found {
            Found::Parts(found) => found[0].parts[at].part.to_string(),
            Found::Edges(found) => found[0].edges[at].name(&self.model.spec),
        }
    }

    fn about(&self, found: &Found) -> Value {
        let ends = found.ends();
        let [naive, planned] = found.costs();
        let (n, worst) = found.verified();
        let mut body = json!({
            "model": self.args.source.model, "processing": processing(&self.model),
            "multiply_adds": {"naive": naive, "planned": planned},
            "verified": {"runs": n, "largest_difference": worst},
            "own": one_or_all(ends.iter().map(|(own, _)| *own)),
            "other": one_or_all(ends.iter().map(|(_, other)| *other)),
        });
        merge(&mut body, prompts::told(&self.prompts, &self.args.prompts, (self.prompts.len(), self.seed)));
        body
    }

    fn told(&self, found: &Found) -> Value {
        let mut body = self.about(found);
        // Of several prompts each one's effect, too.
        let each = |at: usize, one: &mut Value| {
            if self.prompts.len() > 1 {
                let terms = found.terms(at);
                one["interval"] = json!(interval(&terms));
                one["effects"] = terms.iter().map(|term| json!(term[0])).collect();
            }
        };
        match found {
            Found::Parts(effects) => {
                let part = |at: usize| {
                    let of = |of| mean(effects, at, of);
                    let [total, direct] = [of(|part| part.total), of(|part| part.direct)];
                    let mut one = json!({"part": effects[0].parts[at].part.to_string(), "total": total, "direct": direct, "indirect": of(PartEffect::indirect)});
                    each(at, &mut one);
                    one
                };
                body["parts"] = (0..found.len()).map(part).collect();
                let repair = |effects: &Effects| {
                    let line = |line: SelfRepair| json!({"slope": line.slope, "r_squared": line.r_squared, "parts": line.n});
                    effects.self_repair().map_or(Value::Null, line)
                };
                body["self_repair"] = one_or_all(effects.iter().map(repair));
            }
            Found::Edges(edges) => {
                let edge = |at: usize| {
                    let mut one = json!({"edge": edges[0].edges[at].name(&self.model.spec), "effect": found.effect(at)});
                    if let [only] = &edges[..] {
                        one["metric"] = only.metrics[at].into();
                    }
                    each(at, &mut one);
                    one
                };
                body["edges"] = (0..found.len()).map(edge).collect();
                body["skipped"] = edges.iter().map(|one| one.n_skipped).sum::<usize>().into();
            }
        }
        body
    }

    fn table(&self, found: &Found) -> Vec<(pellucid::data::write::Heading, Vec<f64>)> {
        let all = || 0..found.len();
        let mut columns = match found {
            Found::Parts(effects) => {
                let of = |of: fn(&PartEffect) -> f64| all().map(move |at| mean(effects, at, of));
                vec![
                    words("part", effects[0].parts.iter().map(|part| part.part.to_string()).collect()),
                    numbers("total", of(|part| part.total)),
                    numbers("direct", of(|part| part.direct)),
                    numbers("indirect", of(PartEffect::indirect)),
                ]
            }
            Found::Edges(edges) => {
                let spec = &self.model.spec;
                let mut columns = vec![
                    words("from", edges[0].edges.iter().map(|edge| edge.from.to_string()).collect()),
                    words("to", edges[0].edges.iter().map(|edge| edge.to.name(spec)).collect()),
                ];
                if let [only] = &edges[..] {
                    columns.push(numbers("metric", only.metrics.iter().copied()));
                }
                columns.push(numbers("effect", all().map(|at| found.effect(at))));
                columns
            }
        };
        let n = self.prompts.len();
        if n > 2 {
            let ends: Vec<[f64; 2]> =
                all().map(|at| interval(&found.terms(at)).unwrap_or([f64::NAN; 2])).collect();
            columns.push(numbers("low", ends.iter().map(|ends| ends[0])));
            columns.push(numbers("high", ends.iter().map(|ends| ends[1])));
        }
        if n > 1 {
            for prompt in 0..n {
                let one = all().map(|at| found.terms(at)[prompt][0]);
                columns.push(numbers(&format!("effect_{}", prompt + 1), one));
            }
        }
        columns
    }

    fn subtitle(&self, found: &Found) -> String {
        let (values, run) = prompts::doing(&self.args.prompts);
        let [(own, other)] = found.ends()[..] else {
            return format!("{values} in {run} · means over {} prompts", count(self.prompts.len()));
        };
        let ends = match other {
            Some(other) => format!("{} in the run, {} in the other", pretty(own, 4), pretty(other, 4)),
            None => format!("{} in the run", pretty(own, 4)),
        };
        format!("{values} in {run} · {}: {ends}", self.prompts[0].measured())
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
    fn grid(&self, found: &Found, effects: &[Effects], what: &str, of: fn(&PartEffect) -> f64) -> PatchGrid {
        let spec = &self.model.spec;
        let mut columns = head_columns(spec.n_heads);
        columns.push("MLP".to_owned());
        let all = (0..found.len()).filter(|at| effects[0].parts[*at].part != Sender::Input);
        let terms = |at: usize| effects.iter().map(|one| [of(&one.parts[at]), 1.0]).collect::<Vec<_>>();
        let intervals: Option<Vec<[f64; 2]>> = all.clone().map(|at| interval(&terms(at))).collect();
        PatchGrid {
            site: what.to_owned(),
            subtitle: self.subtitle(found),
            rows: (0..spec.n_layers).map(|layer| format!("L{layer}")).collect(),
            columns,
            names: all.clone().map(|at| effects[0].parts[at].part.to_string()).collect(),
            differ: Vec::new(),
            effects: all.map(|at| mean(effects, at, of)).collect(),
            intervals: intervals.unwrap_or_default(),
            unit: "By how much the metric grows.".to_owned(),
            is_share: false,
            checked: Self::checked(found),
        }
    }

    fn bars(&self, found: &Found) -> Contributions {
        let what = match &self.prompts[..] {
            [only] => only.measured(),
            several => format!("the metric (mean of {} prompts)", count(several.len())),
        };
        let named = |(at, effect)| (self.name(found, at), effect);
        let parts: Vec<(String, f64)> = found.largest().into_iter().map(named).collect();
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
            Found::Parts(effects) => {
                Box::new(self.grid(found, effects, "Replacing a part", |part| part.total))
            }
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
                let of = |at: usize| {
                    let [total, direct] =
                        [mean(effects, at, |part| part.total), mean(effects, at, |part| part.direct)];
                    (at, total, direct)
                };
                let mut parts: Vec<(usize, f64, f64)> = (0..found.len()).map(of).collect();
                parts.sort_by(|a, b| b.1.abs().max(b.2.abs()).total_cmp(&a.1.abs().max(a.2.abs())));
                let row = |&(at, total, direct): &(usize, f64, f64)| {
                    let mut row = vec![effects[0].parts[at].part.to_string(), signed(total, 4)];
                    row.extend(interval(&found.terms(at)).map(between));
                    row.extend([signed(direct, 4), signed(total - direct, 4)]);
                    row
                };
                let rows: Vec<Vec<String>> = parts.iter().take(n_shown).map(row).collect();
                let has_intervals = effects.len() > 2;
                let names = ["part", "total", "95 %", "direct", "indirect"].map(str::to_owned);
                let names: Vec<String> =
                    names.into_iter().filter(|name| has_intervals || name != "95 %").collect();
                let repair = |effects: &Effects| {
                    effects.self_repair().map(|line| {
                        format!(
                            "Self-repair: over {} parts an indirect effect is {} times the direct one (R² {}); −1 would undo it.\n",
                            count(line.n),
                            signed(line.slope, 3),
                            pretty(line.r_squared, 2)
                        )
                    })
                };
                let repair = if effects.len() == 1 { repair(&effects[0]) } else { None }.unwrap_or_default();
                let left = found.len().saturating_sub(n_shown);
                let more = if left > 0 {
                    format!("{} more parts with smaller effects (--top).\n", count(left))
                } else {
                    String::new()
                };
                format!("{head}{}\n{more}{repair}{tail}", text::table(&names, &rows, columns))
            }
            Found::Edges(edges) => {
                let row = |(at, effect)| {
                    let mut row = vec![self.name(found, at), signed(effect, 4)];
                    row.extend(interval(&found.terms(at)).map(between));
                    row
                };
                let rows: Vec<Vec<String>> = found.largest().into_iter().take(n_shown).map(row).collect();
                let names = ["edge", "effect", "95 %"].map(str::to_owned);
                let names = &names[..if edges.len() > 2 { 3 } else { 2 }];
                let n_skipped: usize = edges.iter().map(|one| one.n_skipped).sum();
                let told = format!(
                    "{} edges; {} carry the same in both runs.\n",
                    count(found.len() * edges.len()),
                    count(n_skipped)
                );
                format!("{head}{}\n{told}{tail}", text::table(names, &rows, columns))
            }
        }
    }

    fn page(&self, found: &Found, context: &Context<'_>) -> Report {
        let [naive, planned] = found.costs();
        let mut facts = vec![
            ("model".to_owned(), self.args.source.model.display().to_string()),
            ("processing".to_owned(), processed(&self.model)),
        ];
        if let [only] = &self.prompts[..] {
            facts.push(("clean".to_owned(), seen(&only.clean).join(" | ")));
            facts.extend(only.corrupt.iter().map(|tokens| ("corrupt".to_owned(), seen(tokens).join(" | "))));
            facts.push(("metric".to_owned(), only.measured()));
        } else {
            facts.push(("prompts".to_owned(), count(self.prompts.len())));
        }
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
                        self.grid(found, effects, "Replacing a part", |part| part.total),
                    ),
                    section(
                        "What each part writes itself",
                        "The direct effect: nothing follows but the last norm, computed anew.",
                        self.grid(found, effects, "What a part writes itself", |part| part.direct),
                    ),
                    section(
                        "What later parts make of it",
                        "The indirect effect: the total less the direct one. Of the other sign than the direct one it is repair.",
                        self.grid(found, effects, "What follows a part", PartEffect::indirect),
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
        let mut notes = vec![
            "Effects are of these prompts, and of these values; on others they may be different.".to_owned(),
        ];
        if self.prompts.len() > 2 && matches!(found, Found::Parts(_)) {
            notes.push(INTERVALS.to_owned());
        }
        Report {
            title,
            lead: self.subtitle(found),
            facts,
            sections,
            notes,
            command: Some(context.command_line()),
        }
    }
}
