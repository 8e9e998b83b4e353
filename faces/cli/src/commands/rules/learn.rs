//! `pellucid rules learn DATA --target COL`: the best rule set, and a proof of how good it is.

use std::time::Instant;

use pellucid::data::{Control, Ratio};
use pellucid::learn::certificate::format::{certificate_to_json, rules_to_json};
use pellucid::learn::certificate::{Certificate, Conditions, RulesFile};
use pellucid::learn::optimal::Bounds;
use pellucid::models::rules::{ClassRules, Decision};
use pellucid::views::number::count;
use serde_json::{Value, json};

use super::pictures::{Laid, certified, rule_table};
use crate::commands::{Context, VERSION, print};
use crate::failure::Failure;
use crate::output::{check_distinct, write_file};
use crate::rule_args::{Learn, Task};
use crate::task::{Prepared, position, prepare_table, read_all, searching, values};

/// One class that was learned.
struct Learned {
    prepared: Prepared,
    certificate: Certificate,
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
    for name in &args.require {
        if args.task.drop.contains(name) {
            return Err(Failure::Input(format!(
                "column `{name}` is required and dropped: these constraints contradict each other"
            )));
        }
    }
    let table = read_all(&args.task.data, &args.task.reading)?;
    let target = position(&table, &args.task.target, "the target")?;
    let mut tasks: Vec<Task> = vec![args.task.clone()];
    let mut default = None;
    if args.one_vs_rest {
        let mut classes = values(&table.columns()[target]);
        classes.sort_by(|a, b| a.1.cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
        if classes.len() > 64 {
            return Err(Failure::Input(format!(
                "target `{}` has {} values; at most 64 classes are learned",
                args.task.target,
                classes.len()
            )));
        }
        // The most frequent class is what is left.
        default = classes.pop().map(|(value, _)| value);
        tasks = classes
            .into_iter()
            .map(|(value, _)| Task { positive: Some(value), ..args.task.clone() })
            .collect();
    }
    let mut learned = Vec::new();
    for task in &tasks {
        learned.push(one(args, task, table.clone(), context)?);
    }
    let Some(first) = learned.first() else {
        return Err(Failure::Input(format!("target `{}` has no two values", args.task.target)));
    };
    let file = RulesFile {
        decision: Decision {
            target: args.task.target.clone(),
            default: default.unwrap_or_else(|| first.prepared.default.clone()),
            classes: learned
                .iter()
                .map(|one| ClassRules {
                    positive: one.prepared.positive.clone(),
                    rules: one.certificate.rules(),
                })
                .collect(),
        },
        certificates: learned.iter().map(|one| one.certificate.clone()).collect(),
        version: VERSION.to_owned(),
    };
    let proven = file.certificates.iter().all(Certificate::is_proven);
    if let Some(path) = &args.out {
        let is_html = path.extension().is_some_and(|ending| ending == "html");
        let text = if is_html { page(&learned, &file, args, context) } else { rules_to_json(&file) };
        write_file(path, text.as_bytes())?;
        context.console.done(&format!("wrote {}", path.display()));
    }
    if context.json {
        context.print_json("rules_learn", to_json(&learned, &file, args))?;
    } else if args.out.is_none() {
        let mut text = String::new();
        for one in &learned {
            text += &said(one, &file);
        }
        print(&text)?;
    }
    Ok(if proven { 0 } else { 4 })
}

fn one(
    args: &Learn,
    task: &Task,
    table: pellucid::data::Table,
    context: &Context<'_>,
) -> Result<Learned, Failure> {
    let progress = context.console.searching();
    let prepared = prepare_table(task, table, context.console, &progress)?;
    for name in &args.require {
        position(&prepared.table, name, "the required column")?;
        if *name == task.target {
            return Err(Failure::Input(format!("`{name}` is the target: no rule can use it")));
        }
    }
    let conditions = Conditions {
        max_size: args.max_size.map(|most| most as u64),
        max_total_conditions: args.max_total_conditions,
        required: args.require.clone(),
        not_empty: args.exclude_empty,
    };
    let control = Control { threads: context.console.threads().0, watch: &progress };
    let (mut trail, start) = (Vec::new(), Instant::now());
    let mut told = |bounds: Bounds| {
        let upper = bounds.upper.map(|upper| upper.to_string());
        trail.push(json!({"seconds": start.elapsed().as_secs_f64(), "lower_bound": bounds.lower.to_string(), "objective": upper, "nodes": bounds.nodes}));
    };
    let optimum = pellucid::learn::learn(
        &prepared.instance,
        &prepared.objective,
        &conditions.constraints(&prepared.rules),
        &searching(task, control),
        &mut told,
    )?;
    drop(progress);
    if context.console.is_interrupted() {
        return Err(Failure::Interrupted);
    }
    let certificate = Certificate::of(prepared.universe(task), conditions, &prepared.instance, &optimum);
    Ok(Learned { prepared, certificate, trail, seconds: start.elapsed().as_secs_f64() })
}

/// A learned set over the rows that it was learned from.
fn laid(one: &Learned) -> Laid {
    let rows = one.prepared.rows(&one.certificate.chosen);
    let (label, weights) = (one.prepared.instance.label(), one.prepared.instance.weights());
    let facts = pellucid::learn::describe::describe(&rows, label, weights);
    Laid { certificate: one.certificate.clone(), facts, is_own: true }
}

fn said(one: &Learned, file: &RulesFile) -> String {
    let Certificate { universe, .. } = &one.certificate;
    let view = rule_table(&laid(one), &file.decision.default);
    let searched = format!(
        "Searched all sets of {} candidate rules over {} rows ({} distinct rules); {} nodes in {:.1} s.\n",
        count(universe.candidates.len()),
        count(universe.rows as usize),
        count(one.prepared.instance.columns().iter().collect::<std::collections::HashSet<_>>().len()),
        count(one.certificate.nodes as usize),
        one.seconds
    );
    format!(
        "{}\n{}\n{searched}\n",
        pellucid::views::View::text(&view, 100).trim_end(),
        certified(&one.certificate)
    )
}

fn page(learned: &[Learned], file: &RulesFile, args: &Learn, context: &Context<'_>) -> String {
    let parts: Vec<Laid> = learned.iter().map(laid).collect();
    let mut warnings = args.task.note.clone();
    warnings.extend(learned.iter().flat_map(|one| one.prepared.warnings.clone()));
    super::pictures::page(&parts, file, &warnings, Some(context.command_line()))
}

fn to_json(learned: &[Learned], file: &RulesFile, args: &Learn) -> Value {
    let class = |one: &Learned| {
        json!({
            "positive": one.prepared.positive,
            "rules": one.prepared.spelled(&one.certificate.chosen),
            "certificate": certificate_to_json(&one.certificate),
            "candidates_found": one.prepared.mined.n_found,
            "seconds": one.seconds,
            "trail": one.trail,
            "warnings": one.prepared.warnings,
        })
    };
    let mut classes: Vec<Value> = learned.iter().map(class).collect();
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
