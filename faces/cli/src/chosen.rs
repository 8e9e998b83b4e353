//! Which rows does `--where` mean?

use std::path::Path;

use pellucid::cohort::{Cohort, CohortError};
use pellucid::data::RowSet;
use pellucid::files::open_table;
use pellucid::learn::task::WholeError;

use crate::args::{Reading, Where};
use crate::console::Console;
use crate::explaining::read_options;
use crate::failure::Failure;

/// Rows of a file, and in which words.
pub(crate) struct Chosen {
    pub(crate) cohort: Cohort,
    pub(crate) rows: RowSet,
}

/// What can be told to be wrong before any file is read.
pub(crate) fn check(data: &Path, asked: &Where) -> Result<(), Failure> {
    if data == Path::new("-") && !asked.conditions.is_empty() {
        return Err(Failure::Usage(
            "--where goes through the data twice: name the file; standard input is read once".to_owned(),
        ));
    }
    Ok(())
}

/// The rows of a table that are asked for; `None` where that is all of them. Its columns with conditions are read for that.
pub(crate) fn chosen(
    data: &Path,
    reading: &Reading,
    asked: &Where,
    console: &Console,
) -> Result<Option<Chosen>, Failure> {
    if asked.conditions.is_empty() {
        return Ok(None);
    }
    check(data, asked)?;
    let mut reader = open_table(data, &read_options(reading))?;
    let watch = console.searching();
    let (cohort, rows) =
        Cohort::of_reader(&asked.conditions, reader.as_mut(), &watch).map_err(|error| match error {
            CohortError::Refused(refused) => Failure::Usage(format!("--where {refused}")),
            CohortError::Read(WholeError::Stopped) if console.is_interrupted() => Failure::Interrupted,
            CohortError::Read(WholeError::Stopped) => Failure::NothingInTime,
            error => Failure::Input(format!("{}: {error}", data.display())),
        })?;
    Ok(Some(Chosen { cohort, rows }))
}
