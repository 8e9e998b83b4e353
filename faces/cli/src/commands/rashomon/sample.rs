//! `pellucid rashomon sample`: rule sets by chance, each with the same probability.

use pellucid::data::Control;
use pellucid::learn::rashomon::{AlmostUniform, Probed, probe, unigen};
use pellucid::views::number::pretty;
use serde_json::{Value, json};

use super::written::{HEADER, Written, format_of, line, object, shown};
use super::{Explored, explored};
use crate::commands::{Context, print};
use crate::failure::Failure;
use crate::output::write_file;
use crate::rule_args::{DrawName, Sample};
use crate::task::searching;

pub(crate) fn run(args: &Sample, context: &Context<'_>) -> Result<u8, Failure> {
    let n = args.n as usize;
    let format = args.out.as_deref().map(|path| format_of(path, &args.task.data)).transpose()?;
    if format == Some(Written::Compact) {
        return Err(Failure::Usage("a sample is written as .jsonl or .csv".to_owned()));
    }
    let progress = context.console.searching();
    let control = Control { threads: context.console.threads().0, watch: &progress };
    let how = searching(&args.task, control);
    let about = explored(&args.task, &args.bound, &how, context)?;
    if args.method != DrawName::Exact {
        if args.beta > 0.0 || args.out.is_some() {
            return Err(Failure::Usage("--beta and -o go with --method exact".to_owned()));
        }
        let seed = context.seed.unwrap_or(0);
        return match args.method {
            DrawName::Parity => {
                parity(&unigen(&about.explorer, n, args.epsilon, seed, &how)?, &about, context)
            }
            _ => tree(&probe(&about.explorer, n, seed, &how)?, &about, context),
        };
    }
    let drawn = about.explorer.sample(n, context.seed.unwrap_or(0), args.beta, &how);
    drop(progress);
    if context.console.is_interrupted() {
        return Err(Failure::Interrupted);
    }
    let drawn = drawn?;
    if let (Some(path), Some(format)) = (&args.out, format) {
        let mut text = if format == Written::Csv { HEADER.to_owned() } else { String::new() };
        drawn.members.iter().for_each(|member| text += &line(member, &about, format));
        write_file(path, text.as_bytes())?;
        context.console.done(&format!("wrote {} rule sets to {}", drawn.members.len(), path.display()));
    }
    if context.json {
        let sets: Option<Vec<Value>> =
            args.out.is_none().then(|| drawn.members.iter().map(|member| object(member, &about)).collect());
        context.print_json(
            "rashomon_sample",
            json!({
                "n": drawn.members.len(),
                "of": drawn.count.to_string(),
                "seed": drawn.seed,
                "beta": drawn.beta,
                "method": if args.beta > 0.0 { "exact, proportional to exp(-beta * objective)" } else { "exact, uniform" },
                "output": args.out,
                "sets": sets,
            }),
        )?;
    } else if args.out.is_none() {
        let lines: String = drawn.members.iter().map(|member| shown(member, &about)).collect();
        print(&lines)?;
    }
    Ok(0)
}

/// Sets drawn by parities, with their guarantee.
fn parity(drawn: &AlmostUniform, about: &Explored, context: &Context<'_>) -> Result<u8, Failure> {
    let guarantee = if drawn.exact {
        "uniform: the set is small enough to be drawn from directly".to_owned()
    } else {
        format!(
            "almost uniform: each set's probability is within a factor of {} of an equal share",
            1.0 + drawn.epsilon
        )
    };
    if context.json {
        let sets: Vec<_> = drawn
            .sets
            .iter()
            .map(|rules| json!({"ids": rules, "rules": about.prepared.spelled(rules)}))
            .collect();
        let body = json!({"n": sets.len(), "method": "UniGen", "guarantee": guarantee, "epsilon": drawn.epsilon, "exact": drawn.exact, "trials": drawn.trials, "failures": drawn.failures, "seed": drawn.seed, "sets": sets});
        return context.print_json("rashomon_sample", body);
    }
    let lines: String = drawn
        .sets
        .iter()
        .map(|rules| format!("{}\n", about.prepared.spelled(rules).join("  or  ")))
        .collect();
    print(&format!("{lines}{guarantee}; {} of {} trials failed\n", drawn.failures, drawn.trials))
}

/// Ways down the tree, with the weights that make sums over them unbiased.
fn tree(probed: &Probed, about: &Explored, context: &Context<'_>) -> Result<u8, Failure> {
    // Where no way ended in a set, the mean of their weights, 0, is no news.
    let any = probed.draws.iter().any(|draw| draw.rules.is_some());
    let (estimate, error) = (probed.estimate().filter(|_| any), probed.standard_error().filter(|_| any));
    if context.json {
        let spelled = |rules: &Option<Vec<u32>>| {
            rules.as_ref().map(|rules| json!({"ids": rules, "rules": about.prepared.spelled(rules)}))
        };
        let draws: Vec<_> = probed
            .draws
            .iter()
            .map(|draw| json!({"set": spelled(&draw.rules), "weight": draw.weight}))
            .collect();
        let body = json!({"n": draws.len(), "method": "search-tree probing", "guarantee": Probed::GUARANTEE, "count_estimate": estimate, "standard_error": error, "seed": probed.seed, "draws": draws});
        return context.print_json("rashomon_sample", body);
    }
    let mut text = String::new();
    for draw in &probed.draws {
        let rules = draw.rules.as_ref().map_or("a way that ended without a set".to_owned(), |rules| {
            about.prepared.spelled(rules).join("  or  ")
        });
        text += &format!("weight {:<12} {rules}\n", pretty(draw.weight, 4));
    }
    if !any {
        return print(&format!(
            "{text}No way ended in a set: these draws say nothing about how many there are. Draw more (-n), or count them.\n"
        ));
    }
    let shown = |value: Option<f64>| value.map_or("unknown".to_owned(), |value| pretty(value, 4));
    print(&format!(
        "{text}Weighted draws; their mean weight estimates the count: {} ± {} ({}).\n",
        shown(estimate),
        shown(error),
        Probed::GUARANTEE
    ))
}
