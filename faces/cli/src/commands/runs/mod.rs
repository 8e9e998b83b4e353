//! `pellucid runs`: what has been done, found again.

mod args;
mod table;

use std::path::{Path, PathBuf};

pub(crate) use args::{ABOUT_STORES, Runs};
use args::{Add, Diff, Init, List, Note, Place, Reindex, Show, Tag};
use pellucid::views::render::text::left as pad;
use pellucid_runs::{
    Added, Difference, Filter, Listing, Notes, Run, Store, StoreError, default_store, differences, short_id,
};
use serde_json::{Value, json};

use super::{Context, print};
use crate::failure::Failure;

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Words { .. } | StoreError::Ambiguous { .. } => Self::Usage(error.to_string()),
            StoreError::Io(error) => error.into(),
            _ => Self::Input(error.to_string()),
        }
    }
}

pub(crate) fn run(args: &Runs, context: &Context<'_>) -> Result<u8, Failure> {
    match args {
        Runs::List(args) => list(args, context),
        Runs::Show(args) => show(args, context),
        Runs::Diff(args) => diff(args, context),
        Runs::Add(args) => add(args, context),
        Runs::Tag(args) => tag(args, context),
        Runs::Note(args) => note(args, context),
        Runs::Reindex(args) => reindex(args, context),
        Runs::Init(args) => init(args, context),
    }
}

/// Adds a run to a store; where its `run.json` is now.
pub(super) fn record(dir: &Path, run: &Run, context: &Context<'_>) -> Result<String, Failure> {
    let added = match Store::open(dir) {
        Ok(mut store) => {
            let added = store.add(run, &[])?;
            say_notes(&mut store, context);
            added
        }
        // The work is done; what becomes of the index is no reason to forget it.
        Err(StoreError::Later { .. }) => Store::add_without_index(dir, run)?,
        Err(error) => return Err(error.into()),
    };
    Ok(added.folder.join(pellucid_runs::FILE).display().to_string())
}

/// The store's directory, and whether somebody named it for this command.
fn place_of(place: &Place) -> Result<(PathBuf, bool), Failure> {
    match &place.store {
        Some(dir) => Ok((dir.clone(), true)),
        None => default_store().map(|dir| (dir, false)).ok_or_else(|| {
            Failure::Usage("there is no home to keep runs in; name a directory with --store".to_owned())
        }),
    }
}

fn open(place: &Place) -> Result<Store, Failure> {
    Ok(Store::open(&place_of(place)?.0)?)
}

fn say_notes(store: &mut Store, context: &Context<'_>) {
    store.take_notes().iter().for_each(|note| context.console.note(note));
}

fn list(args: &List, context: &Context<'_>) -> Result<u8, Failure> {
    let (dir, is_named) = place_of(&args.place)?;
    if !is_named && !dir.exists() {
        context.console.note(&format!(
            "no runs yet: {} is not there; `pellucid runs add DIR` makes it, `pellucid runs init` makes one here",
            dir.display()
        ));
        let none = json!({"store": dir, "runs": [], "found": 0, "all": 0, "unreadable": []});
        return if context.json { context.print_json("runs-list", none) } else { Ok(0) };
    }
    let mut store = Store::open(&dir)?;
    let filter = Filter {
        verb: args.verb.clone(),
        tag: args.tag.clone(),
        text: args.text.clone(),
        since: args.since.clone(),
        limit: Some(args.limit.get()),
        skip: args.skip,
        order: args.sort.into(),
    };
    let listing = store.list(&filter)?;
    say_notes(&mut store, context);
    let Listing { runs, n_found, n_all, unreadable, .. } = &listing;
    if context.json {
        let body =
            json!({"store": dir, "runs": runs, "found": n_found, "all": n_all, "unreadable": unreadable});
        return context.print_json("runs-list", body);
    }
    if !runs.is_empty() {
        let columns =
            std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).unwrap_or(80).clamp(60, 250);
        print(&table::table(runs, columns))?;
    }
    let found = if n_found == n_all { String::new() } else { format!(" that fit, of {n_all}") };
    let shown = if runs.len() == *n_found { String::new() } else { format!("{} of ", runs.len()) };
    let plural = if *n_found == 1 { "" } else { "s" };
    context.console.done(&format!("{shown}{n_found} run{plural}{found} in {}", dir.display()));
    if let [first, rest @ ..] = unreadable.as_slice() {
        let more = if rest.is_empty() {
            String::new()
        } else {
            format!(" (and {} more; `pellucid runs reindex` lists them)", rest.len())
        };
        context.console.note(&format!("can't be read: {}{more}", first.reason));
    }
    Ok(0)
}

/// The run of a folder, or of an id in the store; then with its whole id.
fn one(
    text: &str,
    place: &Place,
    context: &Context<'_>,
) -> Result<(Option<String>, PathBuf, Run, Notes), Failure> {
    let path = Path::new(text);
    // What is there under this name is meant; a store's ids are no paths.
    let is_run = path.is_file() || path.join(pellucid_runs::FILE).is_file();
    if is_run {
        let folder = if path.is_file() { path.parent().unwrap_or(Path::new("")) } else { path };
        return Ok((None, folder.to_owned(), Run::read(path)?, Notes::read(folder)?));
    }
    let mut store = open(place)?;
    let found = store.get(text)?;
    say_notes(&mut store, context);
    Ok((Some(found.id), found.folder, found.run, found.notes))
}

fn diff(args: &Diff, context: &Context<'_>) -> Result<u8, Failure> {
    let (a, _, left, _) = one(&args.left, &args.place, context)?;
    let (b, _, right, _) = one(&args.right, &args.place, context)?;
    let all = differences(&left, &right);
    if context.json {
        let line = |one: &Difference| json!({"part": one.part.word(), "name": one.name, "left": one.left, "right": one.right});
        let body = json!({"left": a, "right": b, "differences": all.iter().map(line).collect::<Vec<_>>()});
        return context.print_json("runs-diff", body);
    }
    let text = |value: &Option<Value>| value.as_ref().map_or_else(|| "-".to_owned(), in_short);
    let line = |one: &Difference| {
        format!("{} {}: {} -> {}\n", pad(one.part.word(), 8), one.name, text(&one.left), text(&one.right))
    };
    print(&all.iter().map(line).collect::<String>())?;
    let plural = if all.len() == 1 { "" } else { "s" };
    context.console.done(&format!("{} difference{plural}, besides when and how long", all.len()));
    Ok(0)
}

fn show(args: &Show, context: &Context<'_>) -> Result<u8, Failure> {
    let (id, folder, run, notes) = one(&args.run, &args.place, context)?;
    if context.json {
        let body = json!({"id": id, "folder": folder, "run": run, "tags": notes.tags, "note": notes.note});
        return context.print_json("runs-show", body);
    }
    let mut lines: Vec<(&str, String)> = Vec::new();
    lines.extend(id.map(|id| ("id", id)));
    lines.push(("run", format!("{}, {} with version {}", run.verb, run.started, run.version)));
    lines.push(("took", format!("{} seconds", table::seconds(run.seconds))));
    if !notes.tags.is_empty() {
        lines.push(("tags", notes.tags.into_iter().collect::<Vec<_>>().join(" ")));
    }
    lines.extend(notes.note.map(|note| ("note", note)));
    for (word, files) in [("input", &run.inputs), ("output", &run.outputs)] {
        lines.extend(files.iter().map(|file| {
            let hash = file
                .sha256
                .as_ref()
                .map(|hash| format!("sha256 {}…", hash.chars().take(12).collect::<String>()));
            (word, format!("{} ({}), {}", file.path, file.role, hash.unwrap_or_else(|| "no hash".to_owned())))
        }));
    }
    for (word, entries) in [("option", &run.options), ("result", &run.results)] {
        lines.extend(entries.iter().map(|(name, value)| (word, format!("{name} = {}", in_short(value)))));
    }
    lines.push(("again", super::in_shell_words(&run.command)));
    lines.push(("folder", folder.display().to_string()));
    print(&lines.iter().map(|(word, text)| format!("{} {text}\n", pad(word, 8))).collect::<String>())
}

/// A value on a line; `--json` has all of it.
fn in_short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 200 {
        text
    } else {
        format!("{}…", text.chars().take(199).collect::<String>())
    }
}

fn add(args: &Add, context: &Context<'_>) -> Result<u8, Failure> {
    // What can't be is said before anything is done.
    let tags: std::collections::BTreeSet<String> = args.tag.iter().cloned().collect();
    Notes { tags: tags.clone(), ..Notes::default() }.check()?;
    let mut store = Store::create(&place_of(&args.place)?.0)?;
    let mut all = Vec::new();
    for folder in &args.folders {
        let added = store.add_folder(folder)?;
        if !tags.is_empty() {
            store.annotate(&added.id, |notes| notes.tags.extend(tags.iter().cloned()))?;
        }
        let Added { id, folder: to, was_there, left, .. } = &added;
        for file in left {
            context
                .console
                .note(&format!("{}: not as the run left it, and not copied", folder.join(file).display()));
        }
        if *was_there {
            context.console.done(&format!("{} is there already, as {}", folder.display(), short_id(id)));
        } else {
            context.console.done(&format!(
                "added {} as {}: {}",
                folder.display(),
                short_id(id),
                to.display()
            ));
        }
        all.push(json!({"id": id, "folder": to, "from": folder, "was_there": was_there, "left": left}));
    }
    say_notes(&mut store, context);
    if context.json {
        context.print_json("runs-add", json!({"store": store.dir(), "runs": all}))
    } else {
        Ok(0)
    }
}

fn tag(args: &Tag, context: &Context<'_>) -> Result<u8, Failure> {
    annotate(&args.place, &args.id, context, |notes| {
        for tag in &args.tags {
            if args.remove {
                notes.tags.remove(tag);
            } else {
                notes.tags.insert(tag.clone());
            }
        }
    })
}

fn note(args: &Note, context: &Context<'_>) -> Result<u8, Failure> {
    let text = Some(args.text.clone()).filter(|text| !text.trim().is_empty());
    annotate(&args.place, &args.id, context, |notes| notes.note = text)
}

fn annotate(
    place: &Place,
    id: &str,
    context: &Context<'_>,
    change: impl FnOnce(&mut Notes),
) -> Result<u8, Failure> {
    let mut store = open(place)?;
    let (id, notes) = store.annotate(id, change)?;
    say_notes(&mut store, context);
    if context.json {
        return context.print_json("runs-tag", json!({"id": id, "tags": notes.tags, "note": notes.note}));
    }
    let tags = notes.tags.iter().map(|tag| format!("#{tag}")).chain(notes.note);
    let words = tags.collect::<Vec<_>>().join(" ");
    let words = if words.is_empty() { "no tags and no note" } else { &words };
    context.console.done(&format!("{}: {words}", short_id(&id)));
    Ok(0)
}

fn reindex(args: &Reindex, context: &Context<'_>) -> Result<u8, Failure> {
    let mut store = open(&args.place)?;
    let done = store.reindex()?;
    say_notes(&mut store, context);
    if context.json {
        let body = json!({
            "store": store.dir(), "journal": store.journal(), "read": done.read, "added": done.added,
            "refreshed": done.refreshed, "removed": done.removed, "cleaned": done.cleaned,
            "unreadable": done.unreadable,
        });
        return context.print_json("runs-reindex", body);
    }
    let mut text = format!(
        "{} folders read: {} were new to the index, {} had changed, {} are gone\n",
        done.read, done.added, done.refreshed, done.removed
    );
    if done.cleaned > 0 {
        text += &format!("{} that killed writers had left unfinished were removed\n", done.cleaned);
    }
    for folder in &done.unreadable {
        text += &format!("can't be read: {}\n", folder.reason);
    }
    print(&text)
}

fn init(args: &Init, context: &Context<'_>) -> Result<u8, Failure> {
    if args.dir.join(pellucid_runs::FILE).exists() {
        return Err(Failure::Usage(format!(
            "`{}` is the folder of one run; name another directory",
            args.dir.display()
        )));
    }
    let mut store = Store::create(&args.dir)?;
    say_notes(&mut store, context);
    let dir = store.dir().display();
    context
        .console
        .done(&format!("{dir} is a store of runs; `--run {dir}` makes a folder in it for each run"));
    if context.json { context.print_json("runs-init", json!({"store": store.dir()})) } else { Ok(0) }
}
