//! `pellucid rashomon count`: how many rule sets are nearly as good?

use num_bigint::BigUint;
use pellucid::data::Control;
use pellucid::good_sets::{map, share, uses};
use pellucid::learn::certificate::CountCertificate;
use pellucid::learn::certificate::format::count_to_json as certified;
use pellucid::learn::rashomon::{Counted, Estimate, approximate_count};
use pellucid::learn::task::{Explored, count_to_json, estimate_to_json, guarantee};
use pellucid::views::View;
use pellucid::views::number::{digits, pretty};
use pellucid::views::render::{html, png, svg};
use pellucid::views::report::{Report, Section};
use serde_json::Value;

use super::{empty, explored};
use crate::commands::{Context, print};
use crate::failure::Failure;
use crate::output::{check_distinct, write_file};
use crate::rule_args::Count;
use crate::task::searching;

pub(crate) fn run(args: &Count, context: &Context<'_>) -> Result<u8, Failure> {
    let ending = args.out.as_deref().map(|path| {
        check_distinct(path, &[&args.task.data])?;
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        if ["json", "html", "svg", "png"].contains(&ending.as_str()) {
            return Ok(ending);
        }
        Err(Failure::Usage(format!(
            "`{}`: a count is written as .json, its map as .html .svg .png",
            path.display()
        )))
    });
    let ending = ending.transpose()?;
    let progress = context.console.searching();
    let control = Control { threads: context.console.threads().0, watch: &progress };
    let how = searching(&args.task, control);
    let about = explored(&args.task, &args.bound, &how, context)?;
    if args.approximate {
        let estimate =
            approximate_count(&about.explorer, args.epsilon, args.delta, context.seed.unwrap_or(0), &how)?;
        drop(progress);
        return estimated(&about, &estimate, context);
    }
    let (found, known_best) = about.counted(&how)?;
    if context.console.is_interrupted() {
        return Err(Failure::Interrupted);
    }
    drop(progress);
    if let (Some(path), Some(ending)) = (&args.out, ending.as_deref()) {
        match ending {
            "json" if !found.is_exact() => {
                return Err(Failure::Limit(format!(
                    "a limit was reached at {} sets: only an exact count is certified; nothing was written",
                    found.count
                )));
            }
            "json" => {
                let certificate = CountCertificate {
                    universe: about.task.universe(),
                    within: about.within,
                    count: found.count.clone(),
                    by_size: found.by_size.clone(),
                };
                write_file(path, certified(&certificate).as_bytes())?;
            }
            "svg" => write_file(path, svg::file(&map(&about, &found).scene(860.0)).as_bytes())?,
            "png" => {
                let scene = map(&about, &found).scene(860.0);
                let bytes = png::file(&scene, pellucid::views::theme::Mode::Light, 2.0);
                write_file(path, &bytes.map_err(|error| Failure::Usage(error.to_string()))?)?;
            }
            _ => write_file(path, page(&about, &found, args, context).as_bytes())?,
        }
        context.console.done(&format!("wrote {}", path.display()));
    }
    let text = said(&about, &found, known_best, args);
    if context.json {
        context.print_json("rashomon_count", to_json(&about, &found, known_best, args))?;
    } else if args.out.is_none() {
        print(&text)?;
    }
    Ok(if found.is_exact() { 0 } else { 4 })
}

/// An estimate, with its guarantee beside it.
fn estimated(about: &Explored, estimate: &Estimate, context: &Context<'_>) -> Result<u8, Failure> {
    if context.json {
        return context.print_json("rashomon_count", estimate_to_json(about, estimate));
    }
    let about_how_many = if estimate.exact { "" } else { "About " };
    print(&format!(
        "{about_how_many}{} rule sets have an objective of at most {}; {}.\n",
        digits(&estimate.count.to_string()),
        about.within.theta,
        guarantee(estimate)
    ))
}

fn by_size(found: &Counted) -> Vec<(usize, &BigUint)> {
    found.by_size.iter().enumerate().filter(|(_, sets)| **sets != BigUint::ZERO).collect()
}

fn said(about: &Explored, found: &Counted, best: Option<pellucid::data::Ratio>, args: &Count) -> String {
    let theta = about.within.theta;
    let mut text = match &found.at_most {
        None if found.count == BigUint::ZERO => {
            return format!("{}\n", empty(about, best));
        }
        None => format!(
            "{} rule sets have an objective of at most {theta} ({}); exact.\n",
            digits(&found.count.to_string()),
            pretty(theta.value(), 5)
        ),
        Some(most) => format!(
            "Between {} and {} rule sets have an objective of at most {theta}; the search was stopped.\n",
            digits(&found.count.to_string()),
            digits(&most.to_string())
        ),
    };
    if let Some(best) = best {
        // An identity that looks at every set counts none.
        let nodes = if found.nodes > 0 { format!(", {} nodes", found.nodes) } else { String::new() };
        text += &format!(
            "{} {best} ({}), λ = {}, {} candidate rules{nodes}.\n",
            if found.is_exact() { "Best objective" } else { "Best objective so far" },
            pretty(best.value(), 5),
            args.task.lambda,
            about.task.rules.len(),
        );
    }
    if found.by_size.is_empty() {
        return text + "Of which sizes and with which rules is not certain before the end.\n";
    }
    text += "\nBy number of rules\n";
    for (size, sets) in by_size(found) {
        text += &format!("{size:>5}  {}\n", digits(&sets.to_string()));
    }
    for (heading, all) in
        ["\nFeatures in the sets\n", "\nRules in the sets\n"].into_iter().zip(about.uses(found))
    {
        text += heading;
        for (name, sets) in all.iter().take(12) {
            text += &format!("{:>6.1} %  {name}\n", 100.0 * share(sets, &found.count));
        }
        if all.len() > 12 {
            text += &format!("          {} others\n", all.len() - 12);
        }
    }
    text
}

fn to_json(about: &Explored, found: &Counted, best: Option<pellucid::data::Ratio>, args: &Count) -> Value {
    let mut body = count_to_json(about, found, best);
    body["output"] = args.out.as_deref().map(|path| path.display().to_string()).into();
    body
}

fn page(about: &Explored, found: &Counted, args: &Count, context: &Context<'_>) -> String {
    let [features, rules] = uses(about, found);
    let map = map(about, found);
    let report = Report {
        title: map.title.clone(),
        lead: format!(
            "The objective is the share of errors plus λ for each rule; θ = {}. {}",
            about.within.theta,
            if found.is_exact() {
                "All of them are counted."
            } else {
                "The search was stopped: there may be more."
            }
        ),
        facts: vec![
            ("target".to_owned(), format!("{} = {}", args.task.target, about.task.positive)),
            ("λ, θ".to_owned(), format!("{}, {}", args.task.lambda, about.within.theta)),
            ("candidates".to_owned(), about.task.rules.len().to_string()),
            ("count".to_owned(), found.count.to_string()),
        ],
        sections: vec![
            Section {
                heading: "How many, how large, how good?".to_owned(),
                intro: String::new(),
                figures: vec![(Box::new(map), false)],
            },
            Section {
                heading: "What do they use?".to_owned(),
                intro: "A feature that every good set uses can't be done without; one that few use can."
                    .to_owned(),
                figures: vec![
                    (Box::new(features) as Box<dyn View>, true),
                    (Box::new(rules) as Box<dyn View>, true),
                ],
            },
        ],
        notes: args.task.note.iter().chain(&about.task.warnings).cloned().collect(),
        command: Some(context.command_line()),
    };
    html::page(&report)
}
