//! Does a store lose a finished run when many processes write at once and some are killed?
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that can't go on fails")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pellucid_runs::{Artifact, Filter, NewFile, Run, SCHEMA, Store};

/// What makes this very program a writer, and where it writes.
const WRITE_TO: &str = "PELLUCID_TEST_WRITE_TO";

const WRITERS: usize = 10;

fn run(writer: u32, count: usize) -> Run {
    Run {
        schema: SCHEMA.to_owned(),
        version: "0.1.0".to_owned(),
        verb: "explain".to_owned(),
        command: vec!["pellucid".to_owned(), writer.to_string(), count.to_string()],
        // All in the same second: names differ by their letters alone.
        started: "2026-11-27T22:13:13Z".to_owned(),
        seconds: 0.25,
        inputs: vec![Artifact {
            role: "data".to_owned(),
            path: "x.csv".to_owned(),
            sha256: None,
            bytes: None,
        }],
        outputs: vec![],
        options: [("padding".to_owned(), "x".repeat(20_000).into())].into(),
        results: [("rows".to_owned(), count.into())].into(),
    }
}

/// Not a test by itself: one writer, which adds runs until it is killed or its input ends.
#[test]
fn writer() {
    let Some(dir) = std::env::var_os(WRITE_TO) else { return };
    let dir = Path::new(&dir);
    let me = std::process::id();
    let file = dir.with_file_name("artifact");
    let stop = std::thread::spawn(|| std::io::stdin().lock().read_until(b'.', &mut Vec::new()));
    let mut store = Store::open(dir).unwrap();
    let mut count = 0;
    while !stop.is_finished() {
        // Some leave the store and come back.
        if count % 7 == 6 {
            store = Store::open(dir).unwrap();
        }
        let files = [NewFile { name: "values/all.bin".into(), from: file.clone() }];
        let added = store.add(&run(me, count), &files).unwrap();
        if count % 5 == 0 {
            store.annotate(&added.id, |notes| assert!(notes.tags.insert("fifth".to_owned()))).unwrap();
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "added {} end", added.id).unwrap();
        out.flush().unwrap();
        count += 1;
    }
}

fn spawn(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["writer", "--exact", "--nocapture", "--test-threads", "1"])
        .env(WRITE_TO, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Names that a writer had reported when it ended; meanwhile `begun` counts who has reported any.
fn reported(output: impl std::io::Read, begun: &AtomicUsize) -> Vec<String> {
    let mut ids = Vec::new();
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        let id = line.split_once("added ").and_then(|(_, id)| id.strip_suffix(" end"));
        begun.fetch_add(usize::from(id.is_some() && ids.is_empty()), Ordering::SeqCst);
        ids.extend(id.map(str::to_owned));
    }
    ids
}

#[test]
fn ten_writers_of_which_half_are_killed_lose_no_finished_run() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("runs");
    fs_err::write(folder.path().join("artifact"), vec![7; 50_000]).unwrap();
    drop(Store::create(&dir).unwrap());

    let mut writers: Vec<Child> = (0..WRITERS).map(|_| spawn(&dir)).collect();
    let begun = Arc::new(AtomicUsize::new(0));
    let readers: Vec<_> = writers
        .iter_mut()
        .map(|writer| {
            let output = writer.stdout.take().unwrap();
            let begun = Arc::clone(&begun);
            std::thread::spawn(move || reported(output, &begun))
        })
        .collect();

    // Meanwhile somebody lists, and tidies up, which must not take anything from who is just writing.
    let mut store = Store::open(&dir).unwrap();
    let (start, mut all_begun) = (Instant::now(), None);
    let mut killed = 0;
    let mut seen = BTreeSet::new();
    let (mut rounds, mut cleaned) = (0, 0);
    loop {
        if begun.load(Ordering::SeqCst) == WRITERS {
            all_begun.get_or_insert_with(Instant::now);
        }
        let since = all_begun.map_or(Duration::ZERO, |at| at.elapsed());
        if killed == WRITERS / 2 && since > Duration::from_millis(2000) {
            break;
        }
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{} of {WRITERS} writers began",
            begun.load(Ordering::SeqCst)
        );
        let listing = store.list(&Filter::default()).unwrap();
        assert_eq!(listing.unreadable, [], "something half-written shows");
        let now: BTreeSet<String> = listing.runs.into_iter().map(|entry| entry.id).collect();
        assert!(now.is_superset(&seen), "a run that was listed is gone");
        seen = now;
        rounds += 1;
        if rounds % 4 == 0 {
            let done = store.reindex().unwrap();
            assert_eq!(done.unreadable, []);
            cleaned += done.cleaned;
        }
        // The killed ones at different moments of their work, once all are at it.
        if killed < WRITERS / 2 && since > Duration::from_millis(300 + 171 * killed as u64) {
            writers[killed].kill().unwrap();
            killed += 1;
        }
    }
    for (number, writer) in writers.iter_mut().enumerate() {
        drop(writer.stdin.take());
        let status = writer.wait().unwrap();
        let mut said = String::new();
        std::io::Read::read_to_string(&mut writer.stderr.take().unwrap(), &mut said).unwrap();
        assert_eq!(status.success(), number >= WRITERS / 2, "writer {number}: {status}: {said}");
    }
    let finished: Vec<Vec<String>> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    let n_finished = finished.iter().map(Vec::len).sum::<usize>();
    assert!(finished.iter().all(|ids| !ids.is_empty()), "each writer had finished some: {finished:?}");

    assert_eq!(store.take_notes(), Vec::<String>::new(), "the index was in use all the time");
    let mut store = Store::open(&dir).unwrap();
    let listing = store.list(&Filter::default()).unwrap();
    assert_eq!((listing.unreadable.len(), store.take_notes()), (0, vec![]));
    let there: BTreeSet<&str> = listing.runs.iter().map(|entry| entry.id.as_str()).collect();
    for id in finished.iter().flatten() {
        assert!(there.contains(id.as_str()), "{id} was finished and is lost");
    }
    // Who was killed may have had one run in place of which it had not yet told.
    assert!(there.len() <= n_finished + WRITERS / 2, "{} of {n_finished}", there.len());
    for id in &there {
        let found = store.get(id).unwrap();
        assert_eq!(found.run.options["padding"].as_str().unwrap().len(), 20_000);
        assert_eq!(fs_err::metadata(found.folder.join("values/all.bin")).unwrap().len(), 50_000);
    }

    let done = store.reindex().unwrap();
    assert_eq!((done.read, done.added, done.refreshed, done.removed), (there.len(), 0, 0, 0));
    cleaned += done.cleaned;
    assert!(cleaned <= WRITERS / 2, "{cleaned}");
    assert_eq!(store.reindex().unwrap().cleaned, 0);
    assert_eq!(store.list(&Filter::default()).unwrap(), listing);
    let left: Vec<_> =
        fs_err::read_dir(dir.join(".new")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.iter().all(|path| path.extension().is_some_and(|end| end == "guard")), "{left:?}");

    drop(store);
    for name in ["index.db", "index.db-wal", "index.db-shm"] {
        let _ = fs_err::remove_file(dir.join(name));
    }
    assert_eq!(Store::open(&dir).unwrap().list(&Filter::default()).unwrap(), listing);
    println!(
        "{n_finished} runs finished, {} there, {cleaned} cleaned, {rounds} listings meanwhile",
        there.len()
    );
}
