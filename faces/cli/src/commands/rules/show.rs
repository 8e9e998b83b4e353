//! `pellucid rules show RULES [DATA]`: a rule set to read.

use pellucid::laid::{Laid, LaidError, certified, over, plain, rule_table};
use pellucid::learn::certificate::format::certificate_to_json;
use pellucid::learn::certificate::{Certificate, RulesFile};
use pellucid::views::View as _;
use serde_json::json;

use super::pictures::page;
use crate::commands::{Context, print};
use crate::failure::Failure;
use crate::output::{check_distinct, write_file};
use crate::rule_args::Show;
use crate::task::read_all;

pub(crate) fn run(args: &Show, context: &Context<'_>) -> Result<u8, Failure> {
    let file = super::rules_file(&args.rules)?;
    let parts = match &args.data {
        Some(_) => Some(laid_over(&file, args, context)?),
        None => None,
    };
    if let Some(path) = &args.out {
        check_distinct(path, &[&args.rules])?;
        let Some(parts) = &parts else {
            return Err(Failure::Usage(
                "a page shows how the rules do on data: name it after the rules".to_owned(),
            ));
        };
        if path.extension().is_none_or(|ending| ending != "html") {
            return Err(Failure::Usage(format!("`{}`: rules are shown as .html", path.display())));
        }
        write_file(path, page(parts, &file, &[], Some(context.command_line())).as_bytes())?;
        context.console.done(&format!("wrote {}", path.display()));
    }
    if context.json {
        let class = |(at, certificate): (usize, &Certificate)| {
            let confusion = parts.as_ref().map(|parts| parts[at].facts.confusion);
            let rules = certificate.rules().iter().map(ToString::to_string).collect::<Vec<_>>();
            json!({"positive": certificate.universe.positive, "rules": rules, "certificate": certificate_to_json(certificate), "confusion": confusion, "own_rows": parts.as_ref().map(|parts| parts[at].is_own)})
        };
        let classes: Vec<_> = file.certificates.iter().enumerate().map(class).collect();
        return context.print_json(
            "rules_show",
            json!({"target": file.decision.target, "default": file.decision.default, "classes": classes}),
        );
    }
    if args.out.is_some() {
        return Ok(0);
    }
    let mut text = String::new();
    for (at, certificate) in file.certificates.iter().enumerate() {
        text += &match &parts {
            Some(parts) => rule_table(&parts[at], &file.decision.default).text(100),
            None => plain(certificate, &file.decision.default),
        };
        text += &format!("\n{}\n\n", certified(certificate));
    }
    print(text.trim_end_matches('\n')).and(print("\n"))
}

fn laid_over(file: &RulesFile, args: &Show, context: &Context<'_>) -> Result<Vec<Laid>, Failure> {
    let path = args.data.as_deref().unwrap_or(std::path::Path::new("-"));
    let table = read_all(path, &args.reading)?;
    let mut notes = Vec::new();
    let parts = over(file, &table, &mut notes);
    notes.iter().for_each(|note| context.console.note(note));
    parts.map_err(|error| match error {
        LaidError::Task(error) => error.into(),
        error => Failure::Input(error.to_string()),
    })
}
