//! `pellucid rules learn DATA --target COL`: the best rule set, and a proof of how good it is.

use std::time::Instant;

use pellucid::data::{Control, Ratio};
use pellucid::laid::{Laid, certified, of_learned, rule_table};
use pellucid::learn::certificate::format::{certificate_to_json, rules_to_json};
use pellucid::learn::certificate::{Certificate, Conditions, RulesFile};
use pellucid::learn::optimal::Bounds;
use pellucid::learn::task::{
    Learned, TaskError, TaskOptions, check_required, learned, one_vs_rest, position, rules_file,
};
use pellucid::views::number::count;
use serde_json::{Value, json};

use crate::commands::{Context, VERSION, print};
use crate::failure::Failure;
use crate::output::{check_distinct, write_file};
use crate::rule_args::Learn;
use crate::task::{options, prepare, read_all, searching};

/// One class that was learned, and how that went.
struct Told {
    learned: Learned,
    trail: Vec<Value>,
    seconds: f64,
}

pub(crate) fn run(args: &Learn, context: &Context<'_>) -> Result<u8, Failure> {
    if let Some(path) = &args.out {
        check_distinct(path, &[&args.task.data])?;
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        if !matches!(ending.as_deref(), Some("json" | "html")) {
            return Err(Failure::Usage(format!("`{}`: rules are written as .json or .html", path.display())));
        }
    }
    let options = options(&args.task);
    let conditions = Conditions {
        max_size: args.max_size.map(|most| most as u64),
        max_total_conditions: args.max_total_conditions,
        required: args.require.clone(),
        not_empty: args.exclude_empty,
    };
    check_required(&options, &conditions)?;
    let table = read_all(&args.task.data, &args.task.reading)?;
    position(&table, &options.target, "the target")?;
    let (tasks, default) = if args.one_vs_rest {
        let (tasks, default) = one_vs_rest(&table, &options)?;
        (tasks, Some(default))
    } else {
        (vec![options], None)
    };
    let mut told = Vec::new();
    for task in &tasks {
        told.push(one(args, task, &conditions, table.clone(), context)?);
    }
    let learned: Vec<&Learned> = told.iter().map(|one| &one.learned).collect();
    let file = rules_file(&learned, default, VERSION)
        .ok_or_else(|| TaskError::NoTwoValues { target: args.task.target.clone() })?;
    let proven = file.certificates.iter().all(Certificate::is_proven);
    if let Some(path) = &args.out {
        let is_html = path.extension().is_some_and(|ending| ending == "html");
        let text = if is_html { page(&told, &file, args, context) } else { rules_to_json(&file) };
        write_file(path, text.as_bytes())?;
        context.console.done(&format!("wrote {}", path.display()));
    }
    if context.json {
        context.print_json("rules_learn", to_json(&told, &file, args))?;
    } else if args.out.is_none() {
        let mut text = String::new();
        for one in &told {
            text += &said(one, &file);
        }
        print(&text)?;
    }
    Ok(if proven { 0 } else { 4 })
}

fn one(
    args: &Learn,
    options: &TaskOptions,
    conditions: &Conditions,
    table: pellucid::data::Table,
    context: &Context<'_>,
) -> Result<Told, Failure> {
    let progress = context.console.searching();
    let task = prepare(options, table, context.console, &progress)?;
    task.check(conditions)?;
    let control = Control { threads: context.console.threads().0, watch: &progress };
    let (mut trail, start) = (Vec::new(), Instant::now());
    let mut told = |bounds: Bounds| {
        let upper = bounds.upper.map(|upper| upper.to_string());
        trail.push(json!({"seconds": start.elapsed().as_secs_f64(), "lower_bound": bounds.lower.to_string(), "objective": upper, "nodes": bounds.nodes}));
    };
    let learned = learned(task, conditions.clone(), &searching(&args.task, control), &mut told)?;
    drop(progress);
    if context.console.is_interrupted() {
        return Err(Failure::Interrupted);
    }
    Ok(Told { learned, trail, seconds: start.elapsed().as_secs_f64() })
}

fn said(one: &Told, file: &RulesFile) -> String {
    let Learned { task, certificate } = &one.learned;
    let universe = &certificate.universe;
    let view = rule_table(&of_learned(&one.learned), &file.decision.default);
    let searched = format!(
        "Searched all sets of {} candidate rules over {} rows ({} distinct rules); {} nodes in {:.1} s.\n",
        count(universe.candidates.len()),
        count(universe.rows as usize),
        count(task.instance.columns().iter().collect::<std::collections::HashSet<_>>().len()),
        count(certificate.nodes as usize),
        one.seconds
    );
    format!(
        "{}\n{}\n{searched}\n",
        pellucid::views::View::text(&view, 100).trim_end(),
        certified(certificate)
    )
}

fn page(told: &[Told], file: &RulesFile, args: &Learn, context: &Context<'_>) -> String {
    let parts: Vec<Laid> = told.iter().map(|one| of_learned(&one.learned)).collect();
    let mut warnings = args.task.note.clone();
    warnings.extend(told.iter().flat_map(|one| one.learned.task.warnings.clone()));
    super::pictures::page(&parts, file, &warnings, Some(context.command_line()))
}

fn to_json(told: &[Told], file: &RulesFile, args: &Learn) -> Value {
    let class = |one: &Told| {
        let Learned { task, certificate } = &one.learned;
        json!({
            "positive": task.positive,
            "rules": task.spelled(&certificate.chosen),
            "certificate": certificate_to_json(certificate),
            "candidates_found": task.mined.n_found,
            "seconds": one.seconds,
            "trail": one.trail,
            "warnings": task.warnings,
        })
    };
    let mut classes: Vec<Value> = told.iter().map(class).collect();
    let mut body = json!({
        "target": file.decision.target,
        "default": file.decision.default,
        "output": args.out,
        "lambda": args.task.lambda.to_string(),
        "proven": file.certificates.iter().all(Certificate::is_proven),
        "gap": file.certificates.iter().map(|c| c.objective.minus(c.lower_bound).unwrap_or(Ratio::ZERO)).max().map(|gap| gap.to_string()),
    });
    if args.one_vs_rest {
        body["decision"] =
            "one against the rest, in this order; the first class whose rules hold is predicted".into();
        body["classes"] = classes.into();
    } else if let (Some(Value::Object(one)), Value::Object(body)) = (classes.pop(), &mut body) {
        body.extend(one);
    }
    body
}
