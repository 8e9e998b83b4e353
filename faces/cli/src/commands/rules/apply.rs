//! `pellucid rules predict|verify|export`: what is done with rules once they are there.

use pellucid::data::write::Heading;
use pellucid::learn::certificate::format::{Held, rules_to_json};
use pellucid::learn::certificate::verify::{self, Verdict};
use pellucid::models::rules::export;
use serde_json::json;

use crate::commands::{Context, print};
use crate::failure::Failure;
use crate::output::{Format, NewFile, TableFormat, check_distinct, table_writer, write_file};
use crate::rule_args::{Apply, Export, Language, Verify};
use crate::task::read_all;

pub(crate) fn predict(args: &Apply, context: &Context<'_>) -> Result<u8, Failure> {
    let file = super::rules_file(&args.rules)?;
    let format = match args.out.as_deref().map(Format::of).transpose()? {
        None => TableFormat::Csv,
        Some(Format::Table(format)) if format != TableFormat::Json => format,
        Some(_) => {
            return Err(Failure::Usage(
                "predictions are written as .csv .parquet .arrow or .jsonl".to_owned(),
            ));
        }
    };
    if let Some(path) = &args.out {
        check_distinct(path, &[&args.rules, &args.data])?;
    }
    let table = read_all(&args.data, &args.reading)?;
    let given = file.decision.predict(&table)?;
    let names: Vec<String> = match file.decision.classes.as_slice() {
        [_] => vec![file.decision.target.clone()],
        classes => {
            classes.iter().map(|class| format!("{}@{}", file.decision.target, class.positive)).collect()
        }
    };
    let columns: Vec<Vec<f64>> = given
        .iter()
        .map(|rows| (0..table.n_rows()).map(|row| f64::from(u8::from(rows.contains(row)))).collect())
        .collect();
    let metadata = [("pellucid.schema".to_owned(), "pellucid.predictions/1".to_owned())];
    let n_positive: Vec<usize> = given.iter().map(pellucid::data::RowSet::count).collect();
    match &args.out {
        Some(path) => {
            let (file, out) = NewFile::create(path)?;
            {
                let mut writer = table_writer(format, &out, Heading::numbers(&names), &metadata)?;
                writer.write(&columns)?;
                writer.finish()?;
            }
            drop(out);
            file.keep()?;
            context.console.done(&format!("wrote {} rows to {}", table.n_rows(), path.display()));
        }
        None if context.json => {}
        None => {
            let mut writer = table_writer(format, std::io::stdout(), Heading::numbers(&names), &metadata)?;
            writer.write(&columns)?;
            writer.finish()?;
        }
    }
    if context.json {
        let predictions = args.out.is_none().then_some(&columns);
        context.print_json(
            "rules_predict",
            json!({"rows": table.n_rows(), "columns": names, "predicted": n_positive, "output": args.out, "predictions": predictions}),
        )?;
    }
    Ok(0)
}

pub(crate) fn verify(args: &Verify, context: &Context<'_>) -> Result<u8, Failure> {
    let held = match super::held(&args.rules) {
        Ok(held) => held,
        // A file that was changed is a negative answer, not a broken input.
        Err(Failure::Input(text)) if text.contains("digest") => {
            return told(vec![Verdict::Refuted(text)], args, context);
        }
        Err(other) => return Err(other),
    };
    let table = read_all(&args.data, &args.reading)?;
    let progress = context.console.searching();
    let verdicts = match &held {
        Held::Rules(file) => verify::rules(file, &table, &progress),
        Held::Count(certificate) => vec![verify::count(certificate, &table, &progress)],
        _ => Vec::new(),
    };
    drop(progress);
    if context.console.is_interrupted() {
        return Err(Failure::Interrupted);
    }
    told(verdicts, args, context)
}

fn told(verdicts: Vec<Verdict>, args: &Verify, context: &Context<'_>) -> Result<u8, Failure> {
    let word = |verdict: &Verdict| match verdict {
        Verdict::Proven(text) => ("proven", text.clone()),
        Verdict::Refuted(text) => ("refuted", text.clone()),
        Verdict::Unproven(text) => ("unproven", text.clone()),
    };
    let proven = verdicts.iter().all(|verdict| matches!(verdict, Verdict::Proven(_)));
    let refuted = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Refuted(_)));
    let said: Vec<(&str, String)> = verdicts.iter().map(word).collect();
    if context.json {
        let list: Vec<_> = said.iter().map(|(word, text)| json!({"verdict": word, "reason": text})).collect();
        context
            .print_json("rules_verify", json!({"proven": proven, "file": args.rules, "verdicts": list}))?;
    } else {
        let lines: String = said.iter().map(|(word, text)| format!("{word}: {text}\n")).collect();
        print(&lines)?;
    }
    Ok(match (refuted, proven) {
        (true, _) => 1,
        (false, true) => 0,
        // What was checked is right, and the limit came before the rest.
        (false, false) => 4,
    })
}

pub(crate) fn export(args: &Export, context: &Context<'_>) -> Result<u8, Failure> {
    let file = super::rules_file(&args.rules)?;
    let text = match args.to {
        Language::Python => export::python(&file.decision),
        Language::Sql => export::sql(&file.decision),
        Language::Json => rules_to_json(&file),
    };
    if let Some(path) = &args.out {
        check_distinct(path, &[&args.rules])?;
        write_file(path, text.as_bytes())?;
        context.console.done(&format!("wrote {}", path.display()));
        return Ok(0);
    }
    if context.json { context.print_json("rules_export", json!({"code": text})) } else { print(&text) }
}
