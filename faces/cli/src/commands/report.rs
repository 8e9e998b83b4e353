//! What stands in a report beside its pictures? What and how, what its numbers mean, and which outputs it shows.

use pellucid::explain::shapley::{Game, Method};
use pellucid::explain::{Kind, Space};
use pellucid::models::trees::Ensemble;
use pellucid::views::number::{count, pretty, residual};
use pellucid::views::report::{Report, finding, lead, sections};
use pellucid::views::sample::parts;
use pellucid::views::subject::rows_where;
use pellucid::views::{Subject, waterfall};

use super::explain::{TOP, kernels};
use super::{Context, VERSION};
use crate::args::Explain;
use crate::explaining::Explained;

/// Outputs that a report shows if none was asked for.
const OUTPUTS_SHOWN: usize = 4;

/// What and how, for the head of a report.
pub(crate) fn facts(
    model: &Ensemble,
    explained: &Explained,
    model_name: &str,
    data_name: &str,
    hash: &str,
) -> Vec<(String, String)> {
    let version = model.origin.version.as_ref().map_or(String::new(), |version| format!(" {version}"));
    let depth = model.trees.iter().map(pellucid::models::trees::Tree::depth).max().unwrap_or(0);
    let worst = explained.worst_residual();
    let bases: Vec<String> = explained.sample.base().iter().take(6).map(|&b| pretty(b, 5)).collect();
    let mut facts = vec![
        (
            "Model",
            format!(
                "{}{version}, {}, {}{}",
                model.origin.library,
                model.origin.objective,
                parts(model),
                if model.trees.is_empty() {
                    String::new()
                } else {
                    format!(" at most {depth} deep, {} leaves", count(model.n_leaves()))
                }
            ),
        ),
        ("Model file", format!("{model_name}, sha256 {}…", &hash[..hash.len().min(16)])),
        (
            "Data",
            format!(
                "{data_name}, {}, {} features",
                explained.only.as_ref().map_or_else(
                    || format!("{} rows", count(explained.n_rows())),
                    |words| rows_where(explained.n_rows(), words)
                ),
                count(model.features.len())
            ),
        ),
        (
            "Values",
            match explained.n_background {
                _ if explained.plan.space() == Space::Rescaled => {
                    "Shapley values of the margin, rescaled to the probability pair by pair of rows, as shap does it; no Shapley values \
                     of the probability"
                        .to_owned()
                }
                _ if explained.plan.method() == Method::Approximate => {
                    "Saabas values: an approximation of path-dependent Shapley values, additive but not consistent".to_owned()
                }
                None => "Shapley values of the path-dependent game, exact up to rounding".to_owned(),
                Some(n) if explained.plan.game() == Game::CORRELATED => format!(
                    "Shapley values of the correlation-dependent game, by means and covariances of {} rows, exact up to rounding",
                    count(n)
                ),
                Some(n) => format!(
                    "Shapley values of the background game over {} rows, exact up to rounding",
                    count(n)
                ),
            },
        ),
        ("Computed by", kernels(explained.plan.summary(), &explained.plan)),
        (
            "Output space",
            match explained.plan.space() {
                Space::Margin => format!("margin ({})", model.link.margin_unit()),
                Space::Probability | Space::Rescaled => "probability".to_owned(),
            },
        ),
        ("Base value", bases.join(", ")),
        (
            "Largest residual",
            format!(
                "{} (distance of base and values from the model’s own answer, over all rows)",
                residual(worst)
            ),
        ),
    ];
    facts.extend(model.origin.notes.iter().map(|note| ("Note", note.clone())));
    if explained.cut_short {
        facts.push(("Incomplete", "the time limit was reached; later rows are not explained".to_owned()));
    }
    facts.push(("Made by", format!("Pellucid {VERSION}")));
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What every report says about its numbers.
pub(crate) fn notes(subject: &Subject) -> Vec<String> {
    let unknown = if subject.kind == Kind::Saabas {
        "These are Saabas values: along the row's own way, each split's feature gets what the expected answer changed by. They are no \
         Shapley values: splits near the root get too little, and a model that relies more on a feature may give it less."
    } else if subject.kind == Kind::Rescaled {
        "These are Shapley values of the margin (background game), multiplied for each pair of an explained and a background row by the \
         slope of the link between them. They add up to the probability and are no Shapley values of it; `--output probability` \
         has those, where the background is small and features are few."
    } else if subject.method.starts_with(Game::CORRELATED) {
        "Not knowing a feature means here: it is expected from the known ones, as if all features followed a normal distribution with \
         the means and covariances of the background (the correlation-dependent game). A feature that the model does not use gets a value \
         if it tells of one that it does use."
    } else if subject.method.starts_with("background") {
        "Not knowing a feature means here: its value is taken from the rows of the background, one after the other, whatever \
         the other features are (the background, or interventional, game). What is compared with is that background; another \
         one, or the path-dependent game, gives other numbers, which are exact answers to other questions."
    } else {
        "Not knowing a feature means here: at its splits the row goes both ways, weighted by the training rows that did \
         (the path-dependent game). Comparing with a background data set is another game with other numbers; both are exact \
         answers to different questions."
    };
    let is_background =
        subject.method.starts_with("background") || subject.method.starts_with("rescaled background");
    let together =
        if is_background { "." } else { ": features that go together in the training data share credit." };
    let mut notes = vec![
        format!(
            "A value says how the model used a feature in this row, compared with not knowing it. It does not say what \
             would happen in the world if the feature changed{together}"
        ),
        unknown.to_owned(),
        if subject.unit == "probability" {
            "Values add up on the scale of the probability.".to_owned()
        } else {
            format!("Values add up on the scale of the margin ({}).", subject.unit)
        },
        "The residual is computed for every row from the model’s own answer, not assumed.".to_owned(),
    ];
    if subject.probabilities.is_some() {
        notes[2] += " Probabilities beside a margin are the same number on another scale; values are not parts of a probability.";
    }
    notes
}

pub(super) fn report(
    model: &Ensemble,
    explained: &Explained,
    args: &Explain,
    hash: &str,
    context: &Context<'_>,
) -> Report {
    let k = model.base.len();
    let outputs: Vec<usize> =
        args.class.map_or_else(|| (0..k.min(OUTPUTS_SHOWN)).collect(), |class| vec![class as usize]);
    let subjects: Vec<Subject> = outputs.iter().map(|&o| explained.sample.subject(model, o)).collect();
    let row = args.row.map(|_| 0);
    let mut notes = notes(&subjects[0]);
    if outputs.len() < k && args.class.is_none() {
        notes.push(format!(
            "The model has {k} outputs; the first {} are shown. Choose another with --class.",
            outputs.len()
        ));
    }
    Report {
        title: match row {
            Some(row) => waterfall::waterfall(&subjects[0], row, TOP).title(),
            None => finding(&subjects[0]),
        },
        lead: lead(&subjects[0]),
        facts: facts(
            model,
            explained,
            &args.about.model.display().to_string(),
            &args.about.data.display().to_string(),
            hash,
        ),
        sections: subjects.iter().flat_map(|subject| sections(subject, row)).collect(),
        notes,
        command: Some(context.command_line()),
    }
}
