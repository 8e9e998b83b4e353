//! What moves the model, over all rows?

use std::sync::Arc;

use pellucid::cohort::Cohort;
use pellucid::explain::Kind;
use pellucid::views::number::count;
use pellucid::views::report::{finding, lead};
use pellucid::views::{Subject, bar, beeswarm, decision, heatmap, scatter};
use serde_json::{Value, json};

use super::{first_pair, named, output, outputs, titled};
use crate::address::Address;
use crate::cohort::{chosen, in_words, python, told};
use crate::failure::{Code, Failure, hint};
use crate::figure::figure;
use crate::memo::Found;
use crate::workbench::{Answer, Workbench};

/// Features of a picture.
pub(super) const TOP: usize = 15;
/// Features whose dependence goes into an export.
pub(super) const FROZEN: usize = 6;

pub(super) fn page(workbench: &Workbench) -> Option<(&'static str, Vec<(&'static str, String)>)> {
    live(workbench).or_else(|| super::saved::start(workbench).map(|start| ("global", start)))
}

/// The page of a model and a table.
pub(super) fn live(workbench: &Workbench) -> Option<(&'static str, Vec<(&'static str, String)>)> {
    Some(("global", first_pair(workbench)?))
}

pub(super) fn answer(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    if address.one("explanation")?.is_some() {
        return super::saved::answer(workbench, address);
    }
    address.only(&["model", "data", "output", "space", "feature", "where"])?;
    let paired = match workbench.paired(address)? {
        Found::Ready(paired) => paired,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    let output = output(address, &paired.model)?;
    super::row::space(address)?;
    let only = match chosen(workbench, address)? {
        Found::Ready(only) => only,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    if let Some(only) = only.as_ref() {
        only.check(paired.rows.n_rows())?;
    }
    let explained = match workbench.explained(address, &paired, only.as_ref().as_ref())? {
        Found::Ready(explained) => explained,
        Found::Working(job) => return Ok(Answer::Working(job)),
    };
    let (thing, table) = (workbench.model(address)?.0, workbench.table(address)?);
    let subject = titled(explained.sample.subject(&paired.model, output), thing);
    let feature = feature_of(address, &subject)?;
    let n = subject.totals.n_rows;
    let reading = workbench.spelled(table);
    let has_background = paired.has_background();
    let (background, background_text) = if has_background {
        (format!(" --background {}", named(&table.source).0), format!(", {}", named(&table.source).1))
    } else {
        (String::new(), String::new())
    };
    let (class, plotted) = if paired.model.base.len() > 1 {
        (format!(" --class {output}"), format!("output={output}"))
    } else {
        (String::new(), String::new())
    };
    let mut notes = [paired.notes.as_slice(), explained.notes.as_slice()].concat();
    let (model_name, model_text) = named(&thing.source);
    let (data_name, data_text) = named(&table.source);
    let cohort = only.as_ref().as_ref().map(|only| &only.cohort);
    // Python takes a file as it is, or some rows of a frame.
    let python = match cohort.map(|cohort| (cohort, super::data::frame(workbench, table))) {
        None => Some((String::new(), data_text)),
        Some((cohort, frame)) => {
            notes.push(some_rows(cohort, n, frame.is_some()));
            let rows = python(cohort);
            frame.map(|frame| (format!("import pandas as pd\n\n{frame}{rows}\n"), "data".to_owned()))
        }
    };
    let python = python.map(|(rows, data)| {
        format!(
            "{rows}import pellucid as pel\n\nexplanation = pel.TreeExplainer({model_text}{background_text}{})({data})\nexplanation.plot.beeswarm({plotted})\n", reading.python
        )
    });
    Ok(Answer::Ready(json!({
        "schema": "pellucid.workbench.global/1", "model": thing.id, "data": table.id, "n_rows": n, "n_all": paired.rows.n_rows(), "where": cohort.map_or(Vec::new(), told), "n_shown": subject.n_shown(),
        "outputs": outputs(&paired.model), "output": output, "spaces": ["margin"], "space": "margin", "unit": subject.unit, "answer_unit": if subject.probabilities.is_some() { "probability" } else { subject.unit.as_str() }, "base": subject.base,
        "worst_residual": finite(subject.totals.worst_residual), "exact": subject.kind == Kind::Shapley, "method": subject.method,
        "words": [finding(&subject), lead(&subject)],
        "features": importances(&subject),
        "feature": subject.features[feature].name,
        "bar": figure("importance", &bar::bar(&subject, TOP)), "beeswarm": figure("beeswarm", &beeswarm::beeswarm(&subject, TOP)),
        "dependence": figure("dependence", &scatter::scatter(&subject, feature)), "heatmap": figure("heatmap", &heatmap::heatmap(&subject, TOP)),
        "decision": figure("decision", &decision::decision(&subject, TOP)), "typical": typical(&subject),
        "command": format!(
            "pellucid explain {model_name} {data_name}{background}{class}{}{} -o report.html", reading.words, cohort.map_or(String::new(), in_words)
        ),
        "python": python,
        "notes": notes,
    })))
}

/// Which rows are meant, and whether there is no Python that takes them.
fn some_rows(cohort: &Cohort, n: usize, has_python: bool) -> String {
    let python = if has_python {
        ""
    } else {
        "; there is no Python here, since pandas does not read the file as it is read here"
    };
    format!("only the {} rows where {} are explained{python}", count(n), cohort.words())
}

/// A number, or nothing where JSON has none.
pub(super) fn finite(x: f64) -> Value {
    if x.is_finite() { x.into() } else { Value::Null }
}

/// The feature whose dependence is drawn: of the address, or the most important one.
pub(super) fn feature_of(address: &Address, subject: &Subject) -> Result<usize, Failure> {
    match address.one("feature")? {
        None => Ok(subject.by_importance().first().copied().unwrap_or(0)),
        Some(name) => subject.feature(name).map(|id| id.index()).ok_or_else(|| {
            let hint = hint(name, subject.features.iter().map(|feature| feature.name.as_str()));
            Failure::new(Code::NotFound, format!("the model has no feature `{name}`{hint}"))
        }),
    }
}

/// What each feature moves over all rows, most important first.
pub(super) fn importances(subject: &Subject) -> Vec<Value> {
    let n = subject.totals.n_rows;
    let mut by_size: Vec<usize> = (0..subject.features.len()).collect();
    by_size
        .sort_by(|&a, &b| subject.totals.absolute[b].total_cmp(&subject.totals.absolute[a]).then(a.cmp(&b)));
    let of_feature = |&at: &usize| {
        let mean = subject.totals.signed[at] / n.max(1) as f64;
        json!({"name": subject.features[at].name, "mean_absolute": subject.totals.mean_absolute(at), "mean": mean})
    };
    by_size.iter().map(of_feature).collect()
}

/// The rows shown with the lowest, the middle and the highest answer.
pub(super) fn typical(subject: &Subject) -> Vec<Value> {
    let answers = subject.probabilities.as_ref().unwrap_or(&subject.margins);
    let mut order: Vec<usize> = (0..answers.len()).collect();
    order.sort_by(|&a, &b| answers[a].total_cmp(&answers[b]).then(a.cmp(&b)));
    let picks = [("lowest", 0), ("median", order.len() / 2), ("highest", order.len().saturating_sub(1))];
    let of = |(which, at): (&str, usize)| {
        let &shown = order.get(at)?;
        Some(json!({"row": subject.rows[shown], "answer": finite(answers[shown]), "which": which}))
    };
    picks.into_iter().filter_map(of).collect()
}

pub(super) fn frozen(workbench: &Arc<Workbench>) -> Result<Vec<Address>, Failure> {
    let Some(first) = super::beginning("/api/global", live(workbench)) else { return Ok(Vec::new()) };
    let answer = crate::export::waited(workbench, &first)?;
    let features =
        answer["features"].as_array().into_iter().flatten().filter_map(|feature| feature["name"].as_str());
    let others: Vec<Address> = features.take(FROZEN).map(|name| first.with("feature", name)).collect();
    Ok(std::iter::once(first).chain(others).collect())
}
