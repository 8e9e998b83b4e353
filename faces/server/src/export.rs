//! How are pages read without a server? One file with the pages, their program, and the answers to some addresses.

mod folder;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use pellucid::views::render::css;
use serde_json::{Map, Value, json};

use crate::address::Address;
use crate::failure::Failure;
use crate::http::assets::{CODE, PAGE, STYLE};
use crate::pages;
use crate::workbench::{Answer, Workbench};

pub use folder::{everything, zip};

/// An answer, however long it takes.
pub(crate) fn waited(workbench: &Arc<Workbench>, address: &Address) -> Result<Value, Failure> {
    loop {
        match workbench.answer(address)? {
            Answer::Ready(value) => return Ok(value),
            Answer::Working(job) => {
                job.is_over_within(Duration::from_secs(1));
            }
        }
    }
}

/// What an export holds, and why some pages have no answer there; an export without any would be an empty workbench.
fn frozen(workbench: &Arc<Workbench>) -> Result<(Vec<Address>, Vec<String>), Failure> {
    let (addresses, notes) = pages::frozen(workbench);
    // The session is always there, and the jobs are of now.
    if addresses.iter().any(|address| !["/api/session", "/api/jobs"].contains(&address.path())) {
        return Ok((addresses, notes));
    }
    if !notes.is_empty() {
        return Err(Failure::input(notes.join("\n")));
    }
    let names: Vec<&str> = workbench.things.iter().map(|thing| thing.title.as_str()).collect();
    Err(Failure::input(format!(
        "there is nothing to export: no page shows {} without a server or without other files; a model goes with its data, a profile with its posting",
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    )))
}

/// The page with its answers inside; opened from a disk it asks for nothing else. And why some pages have no answer there.
///
/// # Errors
/// When no page has one.
pub fn html(workbench: &Arc<Workbench>) -> Result<(String, Vec<String>), Failure> {
    let mut answers = Map::new();
    let (addresses, notes) = frozen(workbench)?;
    for address in addresses {
        let canonical = address.canonical();
        answers.insert(canonical.trim_end_matches('?').to_owned(), waited(workbench, &address)?);
    }
    let mut answers = Value::Object(answers);
    let shared = shared(&mut answers);
    let frozen = island(&json!({"shared": shared, "answers": answers}));
    let mut out = String::with_capacity(PAGE.len() + CODE.len() + frozen.len() + (1 << 15));
    for line in PAGE.lines() {
        // The page names its parts, a line each; here they stand inside.
        let done = if line.contains("theme.css") {
            write!(out, "<style>{}{}</style>", css::theme(), css::fonts_inside())
        } else if line.contains("app.css") {
            write!(out, "<style>{}</style>", STYLE.replace("</style", "<\\/style"))
        } else if line.contains("app.js") {
            write!(
                out,
                "<script type=\"application/json\" id=\"pellucid-frozen\">{frozen}</script>\n<script type=\"module\">{}</script>",
                CODE.replace("</script", "<\\/script").replace("<!--", "<\\!--")
            )
        } else {
            out.write_str(line)
        };
        // Writing to a string can't fail.
        let _ = done.and_then(|()| out.write_char('\n'));
    }
    Ok((out, notes))
}

/// Takes pictures out that stand in several answers: `{"$": n}` stands for the n-th of them, from 0.
fn shared(answers: &mut Value) -> Vec<Value> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    each_figure(answers, &mut |figure| *seen.entry(figure.to_string()).or_default() += 1);
    seen.retain(|_, times| *times > 1);
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut shared = Vec::new();
    each_figure(answers, &mut |figure| {
        let text = figure.to_string();
        if seen.contains_key(&text) {
            let place = *places.entry(text).or_insert_with(|| {
                shared.push(figure.clone());
                shared.len() - 1
            });
            *figure = json!({"$": place});
        }
    });
    shared
}

fn each_figure(value: &mut Value, each: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Object(own) if own.contains_key("wide") && own.contains_key("narrow") => each(value),
        Value::Object(own) => own.values_mut().for_each(|inner| each_figure(inner, each)),
        Value::Array(all) => all.iter_mut().for_each(|inner| each_figure(inner, each)),
        _ => {}
    }
}

/// JSON as it may stand in a page.
fn island(value: &Value) -> String {
    let text = value.to_string();
    text.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}
