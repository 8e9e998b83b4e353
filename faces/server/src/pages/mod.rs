//! What stands at which address? One file a page.

mod asked_rules;
mod attention;
mod counted;
mod data;
mod global;
mod jobs;
mod patching;
mod position;
mod rashomon;
mod row;
mod rules;
mod runs;
mod saved;
mod saved_row;
mod session;
mod trees;

use std::sync::Arc;

use pellucid::models::trees::Ensemble;
use pellucid::views::Subject;

use crate::address::Address;
use crate::failure::Failure;
use crate::opened::{Source, Thing};
use crate::workbench::{Answer, Workbench};

pub(crate) use attention::Looks;
pub(crate) use counted::facts as count_facts;
pub(crate) use data::Described;
pub(crate) use patching::Patching;
pub(crate) use position::report_facts;
pub(crate) use rashomon::Good;
pub(crate) use rules::Ruled;

type Page = fn(&Arc<Workbench>, &Address) -> Result<Answer, Failure>;

/// Everything that can be asked.
pub(crate) const ANSWERS: [(&str, Page); 17] = [
    ("/api/session", session::answer),
    ("/api/row", row::answer),
    ("/api/global", global::answer),
    ("/api/rules", rules::answer),
    ("/api/rules/verify", rules::verified),
    ("/api/rashomon", rashomon::answer),
    ("/api/count", counted::answer),
    ("/api/count/verify", counted::verified),
    ("/api/position", position::answer),
    ("/api/patching", patching::answer),
    ("/api/attention", attention::answer),
    ("/api/data", data::answer),
    ("/api/trees", trees::answer),
    ("/api/runs", runs::answer),
    ("/api/runs/files", runs::states),
    ("/api/runs/output", runs::output),
    ("/api/jobs", jobs::answer),
];

/// Pages of the navigation, in their order, with the parameters that they begin with.
pub(crate) fn pages(workbench: &Workbench) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    [
        row::page(workbench),
        global::page(workbench),
        rules::page(workbench),
        rashomon::page(workbench),
        position::page(workbench),
        patching::page(workbench),
        attention::page(workbench),
        data::page(workbench),
        trees::page(workbench),
        runs::page(workbench),
        jobs::page(workbench),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Addresses whose answers belong into an export, the session first, and why some pages have none. Some addresses are known only when others
/// are answered.
pub(crate) fn frozen(workbench: &Arc<Workbench>) -> (Vec<Address>, Vec<String>) {
    let (mut all, mut notes) = (vec![Address::of("/api/session", &[])], Vec::new());
    let of_pages = [
        row::frozen,
        global::frozen,
        saved::frozen,
        saved_row::frozen,
        rules::frozen,
        rashomon::frozen,
        counted::frozen,
        position::frozen,
        patching::frozen,
        attention::frozen,
        data::frozen,
        trees::frozen,
        runs::frozen,
        jobs::frozen,
    ];
    for of_page in of_pages {
        match of_page(workbench) {
            Ok(addresses) => all.extend(addresses),
            Err(failure) => notes.push(failure.message),
        }
    }
    notes.dedup();
    (all, notes)
}

/// Addresses of more answers, for exports that have room for them.
pub(crate) fn more_frozen(workbench: &Arc<Workbench>) -> Result<Vec<Address>, Failure> {
    Ok([row::more_frozen(workbench)?, saved_row::more_frozen(workbench)].concat())
}

/// The address that a page begins with, where it has something to show.
fn beginning(path: &str, page: Option<(&'static str, Vec<(&'static str, String)>)>) -> Option<Address> {
    let parameters = page?.1;
    Some(
        parameters
            .into_iter()
            .fold(Address::of(path, &[]), |address, (name, value)| address.with(name, value)),
    )
}

/// The first model and the first table, which most pages begin with.
fn first_pair(workbench: &Workbench) -> Option<Vec<(&'static str, String)>> {
    let nothing = Address::of("", &[]);
    let (model, table) = (workbench.model(&nothing).ok()?.0, workbench.table(&nothing).ok()?);
    Some(vec![("model", model.id.clone()), ("data", table.id.clone())])
}

/// Which output an address means, of so many.
fn output(address: &Address, model: &Ensemble) -> Result<usize, Failure> {
    let (output, k) = (address.number::<usize>("output")?.unwrap_or(0), model.base.len());
    if output >= k {
        return Err(Failure::usage(format!("output={output}: the model has {k}, counted from 0")));
    }
    Ok(output)
}

/// What outputs are called: by number, where there are several.
fn outputs(model: &Ensemble) -> Vec<String> {
    if model.base.len() == 1 { Vec::new() } else { (0..model.base.len()).map(|at| at.to_string()).collect() }
}

/// A title of one picture's subject: what was explained of what.
fn titled(subject: Subject, model: &Thing) -> Subject {
    Subject { model: format!("{} ({})", model.title, subject.model), ..subject }
}

/// What a shell and Python call a file.
fn named(source: &Source) -> (String, String) {
    let shown = source.shown();
    (in_shell_if_needed(&shown), in_python(&shown))
}

/// As it is where a shell reads it back so, else in quotes.
pub(crate) fn in_shell_if_needed(text: &str) -> String {
    let is_plain =
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c));
    if is_plain { text.to_owned() } else { in_shell(text) }
}

fn in_shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A text as Python writes it.
pub(crate) fn in_python(text: &str) -> String {
    // JSON's escapes are Python's, but for letters beyond 16 bits, which stand unescaped in both.
    serde_json::Value::from(text).to_string()
}
