//! How are rule sets written: as a line of text, a row of CSV, an object of JSON?

use std::path::Path;

use pellucid::learn::rashomon::Member;
use pellucid::learn::task::{Explored, member_to_json};
use pellucid::views::number::pretty;

use crate::failure::Failure;
use crate::output::check_distinct;

/// How sets are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Csv,
    JsonLines,
    /// Every set, as small and as fast as possible.
    Compact,
}

pub(super) fn format_of(path: &Path, data: &Path) -> Result<Written, Failure> {
    check_distinct(path, &[data])?;
    match path.extension().map(|e| e.to_string_lossy().to_lowercase()).as_deref() {
        Some("csv") => Ok(Written::Csv),
        Some("jsonl" | "ndjson") => Ok(Written::JsonLines),
        Some("sets") => Ok(Written::Compact),
        _ => Err(Failure::Usage(format!(
            "`{}`: rule sets are written as .jsonl or .csv (a list of all also as .sets)",
            path.display()
        ))),
    }
}

/// The first line of a CSV of sets.
pub(super) const HEADER: &str = "objective,value,errors,size,rules\n";

/// One set as a line of a file.
pub(super) fn line(member: &Member, about: &Explored, format: Written) -> String {
    if format == Written::Csv {
        let rules = about.task.spelled(&member.rules).join(" or ").replace('"', "\"\"");
        return format!(
            "{},{},{},{},\"{rules}\"\n",
            member.objective,
            member.objective.value(),
            member.errors,
            member.rules.len()
        );
    }
    format!("{}\n", member_to_json(member, about))
}

/// One set as a line for people.
pub(super) fn shown(member: &Member, about: &Explored) -> String {
    let rules = about.task.spelled(&member.rules).join("  or  ");
    let rules = if rules.is_empty() { "no rule" } else { &rules };
    format!("{:<9} {:>7} errors  {rules}\n", pretty(member.objective.value(), 5), member.errors)
}
