//! What goes on one page? What the model is, how it was explained, what is left unexplained, and the
//! pictures people look at first, in that order.

use pellucid_explain::Kind;

use crate::number::{count, pretty, residual};
use crate::subject::{Subject, answer_word};
use crate::{View, bar, beeswarm, decision, force, heatmap, scatter, waterfall};

/// A page.
pub struct Report {
    /// Its title: the finding.
    pub title: String,
    /// A sentence or two below it.
    pub lead: String,
    /// What and how, as pairs.
    pub facts: Vec<(String, String)>,
    /// Groups of pictures.
    pub sections: Vec<Section>,
    /// How to read it, and what it does not say.
    pub notes: Vec<String>,
    /// The command that makes it again.
    pub command: Option<String>,
}

/// Pictures under one heading.
pub struct Section {
    /// The question.
    pub heading: String,
    /// A sentence before the pictures.
    pub intro: String,
    /// The pictures; `true` where two of them stand side by side.
    pub figures: Vec<(Box<dyn View>, bool)>,
}

/// What an answer is missing in a report with several outputs.
fn output_suffix(subject: &Subject) -> String {
    subject.output.as_ref().map_or(String::new(), |name| format!(" · {name}"))
}

/// The sections of one explained output: global, rows, features.
#[must_use]
pub fn sections(subject: &Subject, row: Option<usize>) -> Vec<Section> {
    let suffix = output_suffix(subject);
    let answer = answer_word(&subject.unit);
    if let Some(row) = row {
        // One row says nothing of the model at large.
        return vec![Section {
            heading: format!("Why this row came out as it did{suffix}"),
            intro: format!(
                "Each step adds what the model made of one feature, from the base to the {answer}."
            ),
            figures: vec![
                (Box::new(waterfall::waterfall(subject, row, 20)), false),
                (Box::new(force::force(subject, row)), false),
            ],
        }];
    }
    let mut sections = Vec::new();
    let global: Vec<(Box<dyn View>, bool)> =
        vec![(Box::new(bar::bar(subject, 12)), false), (Box::new(beeswarm::beeswarm(subject, 12)), false)];
    sections.push(Section {
        heading: format!("What moves the model{suffix}"),
        intro: "Size first, then direction: each strip shows where the values fall and whether high or low values of \
                the feature push the output up."
            .to_owned(),
        figures: global,
    });
    let rows = typical_rows(subject);
    let mut figures: Vec<(Box<dyn View>, bool)> = rows
        .iter()
        .map(|&row| (Box::new(waterfall::waterfall(subject, row, 10)) as Box<dyn View>, false))
        .collect();
    if let Some(&last) = rows.last() {
        figures.push((Box::new(force::force(subject, last)), false));
    }
    sections.push(Section {
        heading: format!("Why single rows came out as they did{suffix}"),
        intro: format!("The lowest, the median and the highest {answer} of the rows shown."),
        figures,
    });
    let features: Vec<usize> = subject.by_importance().into_iter().take(6).collect();
    sections.push(Section {
        heading: format!("What the strongest features do, by their value{suffix}"),
        intro: "Same rows, one picture a feature, each on a scale of its own.".to_owned(),
        figures: features
            .iter()
            .map(|&f| (Box::new(scatter::scatter(subject, f)) as Box<dyn View>, true))
            .collect(),
    });
    sections.push(Section {
        heading: format!("All rows at once{suffix}"),
        intro: String::new(),
        figures: vec![
            (Box::new(heatmap::heatmap(subject, 12)), false),
            (Box::new(decision::decision(subject, 12)), false),
        ],
    });
    sections
}

/// The rows shown with the lowest, the median and the highest margin.
fn typical_rows(subject: &Subject) -> Vec<usize> {
    let mut order: Vec<usize> = (0..subject.n_shown()).collect();
    order.sort_by(|&a, &b| subject.margins[a].total_cmp(&subject.margins[b]).then(a.cmp(&b)));
    let mut picks: Vec<usize> = [0, order.len() / 2, order.len().saturating_sub(1)]
        .iter()
        .filter_map(|&at| order.get(at).copied())
        .collect();
    picks.dedup();
    picks
}

/// The finding of one output, as a title.
#[must_use]
pub fn finding(subject: &Subject) -> String {
    let names: Vec<&str> =
        subject.by_importance().into_iter().take(3).map(|f| subject.features[f].name.as_str()).collect();
    match names.as_slice() {
        [] => "No feature moves this model".to_owned(),
        [one] => format!("{one} alone moves this model"),
        [one, two] => format!("{one} and {two} move this model"),
        [one, two, three, ..] => format!("{one}, {two} and {three} move this model most"),
    }
}

/// The finding in numbers.
#[must_use]
pub fn lead(subject: &Subject) -> String {
    format!(
        "{} rows explained{} on the scale of {}. Every row's values and the base {} add up to the model's own \
         {}, with a residual of at most {}.",
        count(subject.totals.n_rows),
        if subject.kind == Kind::Shapley { " exactly" } else { ", not exactly," },
        subject.unit,
        pretty(subject.base, 4),
        answer_word(&subject.unit),
        residual(subject.totals.worst_residual)
    )
}
