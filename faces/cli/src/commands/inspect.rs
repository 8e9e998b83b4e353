//! `pellucid inspect FILE`: what a model, data or run file is.

use std::collections::HashSet;
use std::path::Path;

use pellucid::cohort::of_batch;
use pellucid::data::table::{Column, Kind};
use pellucid::files::{FileError, map, open_table};
use pellucid::learn::certificate::format::{Held, ReadError, read as certificate};
use pellucid::learn::rashomon::sets_file::{MAGIC, SetsError, SetsReader};
use pellucid::models::Predict as _;
use pellucid::models::trees::import::{Format, import};
use pellucid::models::trees::{Ensemble, FeatureKind, Tree};
use pellucid::views::number::{count, pretty};
use pellucid::views::render::text::{cut, left, right, width as width_of};
use pellucid_runs::Run;
use serde_json::{Value, json};

use super::{Context, print};
use crate::args::Inspect;
use crate::chosen::{check, chosen};
use crate::explaining::read_options;
use crate::failure::Failure;

/// More names than this are counted, not listed.
const LISTED: usize = 200;

pub(crate) fn run(args: &Inspect, context: &Context<'_>) -> Result<u8, Failure> {
    if let Some(tree) = args.tree.tree {
        return super::inspect_tree::run(tree, args, context);
    }
    // Conditions are of data: what else the file may be is not tried.
    if !args.rows.conditions.is_empty() {
        check(&args.file, &args.rows)?;
        return show_table(args, context);
    }
    if args.file.is_dir() || args.file.file_name().is_some_and(|name| name == pellucid_runs::FILE) {
        return show_run(&Run::read(&args.file)?, context);
    }
    if args.file != Path::new("-") {
        let bytes = map(&args.file)?;
        if bytes.starts_with(MAGIC) {
            return show_sets(&bytes, &args.file, context);
        }
        match certificate(&bytes) {
            Ok(held) => return show_certificate(&held, context),
            // Ours by its schema, and changed or of a later version: that is what is to be said of it.
            Err(error @ (ReadError::Digest | ReadError::Version { .. })) if is_ours(&bytes) => {
                return Err(Failure::Input(format!("{}: {error}", args.file.display())));
            }
            Err(_) => {}
        }
        let looks_like_lines = args.file.extension().is_some_and(|e| e == "jsonl" || e == "ndjson");
        if Format::sniff(&bytes).is_some() && !looks_like_lines {
            match import(&bytes) {
                Ok(model) => return show_model(&model, &args.file, context),
                // JSON may also be data, a line of it a row.
                Err(cause) if !is_table(args) => {
                    return Err(FileError::Model { path: args.file.clone(), cause }.into());
                }
                Err(_) => {}
            }
        }
    }
    show_table(args, context)
}

/// Whether a schema of rules stands at the beginning or the end, where keys in order put it.
fn is_ours(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Value>(bytes).is_ok_and(|value| {
        value["schema"].as_str().is_some_and(|schema| {
            schema.starts_with("pellucid.rules/") || schema.starts_with("pellucid.rashomon/")
        })
    })
}

fn show_certificate(held: &Held, context: &Context<'_>) -> Result<u8, Failure> {
    let line = |word: &str, text: String| format!("{} {text}\n", left(word, 12));
    let (what, universe, mut text) = match held {
        Held::Rules(file) => {
            let Some(first) = file.certificates.first() else {
                return Err(Failure::Input("the file has no class".to_owned()));
            };
            let mut text =
                line("rules", format!("for {}, written by version {}", file.decision.target, file.version));
            for (class, certificate) in file.decision.classes.iter().zip(&file.certificates) {
                let state = if certificate.is_proven() { "proven optimal" } else { "not proven optimal" };
                text += &line(
                    "class",
                    format!(
                        "{}: {} rules, objective {}, {state}",
                        class.positive,
                        class.rules.len(),
                        certificate.objective
                    ),
                );
            }
            ("rules", &first.universe, text)
        }
        Held::Count(count) => {
            let text = line(
                "count",
                format!("{} rule sets with an objective of at most {}", count.count, count.within.theta),
            );
            ("rashomon_count", &count.universe, text)
        }
        _ => return Err(Failure::Input("a kind of file that this program does not know".to_owned())),
    };
    text += &line(
        "data",
        format!(
            "{} rows, {} in weight, sha256 {}…",
            count(universe.rows as usize),
            count(universe.weight[0] as usize),
            short(&universe.hash)
        ),
    );
    text += &line(
        "searched",
        format!(
            "{} candidates, λ = {}, costs {}:{}",
            count(universe.candidates.len()),
            universe.objective.lambda,
            universe.objective.false_positive,
            universe.objective.false_negative
        ),
    );
    if context.json {
        let body = json!({"what": what, "target": universe.target, "rows": universe.rows, "candidates": universe.candidates.len(), "sha256": universe.hash});
        return context.print_json("inspect", body);
    }
    print(&text)
}

/// A file of rule sets: how many of which size, and the best one.
fn show_sets(bytes: &[u8], path: &Path, context: &Context<'_>) -> Result<u8, Failure> {
    let wrong = |error: SetsError| Failure::Input(format!("{}: {error}", path.display()));
    let mut reader = SetsReader::open(bytes).map_err(wrong)?;
    let mut sizes: Vec<u64> = Vec::new();
    let mut least: Vec<Option<(u32, Vec<u32>)>> = Vec::new();
    let mut n = 0_u64;
    while let Some((rules, errors)) = reader.next_set().map_err(wrong)? {
        if n.is_multiple_of(1 << 16) && context.console.is_interrupted() {
            return Err(Failure::Interrupted);
        }
        n += 1;
        let size = rules.len();
        sizes.resize(sizes.len().max(size + 1), 0);
        least.resize(sizes.len(), None);
        sizes[size] += 1;
        if least[size].as_ref().is_none_or(|(known, _)| errors < *known) {
            least[size] = Some((errors, rules.to_vec()));
        }
    }
    let header = reader.header();
    let best = least.into_iter().flatten().filter_map(|(errors, mut rules)| {
        rules.sort_unstable();
        Some((header.objective(rules.len(), errors)?, rules))
    });
    let best = best.min();
    let spelled = |rules: &[u32]| -> Vec<&str> {
        rules.iter().map(|&rule| header.rules[rule as usize].as_str()).collect()
    };
    if context.json {
        let by_size: serde_json::Map<String, Value> = sizes
            .iter()
            .enumerate()
            .filter(|(_, sets)| **sets > 0)
            .map(|(size, sets)| (size.to_string(), sets.to_string().into()))
            .collect();
        let best = best
            .map(|(objective, rules)| json!({"objective": objective.to_string(), "rules": spelled(&rules)}));
        return context.print_json(
            "inspect",
            json!({
                "what": "rule_sets", "count": n.to_string(), "by_size": by_size, "best": best, "target": header.target,
                "positive": header.positive, "lambda": header.lambda, "theta": header.theta, "identity": header.identity,
                "candidates": header.rules.len(),
            }),
        );
    }
    let line = |word: &str, text: String| format!("{} {text}\n", left(word, 12));
    let mut text = line("rule sets", format!("{} for {} = {}", count_of(n), header.target, header.positive));
    text += &line(
        "bound",
        format!("objective at most {}, λ = {}, identity {}", header.theta, header.lambda, header.identity),
    );
    if let Some((objective, rules)) = best {
        let rules = spelled(&rules).join("  or  ");
        let rules = if rules.is_empty() { "no rule" } else { &rules };
        text += &line("best", format!("{objective} ({}): {rules}", pretty(objective.value(), 5)));
    }
    for (size, sets) in sizes.iter().enumerate().filter(|(_, sets)| **sets > 0) {
        let rules = if size == 1 { "rule" } else { "rules" };
        text += &line(&format!("{size} {rules}"), count_of(*sets));
    }
    print(&text)
}

fn count_of(n: u64) -> String {
    count(usize::try_from(n).unwrap_or(usize::MAX))
}

fn is_table(args: &Inspect) -> bool {
    open_table(&args.file, &read_options(&args.reading)).is_ok()
}

fn show_model(model: &Ensemble, path: &Path, context: &Context<'_>) -> Result<u8, Failure> {
    let depth = model.trees.iter().map(Tree::depth).max().unwrap_or(0);
    let used = model.used_features();
    let n_used = used.iter().filter(|used| **used).count();
    let kind = |kind: &FeatureKind| match kind {
        FeatureKind::Number => "number".to_owned(),
        FeatureKind::Code => "category code".to_owned(),
        FeatureKind::Level { levels, .. } => format!("category of {}", count(levels.len())),
    };
    if context.json {
        let features: Vec<Value> = model
            .features
            .iter()
            .zip(&used)
            .map(|(f, used)| json!({"name": f.name, "kind": kind(&f.kind), "used": used}))
            .collect();
        return context.print_json(
            "inspect",
            json!({
                "what": "model", "format": model.origin.format, "library": model.origin.library,
                "version": model.origin.version, "objective": model.origin.objective,
                "outputs": model.n_outputs(), "trees": model.trees.len(), "leaves": model.n_leaves(),
                "depth": depth, "linear": model.linear.is_some(), "base_margin": model.base, "margin_unit": model.link.margin_unit(),
                "named": model.named, "covers": model.has_covers, "features": features, "notes": model.origin.notes,
            }),
        );
    }
    let mut lines = vec![
        ("model", format!("{} ({})", path.display(), model.origin.format)),
        ("version", model.origin.version.clone().unwrap_or_else(|| "not said".to_owned())),
        ("objective", format!("{}; margins are {}", model.origin.objective, model.link.margin_unit())),
        ("outputs", count(model.n_outputs())),
        (
            "made of",
            match model.linear {
                Some(_) if model.trees.is_empty() => "slopes times features".to_owned(),
                _ => format!(
                    "{} trees, {} leaves, at most {depth} deep",
                    count(model.trees.len()),
                    count(model.n_leaves())
                ),
            },
        ),
        ("base margin", model.base.iter().take(8).map(|&b| pretty(b, 6)).collect::<Vec<_>>().join(", ")),
        ("features", format!("{}, {} of them used", count(model.features.len()), count(n_used))),
    ];
    if !model.named {
        lines.push(("names", "none stored; columns are matched by position".to_owned()));
    }
    if !model.has_covers && !model.trees.is_empty() {
        lines.push((
            "covers",
            "none stored; path-dependent values are not defined, predictions are".to_owned(),
        ));
    }
    lines.extend(model.origin.notes.iter().map(|note| ("note", note.clone())));
    let mut text: String =
        lines.iter().map(|(name, value)| format!("{} {value}\n", left(name, 12))).collect();
    let width = model.features.iter().take(LISTED).map(|f| width_of(&f.name)).max().unwrap_or(0).min(48);
    for (feature, used) in model.features.iter().zip(&used).take(LISTED) {
        let unused = if *used { "" } else { ", never used" };
        text += &format!("  {} {}{unused}\n", left(&cut(&feature.name, 48), width), kind(&feature.kind));
    }
    if model.features.len() > LISTED {
        text += &format!("  and {} more (all with --json)\n", count(model.features.len() - LISTED));
    }
    print(&text)
}

/// What is known of a column after all rows.
#[derive(Default)]
struct Profile {
    missing: usize,
    low: Option<f64>,
    high: Option<f64>,
    levels: HashSet<String>,
    many_levels: bool,
}

impl Profile {
    /// More levels than this are only "more than".
    const MOST_LEVELS: usize = 10_000;

    /// Takes in these rows of a batch.
    fn add(&mut self, column: &Column, rows: &[usize]) {
        match column {
            Column::Number(values) => {
                for x in rows.iter().filter_map(|&row| values.get(row).copied()) {
                    if x.is_nan() {
                        self.missing += 1;
                        continue;
                    }
                    self.low = Some(self.low.map_or(x, |low| low.min(x)));
                    self.high = Some(self.high.map_or(x, |high| high.max(x)));
                }
            }
            Column::Category(text) => {
                let mut stands = vec![false; text.levels.len()];
                for code in rows.iter().filter_map(|&row| text.codes.get(row)) {
                    match stands.get_mut(*code as usize) {
                        Some(one) => *one = true,
                        None => self.missing += 1,
                    }
                }
                for (level, _) in text.levels.iter().zip(stands).filter(|one| one.1) {
                    self.many_levels |=
                        self.levels.len() >= Self::MOST_LEVELS && !self.levels.contains(level);
                    if !self.many_levels {
                        self.levels.insert(level.clone());
                    }
                }
            }
        }
    }

    fn summary(&self) -> String {
        match (self.low, self.high) {
            (Some(low), Some(high)) => format!("{} to {}", pretty(low, 6), pretty(high, 6)),
            _ if self.levels.is_empty() => "no values".to_owned(),
            _ => {
                let mut few: Vec<&str> = self.levels.iter().map(String::as_str).collect();
                few.sort_unstable();
                let more = if self.many_levels { "more than " } else { "" };
                format!("{more}{} values: {}", count(few.len()), cut(&few[..few.len().min(5)].join(", "), 60))
            }
        }
    }
}

fn show_table(args: &Inspect, context: &Context<'_>) -> Result<u8, Failure> {
    let path = args.file.as_path();
    let only = chosen(path, &args.reading, &args.rows, context.console)?;
    let mut reader = open_table(path, &read_options(&args.reading))?;
    let wrong = |cause| FileError::table(path, cause);
    let all = reader.schema().fields.clone();
    let readable: Vec<_> = all.iter().filter(|field| field.kind != Kind::Other).cloned().collect();
    reader.select(&readable).map_err(wrong)?;
    let mut profiles: Vec<Profile> = readable.iter().map(|_| Profile::default()).collect();
    let (mut n_rows, mut n_all) = (0, 0);
    while let Some(table) = reader.next_batch().map_err(wrong)? {
        if context.console.is_interrupted() {
            return Err(Failure::Interrupted);
        }
        let own: Vec<usize> = match &only {
            None => (0..table.n_rows()).collect(),
            Some(only) => of_batch(&only.rows, n_all, table.n_rows()),
        };
        profiles.iter_mut().zip(table.columns()).for_each(|(profile, column)| profile.add(column, &own));
        n_rows += own.len();
        n_all += table.n_rows();
    }
    let mut found = profiles.iter();
    let columns: Vec<(&str, Kind, Option<&Profile>)> = all
        .iter()
        .map(|field| {
            (field.name.as_str(), field.kind, if field.kind == Kind::Other { None } else { found.next() })
        })
        .collect();
    if context.json {
        let columns: Vec<Value> = columns
            .iter()
            .map(|(name, kind, profile)| {
                json!({
                    "name": name, "kind": kind.name(), "missing": profile.map(|p| p.missing),
                    "low": profile.and_then(|p| p.low), "high": profile.and_then(|p| p.high),
                    "levels": profile.filter(|p| !p.levels.is_empty()).map(|p| p.levels.len()),
                })
            })
            .collect();
        let words = only.map(|only| only.cohort.words());
        return context.print_json(
            "inspect",
            json!({"what": "data", "rows": n_rows, "all_rows": n_all, "where": words, "columns": columns}),
        );
    }
    let mut text = format!("{} {}\n", left("data", 12), path.display());
    let rows = match &only {
        None => format!("{} rows", count(n_rows)),
        Some(only) => {
            format!("{} of {} rows where {}", count(n_rows), count(n_all), only.cohort.words())
        }
    };
    text += &format!("{} {rows}, {} columns\n", left("shape", 12), count(all.len()));
    let width = all.iter().map(|field| width_of(&field.name)).max().unwrap_or(0).min(48);
    for (name, kind, profile) in columns {
        let missing = profile.map_or(0, |profile| profile.missing);
        let missing = if missing > 0 { format!("{} missing", count(missing)) } else { String::new() };
        let summary = profile.map_or("neither numbers nor text; can't be used".to_owned(), Profile::summary);
        let line = format!(
            "  {} {} {}  {summary}",
            left(&cut(name, 48), width),
            left(kind.name(), 9),
            right(&missing, 14)
        );
        text += line.trim_end();
        text.push('\n');
    }
    print(&text)
}

fn show_run(run: &Run, context: &Context<'_>) -> Result<u8, Failure> {
    if context.json {
        return context.print_json("inspect", json!({"what": "run", "run": run}));
    }
    let mut text =
        format!("{} {}, {} with version {}\n", left("run", 12), run.verb, run.started, run.version);
    text += &format!("{} {:.2} seconds\n", left("took", 12), run.seconds);
    for (word, files) in [("input", &run.inputs), ("output", &run.outputs)] {
        for file in files {
            let hash = file
                .sha256
                .as_deref()
                .map_or("no hash".to_owned(), |hash| format!("sha256 {}…", short(hash)));
            text += &format!("{} {} ({}), {hash}\n", left(word, 12), file.path, file.role);
        }
    }
    for (word, entries) in [("option", &run.options), ("result", &run.results)] {
        for (name, value) in entries {
            text += &format!("{} {name} = {value}\n", left(word, 12));
        }
    }
    text += &format!("{} {}\n", left("again", 12), run.command.join(" "));
    print(&text)
}

/// The beginning of a hash; whatever stands in its place may be of any letters.
fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}
