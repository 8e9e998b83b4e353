//! What is worked out of a table's rows? A summary of each column, and which columns say the same.

use std::sync::Arc;

use pellucid::cohort::Cohort;
use pellucid::data::summary::{Summarizing, Summary, Twin, summary, twins};
use pellucid::data::{Control, Kind, RowSet, Table, Watch as _};

use crate::address::Address;
use crate::failure::Failure;
use crate::jobs::Job;
use crate::memo::Found;
use crate::workbench::Workbench;

/// How much of a column is told: values that have bars of their own, and bins of numbers.
pub(super) const HOW: Summarizing = Summarizing { common: 20, bins: 24 };

/// Some rows of a table, column by column.
pub(crate) struct Described {
    pub(super) rows: RowSet,
    pub(super) summaries: Vec<Summary>,
    pub(super) twins: Vec<Option<Twin>>,
}

impl Described {
    /// Whether a number in the rows is infinite.
    pub(super) fn has_infinite(&self) -> bool {
        self.summaries.iter().any(|own| own.n_infinite() > 0)
    }
}

/// The rows of a cohort, described.
pub(super) fn described(
    workbench: &Arc<Workbench>,
    address: &Address,
    table: &Arc<Table>,
    cohort: &Cohort,
) -> Result<Found<Described>, Failure> {
    let thing = workbench.table(address)?;
    let key = format!("{}\n{}", thing.id, cohort.key());
    let title = format!("Looking at the columns of {}", thing.title);
    let (table, cohort, threads) = (Arc::clone(table), cohort.clone(), workbench.options.threads);
    workbench.described.get(&workbench.jobs, &key, &title, move |job: &Job| {
        let control = Control { threads, watch: job };
        let (rows, columns) = (cohort.rows(&table), table.columns());
        job.expect(columns.len() as u64);
        let mut summaries = Vec::with_capacity(columns.len());
        for (column, field) in columns.iter().zip(&table.schema().fields) {
            summaries.push(summary(column, &rows, field.kind == Kind::Integer, HOW, &control)?);
            job.advance(1);
        }
        let twins = twins(columns, &summaries, &rows, &control)?;
        Ok(Described { rows, summaries, twins })
    })
}
