//! Does a store hold what was put in, whatever becomes of its index?

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{Artifact, RunError, SCHEMA};

fn file(role: &str, path: &str, sha256: &str) -> Artifact {
    Artifact { role: role.to_owned(), path: path.to_owned(), sha256: Some(sha256.to_owned()), bytes: Some(3) }
}

fn run(verb: &str, day: u32, model: &str) -> Run {
    Run {
        schema: SCHEMA.to_owned(),
        version: "0.1.0".to_owned(),
        verb: verb.to_owned(),
        command: vec!["pellucid".to_owned(), verb.to_owned()],
        started: format!("2026-11-{day:02}T10:00:00Z"),
        seconds: 0.5,
        inputs: vec![file("model", model, "abcdef"), file("data", "adult.csv", "012345")],
        outputs: vec![],
        options: BTreeMap::new(),
        results: [("rows".to_owned(), 3.into()), ("outputs".to_owned(), serde_json::json!([1]))].into(),
    }
}

/// A store with three runs, and their names by age.
fn three() -> (tempfile::TempDir, Store, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(&folder.path().join("runs")).unwrap();
    let runs = [("explain", 1, "a_b.json"), ("predict", 2, "axb.json"), ("explain", 3, "c%.txt")];
    let ids = runs.map(|(verb, day, model)| store.add(&run(verb, day, model), &[]).unwrap().id);
    (folder, store, ids.to_vec())
}

fn ids(store: &mut Store, filter: &Filter) -> Vec<String> {
    store.list(filter).unwrap().runs.into_iter().map(|entry| entry.id).collect()
}

#[test]
fn the_newest_come_first_and_filters_choose() {
    let (_folder, mut store, names) = three();
    let [a, b, c] = [0, 1, 2].map(|at: usize| names[at].as_str());
    let all = Filter::default();
    let text = |text: &str| Filter { text: Some(text.to_owned()), ..Filter::default() };
    assert_eq!(ids(&mut store, &all), [c, b, a]);
    assert_eq!(ids(&mut store, &Filter { verb: Some("predict".to_owned()), ..all.clone() }), [b]);
    assert_eq!(ids(&mut store, &Filter { since: Some("2026-11-02".to_owned()), ..all.clone() }).len(), 2);
    // `_` and `%` are themselves.
    assert_eq!(ids(&mut store, &text("a_B")), [a]);
    assert_eq!(ids(&mut store, &text("%")), [c]);
    assert_eq!(ids(&mut store, &text("\\")).len(), 0);
    assert_eq!(ids(&mut store, &text("abcd")).len(), 3, "hashes by their beginning");
    assert_eq!(ids(&mut store, &text("bcde")).len(), 0);
    let oldest = Filter { order: Order::Oldest, skip: 1, ..all.clone() };
    assert_eq!(ids(&mut store, &oldest), [b, c]);
    let long = Run { seconds: 9.0, ..run("predict", 2, "long.json") };
    let longest = store.add(&long, &[]).unwrap().id;
    let first = Filter { order: Order::Longest, limit: Some(2), ..all.clone() };
    assert_eq!(ids(&mut store, &first), [longest.as_str(), c]);
    fs_err::remove_dir_all(store.dir().join(&longest)).unwrap();
    let two = store.list(&Filter { limit: Some(2), ..all }).unwrap();
    assert_eq!(two.verbs, [("explain".to_owned(), 2), ("predict".to_owned(), 1)]);
    assert_eq!((two.runs[0].inputs.len(), two.runs[0].n_inputs, two.runs[0].n_outputs), (2, 2, 0));
    assert_eq!((two.runs.len(), two.n_found, two.n_all), (2, 3, 3));
    let first = &two.runs[0];
    assert_eq!(first.model.as_ref().unwrap().path, "c%.txt");
    assert_eq!(first.data.as_ref().unwrap().sha256.as_deref(), Some("012345"));
    assert_eq!(first.results.keys().collect::<Vec<_>>(), ["rows"]);
    assert_eq!(store.journal(), "wal");
    assert_eq!(store.take_notes(), Vec::<String>::new());
}

#[test]
fn what_is_written_at_once_is_there_with_its_notes() {
    let (_folder, mut store, _) = three();
    let bytes = |name: &str| NewBytes { name: name.into(), bytes: b"{}".to_vec() };
    let notes = Notes { tags: ["kept".to_owned()].into(), note: Some("look".to_owned()), ..Notes::default() };
    let added = store.add_written(&run("workbench", 4, "m"), &[bytes("answer.json")], &notes).unwrap();
    assert_eq!(fs_err::read(added.folder.join("answer.json")).unwrap(), b"{}");
    assert_eq!(store.get(&added.id).unwrap().notes, notes);
    assert_eq!(store.list(&Filter::default()).unwrap().tags, [("kept".to_owned(), 1)]);
    for name in ["../answer.json", "run.json", ".hidden", "/tmp/x"] {
        let failed = store.add_written(&run("workbench", 5, "m"), &[bytes(name)], &notes);
        assert!(matches!(failed, Err(StoreError::Name { .. })), "{name}");
    }
    let odd = Notes { tags: ["two words".to_owned()].into(), ..Notes::default() };
    assert!(store.add_written(&run("workbench", 5, "m"), &[], &odd).is_err());
    assert_eq!(store.list(&Filter::default()).unwrap().n_all, 4, "nothing is left of what failed");
}

#[test]
fn a_run_is_found_by_what_is_enough_of_its_name() {
    let (_folder, mut store, names) = three();
    assert_eq!(store.get(&names[1]).unwrap().run, run("predict", 2, "axb.json"));
    assert_eq!(store.get(&names[1][..8]).unwrap().id, names[1]);
    assert_eq!(store.get(short_id(&names[2])).unwrap().id, names[2]);
    assert!(matches!(store.get("2026"), Err(StoreError::Ambiguous { ids, .. }) if ids == names));
    for text in ["", "nothing", "..", "../runs", "/"] {
        assert!(matches!(store.get(text), Err(StoreError::NoSuch { .. })), "{text}");
    }
}

#[test]
fn tags_and_notes_stay_with_the_folder() {
    let (_folder, mut store, names) = three();
    let id = names[0].as_str();
    let (_, notes) = store
        .annotate(id, |notes| {
            notes.tags.extend(["paper".to_owned(), "draft".to_owned()]);
            notes.note = Some("the first".to_owned());
        })
        .unwrap();
    assert_eq!(notes.tags.len(), 2);
    store.annotate(id, |notes| assert!(notes.tags.remove("draft"))).unwrap();
    let by_tag = Filter { tag: Some("paper".to_owned()), ..Filter::default() };
    let listed = store.list(&by_tag).unwrap().runs;
    assert_eq!((listed.len(), listed[0].id.as_str(), listed[0].note.as_deref()), (1, id, Some("the first")));
    assert_eq!(listed[0].tags, ["paper"]);
    for odd in ["", "two words", "a,b", "\u{1b}[31m"] {
        let wrong = store.annotate(id, |notes| assert!(notes.tags.insert(odd.to_owned())));
        assert!(matches!(wrong, Err(StoreError::Words { .. })), "{odd}");
    }
    // A file that is not ours is reported, not replaced, and hides nothing else.
    let path = store.dir().join(id).join(NOTES_FILE);
    fs_err::write(&path, "{\"schema\": \"pellucid.run-notes/9\"}").unwrap();
    assert!(matches!(store.annotate(id, |notes| notes.note = None), Err(StoreError::Notes { .. })));
    let listing = store.list(&Filter::default()).unwrap();
    assert_eq!((listing.runs.len(), listing.unreadable.len()), (3, 1));
    assert!(listing.unreadable[0].reason.contains("notes.json"), "{listing:?}");
    assert!(fs_err::read_to_string(&path).unwrap().contains("/9"));
}

#[test]
fn folders_are_the_truth() {
    let (folder, mut store, names) = three();
    let dir = store.dir().to_owned();
    // Copied in, changed, deleted and spoiled by hand.
    fs_err::create_dir(dir.join("by-hand")).unwrap();
    run("merge", 9, "m.json").write(&dir.join("by-hand")).unwrap();
    run("position", 1, "longer-than-before.json").write(&dir.join(&names[0])).unwrap();
    fs_err::remove_dir_all(dir.join(&names[1])).unwrap();
    fs_err::write(dir.join(&names[2]).join(FILE), "{").unwrap();
    fs_err::create_dir(dir.join("empty")).unwrap();
    fs_err::write(dir.join("a-file"), "").unwrap();
    let listing = store.list(&Filter::default()).unwrap();
    let shown: Vec<_> = listing.runs.iter().map(|entry| entry.verb.as_str()).collect();
    assert_eq!(shown, ["merge", "position"]);
    let unreadable: Vec<_> = listing.unreadable.iter().map(|folder| folder.id.as_str()).collect();
    assert_eq!(unreadable, [names[2].as_str(), "empty"]);
    assert!(matches!(store.get(&names[2]), Err(StoreError::Run(RunError::Shape { .. }))));
    let done = store.reindex().unwrap();
    assert_eq!((done.read, done.added, done.refreshed, done.removed), (4, 0, 0, 0));
    assert_eq!(done.unreadable, listing.unreadable);
    assert_eq!(store.list(&Filter::default()).unwrap(), listing);
    // Without the index, and with the first store still open on the one that is gone.
    for name in ["index.db", "index.db-wal", "index.db-shm"] {
        let _ = fs_err::remove_file(dir.join(name));
    }
    assert_eq!(Store::open(&dir).unwrap().list(&Filter::default()).unwrap(), listing);
    assert_eq!(store.list(&Filter::default()).unwrap(), listing);
    // And moved.
    let moved = folder.path().join("moved");
    fs_err::rename(&dir, &moved).unwrap();
    let mut store = Store::open(&moved).unwrap();
    assert_eq!(ids(&mut store, &Filter::default()).len(), 2);
    assert!(matches!(Store::open(&dir), Err(StoreError::NoStore { .. })));
}

#[test]
fn a_folder_is_added_with_what_came_out_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("run");
    fs_err::create_dir_all(here.join("deep")).unwrap();
    for (name, text) in [("deep/values.csv", "1"), ("changed.csv", "2"), ("private.txt", "not the run's")] {
        fs_err::write(here.join(name), text).unwrap();
    }
    let mut recorded = run("explain", 1, "m.json");
    recorded.outputs = ["deep/values.csv", "changed.csv"]
        .map(|name| Artifact { path: name.to_owned(), ..Artifact::of("values", &here.join(name)).unwrap() })
        .to_vec();
    recorded.write(&here).unwrap();
    fs_err::write(here.join("changed.csv"), "3").unwrap();
    let mut store = Store::create(&folder.path().join("runs")).unwrap();
    let added = store.add_folder(&here).unwrap();
    assert_eq!((added.was_there, added.left.as_slice()), (false, &[PathBuf::from("changed.csv")][..]));
    let names = |path: &Path| {
        let all =
            fs_err::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        all.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(names(&added.folder), ["deep", "run.json"].map(str::to_owned).into());
    assert_eq!(names(&added.folder.join("deep")), ["values.csv".to_owned()].into());
    let same =
        |name: &str| fs_err::read(here.join(name)).unwrap() == fs_err::read(added.folder.join(name)).unwrap();
    assert!(same("run.json") && same("deep/values.csv"));
    let again = store.add_folder(&here.join(FILE)).unwrap();
    assert_eq!((again.was_there, again.id), (true, added.id));
    assert_eq!(ids(&mut store, &Filter::default()).len(), 1);
    assert!(matches!(store.add_folder(folder.path()), Err(StoreError::NoRun { .. })));
    assert!(store.add_folder(&folder.path().join("nowhere")).is_err());
}

#[test]
fn files_have_names_within_the_folder() {
    let (folder, mut store, _) = three();
    let from = folder.path().join("x");
    fs_err::write(&from, "x").unwrap();
    let mut add =
        |name: &str| store.add(&run("explain", 4, "m"), &[NewFile { name: name.into(), from: from.clone() }]);
    for name in ["", "..", "../x", "/x", "run.json", "notes.json", ".hidden", "a/../../x"] {
        assert!(matches!(add(name), Err(StoreError::Name { .. })), "{name}");
    }
    let added = add("a/x").unwrap();
    assert_eq!(fs_err::read_to_string(added.folder.join("a/x")).unwrap(), "x");
    // What failed left nothing.
    assert_eq!(ids(&mut store, &Filter::default()).len(), 4);
    assert_eq!(store.reindex().unwrap().cleaned, 0);
}

#[test]
fn an_index_of_a_later_program_is_left_alone() {
    let (_folder, store, _) = three();
    let dir = store.dir().to_owned();
    store.index.sql.execute("UPDATE about SET value = '7.8.9' WHERE key = 'program'", []).unwrap();
    store.index.sql.pragma_update(None, "user_version", 99).unwrap();
    drop(store);
    let error = Store::open(&dir).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, StoreError::Later { found: 99, .. }), "{text}");
    let added = Store::add_without_index(&dir, &run("explain", 4, "m")).unwrap();
    assert!(added.folder.join(FILE).is_file());
    for piece in ["7.8.9", env!("CARGO_PKG_VERSION"), "index.db", "folders hold everything"] {
        assert!(text.contains(piece), "{text}");
    }
}

#[test]
fn an_index_that_is_damaged_while_open_is_made_anew() {
    // Tables that are gone; what is no JSON, which SQLite can't see.
    for damage in ["DROP TABLE artifacts; DROP TABLE tags", "UPDATE runs SET results = '{'"] {
        let (_folder, mut store, names) = three();
        let dir = store.dir().to_owned();
        store.index.sql.execute_batch(damage).unwrap();
        assert_eq!(ids(&mut store, &Filter::default()).len(), 3);
        let notes = store.take_notes();
        assert!(notes.len() == 1 && notes[0].contains("index.db.broken-"), "{damage}: {notes:?}");
        assert_eq!((store.journal(), store.kept), ("wal", Kept::NewFile));
        assert_eq!(store.get(&names[0]).unwrap().id, names[0]);
        let mut other = Store::open(&dir).unwrap();
        assert_eq!(ids(&mut other, &Filter::default()).len(), 3);
        assert_eq!(other.take_notes(), Vec::<String>::new());
        let broken = |entry: std::io::Result<fs_err::DirEntry>| {
            entry.unwrap().file_name().to_string_lossy().starts_with("index.db.broken-")
        };
        assert!(fs_err::read_dir(&dir).unwrap().any(broken));
    }
}

#[test]
fn a_file_system_without_shared_memory_gets_another_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(INDEX);
    if cfg!(unix) {
        assert_eq!(Index::open_with(&path, "unix-dotfile").unwrap().journal, "delete");
    }
    // From one to the other and back, with what it holds.
    assert_eq!(Index::open(&path, true).unwrap().journal, "wal");
    let index = Index::open(&path, false).unwrap();
    assert_eq!(index.journal, "delete");
    index.check().unwrap();
}

#[test]
#[cfg(unix)]
fn a_directory_that_cannot_be_written_to_is_read_all_the_same() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, store, names) = three();
    let dir = store.dir().to_owned();
    drop(store);
    for name in ["index.db", "index.db-wal", "index.db-shm"] {
        let _ = fs_err::remove_file(dir.join(name));
    }
    // A folder in its place stands for what can't be opened, also for root, whom rights don't stop.
    fs_err::create_dir(dir.join(INDEX)).unwrap();
    fs_err::set_permissions(&dir, std::fs::Permissions::from_mode(0o555)).unwrap();
    let mut store = Store::open(&dir).unwrap();
    assert_eq!(store.journal(), "memory");
    assert_eq!(ids(&mut store, &Filter::default()).len(), 3);
    assert_eq!(store.get(&names[0]).unwrap().id, names[0]);
    let notes = store.take_notes();
    assert!(notes.len() == 1 && notes[0].contains("all folders were read"), "{notes:?}");
    fs_err::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Bytes that look a little like what is read.
fn bytes_like(whole: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let changed = (
        Just(whole),
        proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        any::<Option<prop::sample::Index>>(),
    );
    let changed = changed.prop_map(|(mut bytes, changes, cut)| {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes
    });
    prop_oneof![proptest::collection::vec(any::<u8>(), 0..300), changed]
}

fn run_bytes() -> Vec<u8> {
    serde_json::to_vec(&run("explain", 1, "m.json")).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_as_a_run_are_a_run_or_are_reported(bytes in bytes_like(run_bytes()), notes in proptest::option::of(bytes_like(b"{\"schema\":\"pellucid.run-notes/1\",\"tags\":[\"a\"]}".to_vec()))) {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir(folder.path().join("x")).unwrap();
        fs_err::write(folder.path().join("x").join(FILE), &bytes).unwrap();
        if let Some(notes) = &notes {
            fs_err::write(folder.path().join("x").join(NOTES_FILE), notes).unwrap();
        }
        let mut store = Store::open(folder.path()).unwrap();
        let listing = store.list(&Filter::default()).unwrap();
        prop_assert!(listing.runs.len() + listing.unreadable.len() >= 1);
        prop_assert!(store.take_notes().is_empty(), "the index is not to blame");
        prop_assert_eq!(store.reindex().unwrap().unreadable, listing.unreadable);
        prop_assert_eq!(fs_err::read(folder.path().join("x").join(FILE)).unwrap(), bytes);
    }

    #[test]
    fn any_bytes_as_an_index_lose_no_run(random in proptest::collection::vec(any::<u8>(), 0..300), changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40), is_random in any::<bool>()) {
        let (_folder, store, mut names) = three();
        let dir = store.dir().to_owned();
        store.index.sql.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        drop(store);
        let mut bytes = fs_err::read(dir.join(INDEX)).unwrap();
        if is_random {
            bytes = random;
        } else {
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        fs_err::write(dir.join(INDEX), &bytes).unwrap();
        // One byte makes it a later program's; that is said, and is the only error.
        let mut store = match Store::open(&dir) {
            Err(StoreError::Later { .. }) => return Ok(()),
            other => other.unwrap(),
        };
        // A changed letter in a table is no damage that could be seen; reading the folders anew mends it.
        let listed = store.list(&Filter::default()).unwrap();
        prop_assert!(listed.runs.len() <= 3);
        let done = store.reindex().unwrap();
        prop_assert_eq!(done.read, 3);
        names.reverse();
        prop_assert_eq!(ids(&mut store, &Filter::default()), names);
    }
}
