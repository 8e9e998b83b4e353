//! `pellucid rashomon sample`: rule sets by chance, each with the same probability.

use std::io::{BufWriter, Write};

use pellucid::data::Control;
use pellucid::learn::rashomon::{
    AlmostUniform, ApproximateError, Member, Probed, SampleError, probe, unigen,
};
use pellucid::learn::task::{Explored, member_to_json};
use pellucid::views::number::pretty;
use serde_json::{Value, json};

use super::written::{HEADER, Written, format_of, line, shown};
use super::{explored, nothing};
use crate::commands::{Context, print};
use crate::failure::Failure;
use crate::output::NewFile;
use crate::rule_args::{DrawName, Sample};
use crate::task::searching;

/// Sets that are spelled between two looks at the clock.
const PATIENCE: usize = 1024;

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
            DrawName::Parity => match unigen(&about.explorer, n, args.epsilon, seed, &how) {
                Err(ApproximateError::Empty) => Err(nothing(&about, &how)),
                drawn => parity(&drawn?, &about, context),
            },
            _ => tree(&probe(&about.explorer, n, seed, &how)?, &about, context),
        };
    }
    let drawn = about.explorer.sample(n, context.seed.unwrap_or(0), args.beta, &how);
    let drawn = match drawn {
        Err(SampleError::Empty) => return Err(nothing(&about, &how)),
        other => other?,
    };
    drop(progress);
    let mut sets = drawn.members.iter();
    // Spelling millions of sets takes longer than drawing them.
    let mut goes_on = || {
        if context.console.is_out_of_time() || context.console.is_interrupted() {
            return Err(Failure::Limit(
                "a limit was reached while the sample was written; nothing was kept".to_owned(),
            ));
        }
        let some: Vec<&Member> = sets.by_ref().take(PATIENCE).collect();
        Ok(Some(some).filter(|some| !some.is_empty()))
    };
    if let (Some(path), Some(format)) = (&args.out, format) {
        let (file, out) = NewFile::create(path)?;
        let mut out = BufWriter::new(out);
        if format == Written::Csv {
            out.write_all(HEADER.as_bytes())?;
        }
        while let Some(some) = goes_on()? {
            for member in some {
                out.write_all(line(member, &about, format).as_bytes())?;
            }
        }
        out.flush()?;
        drop(out);
        file.keep()?;
        context.console.done(&format!("wrote {} rule sets to {}", drawn.members.len(), path.display()));
    }
    if context.json {
        let mut sets: Option<Vec<Value>> = args.out.is_none().then(Vec::new);
        if let Some(sets) = &mut sets {
            while let Some(some) = goes_on()? {
                sets.extend(some.into_iter().map(|member| member_to_json(member, &about)));
            }
        }
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
        let mut lines = String::new();
        while let Some(some) = goes_on()? {
            lines.extend(some.into_iter().map(|member| shown(member, &about)));
        }
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
            .map(|rules| json!({"ids": rules, "rules": about.task.spelled(rules)}))
            .collect();
        let body = json!({"n": sets.len(), "method": "UniGen", "guarantee": guarantee, "epsilon": drawn.epsilon, "exact": drawn.exact, "trials": drawn.trials, "failures": drawn.failures, "seed": drawn.seed, "sets": sets});
        return context.print_json("rashomon_sample", body);
    }
    let lines: String =
        drawn.sets.iter().map(|rules| format!("{}\n", about.task.spelled(rules).join("  or  "))).collect();
    print(&format!("{lines}{guarantee}; {} of {} trials failed\n", drawn.failures, drawn.trials))
}

/// Ways down the tree, with the weights that make sums over them unbiased.
fn tree(probed: &Probed, about: &Explored, context: &Context<'_>) -> Result<u8, Failure> {
    // Where no way ended in a set, the mean of their weights, 0, is no news.
    let any = probed.draws.iter().any(|draw| draw.rules.is_some());
    let (estimate, error) = (probed.estimate().filter(|_| any), probed.standard_error().filter(|_| any));
    if context.json {
        let spelled = |rules: &Option<Vec<u32>>| {
            rules.as_ref().map(|rules| json!({"ids": rules, "rules": about.task.spelled(rules)}))
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
            about.task.spelled(rules).join("  or  ")
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
