//! How is the same seen with a command, and with Python?

use std::path::Path;

use pellucid::cohort::Cohort;
use pellucid::data::read::{ReadOptions, separator};
use pellucid::data::{Field, Kind, Table};
use pellucid::files::map;
use pellucid::views::number::count;

use super::LISTED;
use super::cells::PAGE;
use super::column::{Lead, Leads};
use crate::cohort::{in_words, mask, python};
use crate::opened::{Source, Thing};
use crate::pages::{in_python, in_shell_if_needed, named};
use crate::workbench::Workbench;

/// What was asked.
pub(super) struct Told<'a> {
    pub(super) workbench: &'a Workbench,
    pub(super) thing: &'a Thing,
    pub(super) cohort: &'a Cohort,
    pub(super) table: &'a Table,
    pub(super) field: &'a Field,
    pub(super) by: Option<&'a Field>,
    pub(super) leads: &'a Leads,
    pub(super) has_infinite: bool,
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
        inspect(self.workbench, self.thing) + &in_words(self.cohort)
    }

    /// Pandas reads what was read here; nothing where it would not.
    pub(super) fn python(&self) -> Option<String> {
        let read = frame(self.workbench, self.thing)?;
        let column = in_python(&self.field.name);
        let counted = match (self.by, self.field.kind.is_number()) {
            (None, true) => format!("print(data[{column}].describe())\n"),
            (None, false) => format!("print(data[{column}].value_counts(dropna=False))\n"),
            (Some(by), _) => format!("\n{}", self.in_groups(by)?),
        };
        let rows = python(self.cohort);
        Some(format!("import pandas as pd\n\n{read}{rows}print(data.describe(include=\"all\").T)\n{counted}"))
    }

    /// The rows at each bar in each group, by the conditions of bars and groups: no other binning gives what is shown.
    fn in_groups(&self, by: &Field) -> Option<String> {
        let (column, by) = (in_python(&self.field.name), in_python(&by.name));
        // Values without a name of their own stand after those that have one, and what is missing comes last.
        let rest = |list: &str, of: &str, name: &String| {
            let any = format!("pd.concat([own for _, own in {list}], axis=1).any(axis=1)");
            format!("{list}.append(({}, data[{of}].notna() & ~{any}))\n", in_python(name))
        };
        let mut code = listed("bars", &self.leads.bars, self.table)?;
        code += &self.leads.others.as_ref().map_or(String::new(), |name| rest("bars", &column, name));
        if self.leads.has_missing {
            code += &format!("bars.append((\"missing\", data[{column}].isna()))\n");
        }
        let parts = &self.leads.parts;
        let others = parts.iter().position(|(_, conditions)| conditions.is_empty());
        code += &listed("groups", &parts[..others.unwrap_or(parts.len())], self.table)?;
        if let Some((name, _)) = others.and_then(|at| parts.get(at)) {
            code += &rest("groups", &by, name);
            if parts.len() > others.unwrap_or(0) + 1 {
                code += &format!("groups.append((\"missing\", data[{by}].isna()))\n");
            }
        }
        code += "counts = [[int((bar & group).sum()) for _, group in groups] for _, bar in bars]\n\
            print(pd.DataFrame(counts, [name for name, _ in bars], [name for name, _ in groups]))\n";
        if self.leads.has_medians {
            code += &format!("print([(name, data[{column}][group].median()) for name, group in groups])\n");
        }
        Some(code)
    }

    /// What people should know of the answer and of the command.
    pub(super) fn notes(&self) -> Vec<String> {
        let (table, mut notes) = (self.table, Vec::new());
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
        if self.has_infinite {
            notes.push(
                "infinite numbers count in least, quartiles and most, which are places in the order; means are of the finite ones, where the \
                 Python takes all"
                    .to_owned(),
            );
        }
        notes.push(format!("rows are counted from 0, as they stand in the file; {PAGE} are shown at a time"));
        notes
    }
}

/// A list of names with the rows that meet their conditions, in Python.
fn listed(list: &str, leads: &[Lead], table: &Table) -> Option<String> {
    let mut code = format!("{list} = [\n");
    for (name, conditions) in leads {
        let own = Cohort::read(conditions.iter().map(String::as_str), table).ok()?;
        code += &format!("    ({}, {}),\n", in_python(name), mask(&own)?);
    }
    Some(code + "]\n")
}
