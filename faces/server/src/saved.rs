//! Which explanation was saved? A file that `pellucid explain -o` wrote: opened by its metadata, summed up when a page asks.

use std::sync::Arc;

use pellucid::data::read::ReadBatches;
use pellucid::feed::Feed;
use pellucid::models::trees::Ensemble;
use pellucid::models::{Predict as _, Scale};
use pellucid::saved::{Saved, SavedError, Seen, Summed, seen};
use pellucid::views::number::count;
use pellucid_runs::Artifact;

use crate::address::Address;
use crate::failure::{Code, Failure};
use crate::memo::Found;
use crate::opened::{Source, Thing, What};
use crate::workbench::{Workbench, pick};

/// Rows of a table, at most, for which the model is asked whether they are those of the file.
const COMPARED: usize = 5_000;

/// All rows of a saved explanation, and the model that is open and was explained, by its name.
pub(crate) struct Read {
    pub(crate) summed: Summed,
    pub(crate) model: Option<String>,
}

/// What a table that was opened is, and what people should know of it.
pub(crate) fn told_apart(
    source: &Source,
    reader: &dyn ReadBatches,
) -> Result<(Option<What>, Option<String>), Failure> {
    let shown = source.shown();
    let found = seen(reader.all_names(), &reader.notes());
    Ok(match found.map_err(|cause| Failure::input(format!("{shown}: {cause}")))? {
        Seen::Explanation(saved) => {
            let note = saved.shard.as_ref().map(|shard| {
                format!("{shown}: part {shard} of an explanation; `pellucid merge` joins all parts, and rows are counted from the first of this one")
            });
            (Some(What::Explanation { saved: Arc::from(saved), n_rows: reader.n_rows() }), note)
        }
        Seen::Largest => {
            let text = "the largest values of each row only, opened as a table; leave --top-k out to see an explanation";
            (None, Some(format!("{shown}: {text}")))
        }
        Seen::Bare => {
            let text = "the columns of a saved explanation, opened as a table: this format does not keep how it was made; write it as .parquet or .arrow to see it as an explanation";
            (None, Some(format!("{shown}: {text}")))
        }
        _ => (None, None),
    })
}

/// What the navigation says of it.
pub(crate) fn facts(saved: &Saved, n_rows: Option<u64>) -> Vec<(&'static str, String)> {
    let rows = n_rows.map(|n| ("rows", count(usize::try_from(n).unwrap_or(usize::MAX))));
    let outputs = (saved.n_outputs > 1).then(|| ("outputs", count(saved.n_outputs)));
    let features = if saved.groups.is_some() { "groups" } else { "features" };
    let own = [
        (features, count(saved.features.len())),
        ("method", saved.method.clone()),
        ("scale", if saved.is_margin { format!("margin ({})", saved.unit) } else { saved.unit.clone() }),
        ("model", format!("sha256 {}", saved.model_sha256)),
        ("written by", format!("Pellucid {}", saved.version)),
    ];
    rows.into_iter().chain(outputs).chain(own).collect()
}

pub(crate) fn failed(source: &Source, cause: &SavedError) -> Failure {
    match cause {
        SavedError::Stopped => Failure::cancelled(),
        cause => Failure::input(format!("{}: {cause}", source.shown())),
    }
}

/// SHA-256 of a model's file as `pellucid explain` writes it down; nothing of what can't be read, or is no longer what was opened.
fn hash(model: &Thing) -> Option<String> {
    model.unchanged().ok()?;
    match &model.source {
        Source::File(path) => Artifact::of("model", path).ok()?.sha256,
        Source::Example { name, bytes } => Artifact::of_bytes("model", name, bytes).sha256,
        Source::Circuit => None,
    }
}

/// The model that is open and was explained, by its name.
pub(crate) fn own_model(workbench: &Workbench, saved: &Saved) -> Option<String> {
    owner(workbench.things.iter().filter(|thing| thing.model().is_some()), saved)
}

fn owner<'a>(mut models: impl Iterator<Item = &'a Thing>, saved: &Saved) -> Option<String> {
    models.find(|model| hash(model).as_ref() == Some(&saved.model_sha256)).map(|model| model.id.clone())
}

impl Workbench {
    /// The saved explanation of an address.
    pub(crate) fn explanation(&self, address: &Address) -> Result<(&Thing, &Arc<Saved>), Failure> {
        let all = self.things.iter().filter_map(|thing| match &thing.what {
            What::Explanation { saved, .. } => Some((thing, saved)),
            _ => None,
        });
        pick(all, address.one("explanation")?, "saved explanation", |of| &of.0.id)
    }

    /// All its rows.
    pub(crate) fn summed(
        self: &Arc<Self>,
        thing: &Thing,
        saved: &Arc<Saved>,
    ) -> Result<Found<Read>, Failure> {
        let (source, saved, options) = (thing.source.clone(), Arc::clone(saved), self.options.clone());
        thing.unchanged()?;
        let models: Vec<Thing> =
            self.things.iter().filter(|thing| thing.model().is_some()).cloned().collect();
        self.saved.get(&self.jobs, &thing.id, &format!("Summing up {}", thing.title), move |job| {
            let open = || source.rows(&options.reading).map_err(|cause| SavedError::Open(cause.message));
            let reader = open().map_err(|cause| failed(&source, &cause))?;
            if let Some(n) = reader.n_rows() {
                job.expect(n);
            }
            drop(reader);
            let summed =
                saved.summed(&open, options.threads, job).map_err(|cause| failed(&source, &cause))?;
            let model = owner(models.iter(), &saved);
            Ok(Read { summed, model })
        })
    }

    /// A model that is open, by its name.
    pub(crate) fn model_named(&self, id: &str) -> Option<(&Thing, &Arc<Ensemble>)> {
        self.things.iter().filter_map(|thing| Some((thing, thing.model()?))).find(|of| of.0.id == id)
    }
}

/// What a file adds up to for some rows of one output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answers<'a> {
    pub(crate) output: usize,
    pub(crate) rows: &'a [usize],
    pub(crate) margins: &'a [f64],
}

impl Workbench {
    /// Whether a model answers so for the first rows of a table, and for how many; nothing where it can't read them.
    pub(crate) fn answers_alike(
        &self,
        model: &Ensemble,
        table: &Thing,
        expected: Answers<'_>,
    ) -> Option<(usize, bool)> {
        let reader = table.source.rows(&self.options.reading).ok()?;
        let mut feed = Feed::new(model.clone(), reader, &table.source.shown(), &self.dropped(table)).ok()?;
        let (_, rows) = feed.next_rows().ok()??;
        let n = rows.n_rows().min(COMPARED);
        let k = model.base.len();
        let found = feed.model.predict(&rows.slice(0..n), Scale::Margin);
        let mut pairs = expected.rows.iter().zip(expected.margins).filter(|(row, _)| **row < n);
        let mut compared = 0;
        let same = pairs.all(|(&row, &margin)| {
            compared += 1;
            let own = found.get(row * k + expected.output).copied().unwrap_or(f64::NAN);
            // Source libraries round to 32 bits.
            (own - margin).abs() <= 1e-4 * (1.0 + margin.abs())
        });
        (compared > 0).then_some((compared, same))
    }
}

/// That a table has as many rows as the one of which all were explained, or some.
pub(crate) fn check_rows(
    (saved, explained): (&Saved, usize),
    table: usize,
    data: &str,
) -> Result<(), Failure> {
    let (n, were) = match saved.table_rows {
        Some(n) => (n, format!("{} of {} were explained", count(explained), count(n))),
        None => (explained, format!("{} were explained", count(explained))),
    };
    if n == table {
        return Ok(());
    }
    Err(Failure::new(
        Code::Usage,
        format!(
            "data={data}: the table has {} rows, and {were}; name the table that was explained, or leave `data` out",
            count(table)
        ),
    ))
}
