//! How is the same seen with a command, and with Python?

use std::path::Path;

use pellucid::data::read::{ReadOptions, separator};
use pellucid::data::{Field, Kind, Table};
use pellucid::files::map;
use pellucid::views::number::count;

use super::LISTED;
use super::cells::PAGE;
use crate::cohort::Cohort;
use crate::opened::{Source, Thing};
use crate::pages::{in_python, in_shell_if_needed, named};
use crate::workbench::Workbench;

/// What was asked.
pub(super) struct Told<'a> {
    pub(super) workbench: &'a Workbench,
    pub(super) thing: &'a Thing,
    pub(super) cohort: &'a Cohort,
    pub(super) field: &'a Field,
    pub(super) by: Option<&'a Field>,
}

/// The command that tells of all columns of a table.
pub(super) fn inspect(workbench: &Workbench, thing: &Thing) -> String {
    let (reading, usual) = (&workbench.options.reading, ReadOptions::default());
    let missing = reading.missing.iter().filter(|text| !usual.missing.contains(text));
    let missing: String = missing.map(|text| format!(" --missing {}", in_shell_if_needed(text))).collect();
    let header = if reading.header { "" } else { " --no-header" };
    format!("pellucid inspect {}{missing}{header}", named(&thing.source).0)
}

/// Lines of Python that read a table as it is read here into the frame `data`; nothing where pandas would not.
pub(crate) fn frame(workbench: &Workbench, thing: &Thing) -> Option<String> {
    let name = in_python(&thing.source.shown());
    let shown = thing.source.shown();
    // A compressed file is read as what it holds.
    let plain = shown.strip_suffix(".gz").or_else(|| shown.strip_suffix(".zst")).unwrap_or(&shown);
    let ending = Path::new(plain).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    Some(match ending {
        "parquet" => format!("data = pd.read_parquet({name})\n"),
        "arrow" | "feather" => format!("data = pd.read_feather({name})\n"),
        "jsonl" | "ndjson" => format!("data = pd.read_json({name}, lines=True)\n"),
        "csv" | "tsv" | "txt" | "data" => {
            let reading = &workbench.options.reading;
            let missing: Vec<String> = reading.missing.iter().map(|text| in_python(text)).collect();
            let header = if reading.header { "" } else { ", header=None" };
            let separator = match separator_of(&thing.source) {
                b',' => String::new(),
                other => format!(", sep={}", in_python(&char::from(other).to_string())),
            };
            let named = if reading.header {
                ""
            } else {
                "data.columns = [f\"f{at}\" for at in range(data.shape[1])]\n"
            };
            format!(
                "data = pd.read_csv({name}{separator}{header}, keep_default_na=False, na_values=[{}])\n{named}",
                missing.join(", ")
            )
        }
        _ => return None,
    })
}

fn separator_of(source: &Source) -> u8 {
    match source {
        Source::File(path) => map(path).map_or(b',', |bytes| separator(&bytes)),
        Source::Example { bytes, .. } => separator(bytes),
        Source::Circuit => b',',
    }
}

impl Told<'_> {
    pub(super) fn command(&self) -> String {
        inspect(self.workbench, self.thing)
    }

    /// Pandas reads what was read here; nothing where it would not.
    pub(super) fn python(&self) -> Option<String> {
        let read = frame(self.workbench, self.thing)?;
        let column = in_python(&self.field.name);
        let by = self.by.map(|field| in_python(&field.name));
        let counted = match (&by, self.field.kind.is_number()) {
            (None, true) => format!("data[{column}].describe()"),
            (None, false) => format!("data[{column}].value_counts(dropna=False)"),
            (Some(by), true) => format!("data.groupby({by}, dropna=False)[{column}].describe()"),
            (Some(by), false) => {
                format!("pd.crosstab(data[{column}], data[{by}], normalize=\"columns\", dropna=False)")
            }
        };
        let rows = self.cohort.python();
        Some(format!(
            "import pandas as pd\n\n{read}{rows}print(data.describe(include=\"all\").T)\nprint({counted})\n"
        ))
    }

    /// What people should know of the answer and of the command.
    pub(super) fn notes(&self, table: &Table) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.cohort.is_all() {
            notes.push("the command tells of all rows; the Python takes those that are shown".to_owned());
        }
        let n = table.columns().len();
        if n > LISTED {
            notes.push(format!(
                "the first {} of {} columns are listed; any other can be asked for by its name, as column=NAME in the address",
                count(LISTED),
                count(n)
            ));
        }
        let numbers =
            table.schema().fields.iter().any(|field| field.kind.is_number() && field.kind != Kind::Boolean);
        if numbers {
            notes.push(
                "quartiles are interpolated between the two values around them, as NumPy does".to_owned(),
            );
        }
        notes.push(format!("rows are counted from 0, as they stand in the file; {PAGE} are shown at a time"));
        notes
    }
}
