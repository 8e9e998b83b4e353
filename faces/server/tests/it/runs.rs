//! Are runs found, told, compared, kept and annotated; and is nothing read or written that was not opened?

use std::path::Path;
use std::time::Instant;

use pellucid_runs::{Artifact, FILE, Notes, Run, SCHEMA, Store};
use pellucid_server::Address;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn run(verb: &str, day: u32, inputs: Vec<Artifact>, outputs: Vec<Artifact>) -> Run {
    Run {
        schema: SCHEMA.to_owned(),
        version: "0.1.0".to_owned(),
        verb: verb.to_owned(),
        command: ["pellucid", verb, "a model.json", "adult.csv"].map(str::to_owned).to_vec(),
        started: format!("2026-11-{:02}T10:00:{:02}Z", 1 + day / 60 % 28, day % 60),
        seconds: f64::from(day),
        inputs,
        outputs,
        options: [("theta".to_owned(), day.into())].into(),
        results: [("rows".to_owned(), 3.into())].into(),
    }
}

fn plain(path: &str) -> Artifact {
    Artifact { role: "data".to_owned(), path: path.to_owned(), sha256: None, bytes: None }
}

fn open(paths: &[&Path]) -> Server {
    let sources = paths.iter().map(|path| Source::File((*path).to_owned())).collect();
    Server::of(Arc::new(Workbench::open(sources, options()).unwrap()), None)
}

fn post(server: &Server, target: &str, headers: &str, body: &[u8]) -> Reply {
    let host = server.address;
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    Reply::of(&server.raw(&[head.as_bytes(), body].concat()))
}

/// As the server's own page does.
fn own(server: &Server, target: &str, body: &Value) -> Reply {
    let headers = format!(
        "Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n",
        server.address
    );
    loop {
        let reply = post(server, target, &headers, body.to_string().as_bytes());
        if reply.status != 202 {
            return reply;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn ids(answer: &Value) -> Vec<String> {
    answer["list"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_store_is_opened_beside_files_and_other_folders_are_told_what_they_lack() {
    let folder = tempfile::tempdir().unwrap();
    let (store, single) = (folder.path().join("runs"), folder.path().join("one"));
    Store::create(&store).unwrap();
    run("explain", 1, vec![], vec![]).write(&single).unwrap();
    let server = open(&[&store, &single, &single.join(FILE), &fixture("tour/adult-xgboost.ubj")]);
    let session = server.answer("/api/session");
    let kinds: Vec<&str> =
        session["things"].as_array().unwrap().iter().map(|t| t["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["run", "run", "run", "model"]);
    let page = session["pages"].as_array().unwrap().iter().find(|page| page["page"] == "runs").unwrap();
    assert_eq!(page["params"]["runs"], "runs");
    assert_eq!(server.answer("/api/runs")["n_all"], 0);
    assert_eq!(server.answer("/api/runs?runs=one")["run"]["verb"], "explain");
    assert_eq!(server.answer("/api/runs?runs=run")["run"]["started"], "2026-11-01T10:00:01Z");

    // A store that was copied without its index is one.
    let copied = Workbench::open(vec![Source::File(folder.path().to_owned())], options()).unwrap();
    assert_eq!(copied.things().len(), 1);
    let other = tempfile::tempdir().unwrap();
    let failed = Workbench::open(vec![Source::File(other.path().to_owned())], options()).err().unwrap();
    for word in ["config.json", "run.json", "store of runs"] {
        assert!(failed.message.contains(word), "{failed}");
    }
}

#[test]
fn two_thousand_runs_are_listed_by_pages_filtered_and_sorted() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("runs");
    Store::create(&store).unwrap();
    for day in 0..2_000_u32 {
        let verb = if day % 4 == 0 { "predict" } else { "explain" };
        let at = store.join(format!("r{day:04}"));
        run(verb, day, vec![plain("adult.csv"), plain(&format!("m{day}.json"))], vec![]).write(&at).unwrap();
        if day % 500 == 0 {
            let notes = json!({"schema": "pellucid.run-notes/1", "tags": ["paper"], "note": "look"});
            fs_err::write(at.join("notes.json"), notes.to_string()).unwrap();
        }
    }
    fs_err::create_dir(store.join("broken")).unwrap();
    fs_err::write(store.join("broken").join(FILE), "{").unwrap();
    let server = open(&[&store]);
    let begun = Instant::now();
    let all = server.answer("/api/runs");
    let first = begun.elapsed();
    let begun = Instant::now();
    server.answer("/api/runs?from=100");
    let next = begun.elapsed();
    println!("2000 runs: {first:?} with an index that is made, {next:?} then");
    assert!(next < Duration::from_secs(2), "{next:?}");
    assert_eq!((all["n_all"].as_u64(), all["n_found"].as_u64()), (Some(2_000), Some(2_000)));
    assert_eq!(ids(&all).len(), 100);
    assert_eq!(all["n_unreadable"], 1);
    assert!(all["unreadable"][0]["reason"].as_str().unwrap().contains("broken"));
    assert_eq!(all["verbs"], json!([{"name": "explain", "n": 1_500}, {"name": "predict", "n": 500}]));
    assert_eq!(all["tags"], json!([{"name": "paper", "n": 4}]));
    // All pages together are all runs, each once.
    let mut seen = std::collections::BTreeSet::new();
    for from in (0..2_000).step_by(100) {
        seen.extend(ids(&server.answer(&format!("/api/runs?from={from}"))));
    }
    assert_eq!(seen.len(), 2_000);
    assert_eq!(ids(&server.answer("/api/runs?from=2000")).len(), 0);
    assert_eq!(ids(&server.answer("/api/runs?sort=longest"))[0], "r1999");
    assert_eq!(server.answer("/api/runs?tag=paper&verb=predict")["n_found"], 4);
    assert_eq!(ids(&server.answer("/api/runs?text=m1234.json")), ["r1234"]);
    let typo = server.answer("/api/runs?verb=explian");
    assert_eq!(typo["n_found"], 0);
    assert!(typo["notes"][0].as_str().unwrap().contains("did you mean `explain`?"), "{}", typo["notes"]);

    // What another program writes meanwhile is there at once, and what is gone is gone.
    let id = Store::open(&store).unwrap().add(&run("rules", 1_999, vec![], vec![]), &[]).unwrap().id;
    assert_eq!(ids(&server.answer("/api/runs?verb=rules")), std::slice::from_ref(&id));
    fs_err::remove_dir_all(store.join(&id)).unwrap();
    assert_eq!(server.get(&format!("/api/runs?run={id}")).status, 404);
    assert_eq!(server.answer("/api/runs")["n_all"], 2_000);
}

#[test]
fn a_run_tells_how_it_is_done_again_and_what_became_of_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    for (name, text) in
        [("same.csv", "a,b\n1,2\n"), ("changed.csv", "abc"), ("gone.csv", "abc"), ("secret.csv", "k\n7\n")]
    {
        fs_err::write(dir.join(name), text).unwrap();
    }
    let of = |name: &str| Artifact::of("data", &dir.join(name)).unwrap();
    let inputs = vec![of("same.csv"), of("changed.csv"), of("gone.csv"), plain("-")];
    let made = dir.join("made");
    fs_err::create_dir(&made).unwrap();
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    for (name, text) in [
        ("a.svg", svg),
        ("b.csv", "x,y\n1,u\n2,v\n"),
        ("c.json", "{\"a\": {\"b\": [1, 2]}}"),
        ("d.bin", "?"),
        ("e.svg", "no picture"),
    ] {
        fs_err::write(made.join(name), text).unwrap();
    }
    let mut outputs: Vec<Artifact> =
        ["a.svg", "b.csv", "c.json", "d.bin", "e.svg"].map(|name| of(&format!("made/{name}"))).to_vec();
    #[cfg(unix)]
    std::os::unix::fs::symlink(dir.join("secret.csv"), made.join("link.csv")).unwrap();
    outputs.extend(["link.csv", "../secret.csv", "/etc/passwd", "made/../../secret.csv"].map(plain));
    run("explain", 1, inputs, outputs).write(&made).unwrap();
    let store = dir.join("runs");
    let id = Store::create(&store).unwrap().add_folder(&made).unwrap().id;
    fs_err::write(dir.join("changed.csv"), "abd").unwrap();
    fs_err::remove_file(dir.join("gone.csv")).unwrap();

    let server = open(&[&store, &made, &dir.join("same.csv")]);
    for which in [format!("runs=runs&run={id}"), "runs=made".to_owned()] {
        let answer = server.answer(&format!("/api/runs?{which}"));
        assert_eq!(answer["run"]["again"], "pellucid explain 'a model.json' adult.csv");
        assert_eq!(answer["run"]["inputs"][0]["opened"], json!({"kind": "data", "id": "same"}));
        assert_eq!(
            answer["run"]["options"],
            json!([{"name": "theta", "depth": 0, "kind": "number", "text": "1"}])
        );
        let states = server.answer(&format!("/api/runs/files?{which}"));
        assert_eq!(states["inputs"], json!(["same", "changed", "gone", "unknown"]), "{which}");
        assert_eq!(states["outputs"][1], "same");

        let shown = |at: usize| server.get(&format!("/api/runs/output?{which}&output={at}"));
        assert_eq!(shown(0).json()["svg"], svg);
        assert_eq!(shown(1).json()["rows"], json!([["1", "u"], ["2", "v"]]));
        assert_eq!(shown(2).json()["rows"], json!([["a.b", "[1,2]"]]));
        assert_eq!((shown(3).status, shown(4).status), (422, 422));
        // Nothing outside of the folder is shown, whatever the run says.
        for at in 5..9 {
            let reply = shown(at);
            assert_eq!(reply.status, 404, "{which} {at}: {}", reply.body);
            assert!(!reply.body.contains("7\\n"));
        }
        assert_eq!(shown(9).status, 404);
    }
    // What is written to is read again.
    fs_err::write(dir.join("changed.csv"), "abc").unwrap();
    assert_eq!(server.answer("/api/runs/files?runs=made")["inputs"][1], "same");
}

#[test]
fn two_runs_differ_in_what_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs");
    let mut store = Store::create(&path).unwrap();
    let a = store.add(&run("explain", 1, vec![plain("a.csv")], vec![]), &[]).unwrap().id;
    let b = store.add(&run("explain", 2, vec![plain("b.csv")], vec![]), &[]).unwrap().id;
    let server = open(&[&path]);
    let answer = server.answer(&format!("/api/runs?run={a}&other={b}"));
    let all = answer["differences"].as_array().unwrap();
    let named: Vec<String> = all
        .iter()
        .map(|one| format!("{} {}", one["part"].as_str().unwrap(), one["name"].as_str().unwrap()))
        .collect();
    assert_eq!(named, ["input data", "option theta"]);
    assert_eq!((&all[1]["left"], &all[1]["right"]), (&json!("1"), &json!("2")));
    assert_eq!(server.answer(&format!("/api/runs?run={a}&other={a}"))["differences"], json!([]));
    // The end of a name is enough, as for the command.
    assert_eq!(server.answer(&format!("/api/runs?run={}", &a[16..]))["run"]["id"], a);
}

#[test]
fn wrong_questions_are_told_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs");
    Store::create(&path).unwrap();
    let server = open(&[&path, &fixture("tour/adult.csv")]);
    for (target, status, word) in [
        ("/api/runs?runs=rus", 404, "did you mean `runs`?"),
        ("/api/runs?runs=adult", 404, "no store of runs"),
        ("/api/runs?run=x", 404, "runs list"),
        ("/api/runs?run=..", 404, "no run"),
        ("/api/runs?run=.new", 404, "no run"),
        ("/api/runs?run=../../etc", 404, "no run"),
        ("/api/runs?vreb=explain", 400, "did you mean `verb`?"),
        ("/api/runs?sort=newst", 400, "did you mean `newest`?"),
        ("/api/runs?since=yesterday", 400, "2026-11-27"),
        ("/api/runs?since=2026-13-99", 400, "since=2026-13-99: "),
        ("/api/runs?from=-1", 400, "from=-1"),
        ("/api/runs?other=x", 400, "`run`"),
        ("/api/runs?tag=a&tag=b", 400, "twice"),
        ("/api/runs/files", 400, "`run`"),
        ("/api/runs/output?run=x", 404, "no run"),
        ("/api/runs/outputs", 404, "nothing stands"),
    ] {
        server.refuses(target, status, word);
    }
    assert_eq!(server.get(&format!("/api/runs?text={}", "a".repeat(500))).status, 400);
    // A store that is gone is told, and is no end of the server.
    fs_err::remove_dir_all(&path).unwrap();
    assert_eq!(server.get("/api/runs").status, 422);
    assert_eq!(server.get("/api/session").status, 200);
}

#[test]
fn what_the_address_leaves_to_the_page_is_kept_too_and_tags_can_be_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs");
    Store::create(&path).unwrap();
    let server = open(&[&path, &fixture("tour/adult-xgboost.ubj"), &fixture("tour/adult.csv")]);
    server.answer("/api/row?row=3");
    let kept = own(&server, "/api/runs/keep", &json!({"address": "/api/row?row=3"}));
    assert_eq!(kept.status, 200, "{}", kept.body);
    let id = kept.json()["run"].as_str().unwrap().to_owned();
    let found = Store::open(&path).unwrap().get(&id).unwrap();
    let roles: Vec<&str> = found.run.inputs.iter().map(|file| file.role.as_str()).collect();
    assert_eq!(roles, ["model", "data"]);

    let tags = |n: usize| -> Vec<String> { (0..n).map(|at| format!("tag-{at}")).collect() };
    assert_eq!(own(&server, "/api/runs/annotate", &json!({"run": id, "add_tags": tags(65)})).status, 400);
    assert_eq!(own(&server, "/api/runs/annotate", &json!({"run": id, "add_tags": tags(64)})).status, 200);
    assert_eq!(server.answer(&format!("/api/runs?run={id}"))["run"]["tags"].as_array().unwrap().len(), 64);
}

#[test]
fn an_answer_is_kept_with_what_it_stands_on_and_can_be_annotated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs");
    Store::create(&path).unwrap();
    let server = open(&[&path, &fixture("tour/adult-xgboost.ubj"), &fixture("tour/adult.csv")]);
    let address = "/api/row?data=adult&model=adult-xgboost&row=17";
    let answer = server.answer(address);
    let body = json!({"address": "/api/row?row=17&model=adult-xgboost&data=adult", "note": "odd", "tags": ["paper"]});
    let kept = own(&server, "/api/runs/keep", &body);
    assert_eq!(kept.status, 200, "{}", kept.body);
    let id = kept.json()["run"].as_str().unwrap().to_owned();
    let found = Store::open(&path).unwrap().get(&id).unwrap();
    assert_eq!((found.run.verb.as_str(), &found.run.options["address"]), ("workbench", &json!(address)));
    assert_eq!(found.run.options["row"], "17");
    assert_eq!(
        found.notes,
        Notes { tags: ["paper".to_owned()].into(), note: Some("odd".to_owned()), ..Notes::default() }
    );
    let hashed: Vec<(String, Option<u64>)> =
        found.run.inputs.iter().map(|file| (file.role.clone(), file.bytes)).collect();
    let size = |name: &str| Some(fs_err::metadata(fixture(name)).unwrap().len());
    assert_eq!(
        hashed,
        [("model".to_owned(), size("tour/adult-xgboost.ubj")), ("data".to_owned(), size("tour/adult.csv"))]
    );
    let written: Value =
        serde_json::from_slice(&fs_err::read(found.folder.join("answer.json")).unwrap()).unwrap();
    assert_eq!(written, answer);
    assert!(fs_err::read_to_string(found.folder.join("waterfall.svg")).unwrap().contains("<style>"));
    let told = server.answer(&format!("/api/runs?run={id}"));
    assert_eq!(told["run"]["again"], answer["command"]);
    assert_eq!(told["run"]["address"], address);
    let states = server.answer(&format!("/api/runs/files?run={id}"));
    assert!(
        states["inputs"]
            .as_array()
            .unwrap()
            .iter()
            .chain(states["outputs"].as_array().unwrap())
            .all(|state| state == "same")
    );

    let change = json!({"run": id, "add_tags": ["second"], "remove_tags": ["paper"], "note": ""});
    let annotated = own(&server, "/api/runs/annotate", &change);
    assert_eq!(annotated.status, 200, "{}", annotated.body);
    let notes = Store::open(&path).unwrap().get(&id).unwrap().notes;
    assert_eq!(notes, Notes { tags: ["second".to_owned()].into(), ..Notes::default() });
    // What is not named stays.
    own(&server, "/api/runs/annotate", &json!({"run": id, "note": "n"}));
    let reply = own(&server, "/api/runs/annotate", &json!({"run": id, "add_tags": ["third"]}));
    assert_eq!(reply.json()["note"], "n");
    assert_eq!(reply.json()["tags"], json!(["second", "third"]));

    for (target, body, status, word) in [
        ("/api/runs/keep", json!({}), 400, "missing field `address`"),
        (
            "/api/runs/keep",
            json!({"adress": "/api/row"}),
            400,
            "unknown field `adress`, expected one of `address`",
        ),
        ("/api/runs/keep", json!({"address": "/api/runs"}), 400, "answer of a page"),
        ("/api/runs/keep", json!({"address": "/etc/passwd"}), 400, "answer of a page"),
        ("/api/runs/keep", json!({"address": "/api/raw"}), 404, "nothing stands"),
        ("/api/runs/keep", json!({"address": "/api/row?row=99999999"}), 400, "row"),
        ("/api/runs/keep", json!({"address": address, "tags": ["two words"]}), 400, "one word"),
        ("/api/runs/keep", json!({"address": address, "note": "a".repeat(5_000)}), 400, "4096 bytes"),
        ("/api/runs/keep", json!({"address": address, "runs": "rus"}), 404, "did you mean `runs`?"),
        ("/api/runs/keep", json!([1]), 400, "no JSON object"),
        ("/api/runs/annotate", json!({"run": "nope"}), 404, "no run"),
        ("/api/runs/annotate", json!({"run": "../runs"}), 404, "no run"),
        ("/api/runs/annotate", json!({"run": id, "add_tags": "x"}), 400, "invalid type"),
        ("/api/runs/annotate", json!({"run": id, "note": "a".repeat(70_000)}), 413, "more than"),
    ] {
        let reply = own(&server, target, &body);
        assert!(
            reply.status == status || (word == "row" && (400..500).contains(&reply.status)),
            "{target} {}: {}",
            reply.status,
            reply.body
        );
        assert!(reply.error().contains(word), "{target}: {}", reply.error());
    }
    assert_eq!(server.answer("/api/runs")["n_all"], 1, "what was refused left nothing");

    // Without a store there is nowhere to keep.
    let without = open(&[&fixture("tour/adult-xgboost.ubj"), &fixture("tour/adult.csv")]);
    let refused = own(&without, "/api/runs/keep", &body);
    assert_eq!(refused.status, 404);
    assert!(refused.error().contains("pellucid runs init"), "{}", refused.error());
}

#[test]
fn pages_of_others_can_neither_keep_nor_annotate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs");
    let id = Store::create(&path).unwrap().add(&run("explain", 1, vec![], vec![]), &[]).unwrap().id;
    let server = open(&[&path, &fixture("tour/adult-xgboost.ubj"), &fixture("tour/adult.csv")]);
    let address = server.address;
    let keep = json!({"address": "/api/row?row=1"}).to_string();
    let annotate = json!({"run": id, "note": "evil"}).to_string();
    for headers in [
        String::new(),
        "Origin: http://evil.example\r\nContent-Type: application/json\r\n".to_owned(),
        "Origin: null\r\nContent-Type: text/plain\r\n".to_owned(),
        format!(
            "Origin: http://{address}\r\nSec-Fetch-Site: cross-site\r\nContent-Type: application/json\r\n"
        ),
        format!(
            "Origin: http://{address}\r\nOrigin: http://evil.example\r\nContent-Type: application/json\r\n"
        ),
        "Sec-Fetch-Site: same-site\r\nContent-Type: application/json\r\n".to_owned(),
    ] {
        for (target, body) in
            [("/api/runs/keep", &keep), ("/api/runs/annotate", &annotate), ("/api/jobs/cancel", &keep)]
        {
            let reply = post(&server, target, &headers, body.as_bytes());
            assert_eq!(reply.status, 403, "{target} with {headers:?}: {}", reply.body);
            assert!(!reply.head.contains("access-control"));
        }
    }
    // A form of its own page is no JSON, and is told so.
    let form = post(
        &server,
        "/api/runs/keep",
        &format!("Origin: http://{address}\r\nContent-Type: text/plain\r\n"),
        keep.as_bytes(),
    );
    assert_eq!(form.status, 400);
    assert!(form.error().contains("application/json"));
    let mut store = Store::open(&path).unwrap();
    assert_eq!(store.list(&pellucid_runs::Filter::default()).unwrap().n_all, 1);
    assert_eq!(store.get(&id).unwrap().notes, Notes::default());
}

thread_local!(static OPEN: (tempfile::TempDir, Server) = {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs");
    Store::create(&path).unwrap().add(&run("explain", 1, vec![], vec![plain("x.csv")]), &[]).unwrap();
    let server = open(&[&path, &fixture("tour/adult.csv")]);
    (folder, server)
});

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("/api/row?row=1")),
        Just(json!("2026")),
        Just(json!("../runs")),
    ];
    let name = prop_oneof![
        prop::sample::select(vec!["address", "run", "runs", "note", "tags", "add_tags", "remove_tags"])
            .prop_map(str::to_owned),
        "\\PC{0,6}",
    ];
    leaf.prop_recursive(3, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..5).prop_map(|all| all.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_body_is_a_bug(
        target in prop::sample::select(vec!["/api/runs/keep", "/api/runs/annotate"]),
        body in prop_oneof![any_json().prop_map(|value| value.to_string().into_bytes()), prop::collection::vec(any::<u8>(), 0..64)],
    ) {
        OPEN.with(|(_, server)| {
            let headers = format!("Origin: http://{}\r\nContent-Type: application/json\r\n", server.address);
            let reply = post(server, target, &headers, &body);
            // A note may be changed by chance; nothing is ever kept without a command.
            prop_assert!(reply.status == 200 || (400..500).contains(&reply.status), "{} {}", reply.status, reply.body);
            Ok(())
        })?;
    }

    #[test]
    fn no_address_of_runs_is_a_bug(
        path in prop::sample::select(vec!["/api/runs", "/api/runs/files", "/api/runs/output", "/api/jobs"]),
        parameters in prop::collection::vec(
            (
                prop::sample::select(vec!["runs", "run", "other", "verb", "tag", "text", "since", "sort", "from", "output", "x"]),
                prop_oneof!["\\PC{0,12}", "[0-9]{0,25}", Just("2026".to_owned()), Just("runs".to_owned()), Just("../..".to_owned()), Just("longest".to_owned())],
            ),
            0..5,
        ),
    ) {
        let pairs: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let address = Address::of(path, &pairs);
        let told = OPEN.with(|(_, server)| server.workbench.answer(&address).map(|_| ()));
        if let Err(failure) = told {
            prop_assert!(failure.status() < 500 && !failure.message.is_empty(), "{}: {}", address.canonical(), failure);
        }
    }
}

#[test]
fn an_export_holds_the_list_and_the_newest_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs");
    Store::create(&path).unwrap();
    for day in 0..30 {
        let mut one = run("explain", day, vec![plain("adult.csv")], Vec::new());
        one.results.insert(
            "metrics".to_owned(),
            json!({"auc": 0.912_345_678, "classes": ["no", "yes"], "note": null}),
        );
        one.write(&path.join(format!("r{day:02}"))).unwrap();
    }
    let server = open(&[&path]);
    let (page, notes) = pellucid_server::export::html(&server.workbench).unwrap();
    assert!(notes.is_empty(), "{notes:?}");
    let list = server.answer("/api/runs?runs=runs");
    let all: Vec<&str> =
        list["list"].as_array().unwrap().iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(all.len(), 30);
    let held: Vec<bool> =
        all.iter().map(|id| page.contains(&format!("\"/api/runs?run={id}&runs=runs\""))).collect();
    assert!(held[..25].iter().all(|held| *held) && held[25..].iter().all(|held| !held), "{held:?}");
    assert!(page.contains("\"/api/runs?runs=runs\"") && !page.contains("\"/api/runs/files"));
    // What stands inside of another is told below it, and as it was written.
    let told = server.answer(&format!("/api/runs?run={}&runs=runs", all[0]))["run"].clone();
    let lines: Vec<(&str, u64, &str, &str)> = told["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            (
                line["name"].as_str().unwrap(),
                line["depth"].as_u64().unwrap(),
                line["kind"].as_str().unwrap(),
                line["text"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("metrics", 0, "group", ""),
            ("auc", 1, "number", "0.912345678"),
            ("classes", 1, "text", "no, yes"),
            ("note", 1, "nothing", "not set"),
            ("rows", 0, "number", "3"),
        ]
    );
    let written: Value = serde_json::from_str(told["written"]["results"].as_str().unwrap()).unwrap();
    assert_eq!(written["metrics"]["classes"][1], "yes");
}
