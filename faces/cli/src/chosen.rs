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
    if asked.conditions.is_empty() {
        return Ok(());
    }
    if data == Path::new("-") {
        return Err(Failure::Usage(
            "--where goes through the data twice: name the file; standard input is read once".to_owned(),
        ));
    }
    // What a pipe has given is gone the second time. (What is not there at all is told where it is opened.)
    if data.metadata().is_ok_and(|told| !told.is_file() && !told.is_dir()) {
        return Err(Failure::Usage(format!(
            "--where goes through the data twice, and {} can be read only once, as a pipe can: write it to a file first",
            data.display()
        )));
    }
    Ok(())
}

/// The rows of a table that are asked for, of which there are some; `None` where that is all of them. Its columns with conditions are read for
/// that.
pub(crate) fn chosen(
    data: &Path,
    reading: &Reading,
    asked: &Where,
    console: &Console,
) -> Result<Option<Chosen>, Failure> {
    if asked.conditions.is_empty() {
        return Ok(None);
    }
    let mut reader = open_table(data, &read_options(reading))?;
    let watch = console.searching();
    let (cohort, rows) =
        Cohort::of_reader(&asked.conditions, reader.as_mut(), &watch).map_err(|error| match error {
            CohortError::Refused(refused) => Failure::Usage(format!("--where {refused}")),
            CohortError::Read(WholeError::Stopped) if console.is_interrupted() => Failure::Interrupted,
            CohortError::Read(WholeError::Stopped) => Failure::NothingInTime,
            error => Failure::Input(format!("{}: {error}", data.display())),
        })?;
    if rows.is_empty() {
        return Err(Failure::Usage(format!("--where: {}", cohort.no_rows())));
    }
    Ok(Some(Chosen { cohort, rows }))
}
