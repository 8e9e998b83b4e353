//! Does the page say of a profile and a posting what the engine says, and does a rejected line change what rests on it and nothing else?

use std::sync::Arc;

use pellucid_position::months::Day;
use pellucid_position::read::Input;
use pellucid_position::report::{compose, json};
use pellucid_position::{Request, analyze};
use pellucid_server::{Source, Workbench, export};
use serde_json::Value;

use super::{Server, fixture, options};

const DAY: &str = "as_of=2025-01-01";

fn twin() -> Vec<Source> {
    ["profile.md", "publications.bib", "posting.md"]
        .map(|name| Source::File(fixture(&format!("position/twin/{name}"))))
        .to_vec()
}

fn server() -> Server {
    Server::of(Arc::new(Workbench::open(twin(), options()).unwrap()), None)
}

fn input(name: &str) -> Input {
    let path = fixture(&format!("position/twin/{name}"));
    Input { name: path.display().to_string(), bytes: fs_err::read(&path).unwrap() }
}

/// What `pellucid position --json` says.
fn expected() -> Value {
    let request = Request {
        profile: vec![input("profile.md"), input("publications.bib")],
        posting: Some(input("posting.md")),
        ..Request::default()
    };
    let analysis = analyze(&request, Day::new(2025, 1, 1).unwrap()).unwrap();
    json(&analysis, &compose(&analysis))
}

fn list<'a>(value: &'a Value, name: &str) -> &'a Vec<Value> {
    value[name].as_array().unwrap()
}

#[test]
fn verdicts_fit_and_words_are_those_of_the_command() {
    let (told, expected) = (server().answer(&format!("/api/position?{DAY}")), expected());
    assert_eq!(told["schema"], "pellucid.workbench.position/1");
    let exact = [&told["fit"]["lo"]["text"], &told["fit"]["hi"]["text"]];
    assert_eq!(exact, [&expected["fit"]["exact"][0], &expected["fit"]["exact"][1]]);
    assert_eq!(told["fit"]["label"], expected["fit"]["label"]);
    assert_eq!(list(&told, "requirements").len(), list(&expected, "requirements").len());
    for (own, other) in list(&told, "requirements").iter().zip(list(&expected, "requirements")) {
        for name in ["id", "text", "status", "theme", "strength", "gate", "credit", "weight"] {
            assert_eq!(own[name], other[name], "{name}");
        }
        assert_eq!(own["because"], other["verdict"]["because"]);
        let quotes: Vec<&Value> = list(own, "cites")
            .iter()
            .map(|id| &list(&told, "facts").iter().find(|fact| fact["id"] == *id).unwrap()["quote"])
            .collect();
        let others: Vec<&Value> = list(other, "cites").iter().map(|cite| &cite["quote"]).collect();
        assert_eq!(quotes, others);
    }
    assert_eq!(told["before"], Value::Null);
    assert!(told["caution"].as_str().unwrap().contains("does not rank people"));
    assert!(told["command"].as_str().unwrap().ends_with("posting.md --as-of 2025-01-01"));
    assert!(told["python"].as_str().unwrap().contains("pel.position.analyze(["));
}

#[test]
fn texts_are_whole_and_their_marks_are_what_is_cited() {
    let told = server().answer(&format!("/api/position?{DAY}"));
    let documents = list(&told, "documents");
    assert_eq!(
        documents.iter().map(|own| own["role"].as_str().unwrap()).collect::<Vec<_>>(),
        ["profile", "profile", "posting"]
    );
    let pieces = |document: &Value| -> Vec<Value> {
        list(document, "blocks").iter().flat_map(|block| list(block, "pieces").clone()).collect()
    };
    for (kind, all) in [("facts", "quote"), ("requirements", "text")] {
        for one in list(&told, kind) {
            let id = &one["id"];
            let said: String = documents
                .iter()
                .flat_map(pieces)
                .filter(|piece| list(piece, "of").contains(id))
                .map(|piece| piece["text"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(&said, one[all].as_str().unwrap(), "{id}");
        }
    }
}

#[test]
fn a_rejected_line_changes_what_rests_on_it_and_nothing_else() {
    let server = server();
    let whole = server.answer(&format!("/api/position?{DAY}"));
    let degree = list(&whole, "requirements").iter().find(|own| own["id"] == "R14").unwrap();
    assert_eq!((degree["status"].as_str(), list(degree, "cites").len()), (Some("met"), 1));
    let fact = degree["cites"][0].as_str().unwrap();
    let told = server.answer(&format!("/api/position?{DAY}&reject={fact}"));
    for (own, before) in list(&told, "requirements").iter().zip(list(&whole, "requirements")) {
        let rested = list(before, "cites").iter().chain(list(before, "near")).any(|id| id == fact);
        if own["id"] == "R14" {
            assert_ne!(own["status"], "met");
            assert_eq!(own["was"], "met");
        } else if !rested {
            assert_eq!(own, before);
        }
        assert!(!list(own, "cites").iter().any(|id| id == fact));
    }
    assert_eq!(told["before"]["lo"], whole["fit"]["lo"]);
    assert!(told["fit"]["lo"]["value"].as_f64() < whole["fit"]["lo"]["value"].as_f64());
    let own = list(&told, "facts").iter().find(|own| own["id"] == fact).unwrap();
    assert_eq!(own["rejected"], true);
    assert_eq!(told["reviewed"], true);
    assert!(list(&told, "words").iter().any(|line| line["lead"] == "Not the documents alone"));
    assert!(
        list(&told, "notes")
            .iter()
            .any(|note| note.as_str().unwrap().contains("can't be said on the command line"))
    );
}

#[test]
fn wrong_questions_are_told_with_what_is_near() {
    let server = server();
    let wrong = |query: &str, status, said| server.refuses(&format!("/api/position?{query}"), status, said);
    wrong("as_of=2025-02-30", 400, "as 2025-01-31");
    wrong("posting=postin", 404, "did you mean `posting`?");
    wrong("profile=posting", 400, "it is the posting");
    wrong("reject=profil:0-3", 404, "did you mean `profile`?");
    wrong("reject=profile", 400, "as profile:10-42");
    wrong("reject=profile:1-3", 404, "the nearest is profile:0-");
    wrong("confirm=profile", 400, "as R3:profile:10-42");
    wrong("confirm=R99:profile:0-11", 404, "has no requirement R99");
    wrong("rejct=profile:0-3", 400, "did you mean `reject`?");
    // The posting as a profile of the CV.
    wrong("posting=profile&profile=posting", 400, "the posting comes last");
}

#[test]
fn one_document_alone_is_no_comparison() {
    let one = vec![Source::File(fixture("position/twin/profile.md"))];
    let server = Server::of(Arc::new(Workbench::open(one, options()).unwrap()), None);
    let session = server.get("/api/session").json();
    assert_eq!(session["things"][0]["kind"], "document");
    // What is being worked on can always be asked.
    assert_eq!(session["pages"], serde_json::json!([{"page": "jobs", "params": {}}]));
    let reply = server.get("/api/position");
    assert_eq!(reply.status, 404);
    assert!(reply.error().contains("profile.md is the only document"), "{}", reply.error());
}

#[test]
fn the_day_stands_in_the_address_and_an_export_holds_the_answer() {
    let workbench = Arc::new(Workbench::open(twin(), options()).unwrap());
    let server = Server::of(Arc::clone(&workbench), None);
    let session = server.get("/api/session").json();
    let page = list(&session, "pages").iter().find(|page| page["page"] == "position").unwrap();
    assert_eq!(page["params"]["posting"], "posting");
    let day = page["params"]["as_of"].as_str().unwrap().to_owned();
    assert_eq!(server.answer("/api/position")["as_of"], day);
    let page = export::html(&workbench).unwrap();
    assert!(page.0.contains(&format!("/api/position?as_of={day}&posting=posting")));
}

#[test]
fn a_report_that_was_cut_short_is_a_note_beside_what_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.json");
    let report = expected();
    fs_err::write(&path, serde_json::json!({"schema": report["schema"], "fit": report["fit"]}).to_string())
        .unwrap();
    let sources = twin().into_iter().chain([Source::File(path)]).collect();
    let workbench = Workbench::open(sources, options()).unwrap();
    assert_eq!(workbench.things().len(), 3);
    assert!(workbench.notes()[0].contains("saved.json"), "{:?}", workbench.notes());
}

#[test]
fn a_long_profile_is_shown_by_what_is_marked_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.md");
    let line = "- Carried the blue boxes from the cellar to the attic and wrote a list of them.\n";
    let text = format!(
        "# Experience\n\n## Porter, House, 2015-01 to 2019-12\n\n{}- Wrote the API in Python.\n",
        line.repeat(2_000)
    );
    fs_err::write(&path, text).unwrap();
    let sources = vec![Source::File(path), Source::File(fixture("position/twin/posting.md"))];
    let server = Server::of(Arc::new(Workbench::open(sources, options()).unwrap()), None);
    let told = server.answer(&format!("/api/position?{DAY}"));
    let document = &list(&told, "documents")[0];
    assert_eq!(document["cut"], true);
    assert!(list(document, "blocks").len() < 200);
    assert!(list(&told, "notes").iter().any(|note| note.as_str().unwrap().starts_with("long.md is long")));
}

#[test]
fn a_line_that_is_confirmed_is_stated_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs_err::write(&path, text).unwrap();
        Source::File(path)
    };
    let sources = vec![
        file(
            "cv.md",
            "# Experience\n\n## Gardener, Park, 2018-01 to 2022-12\n\n- Pruned old orchard pears by hand in winter frost.\n",
        ),
        file("ad.md", "# Requirements\n\n- Prune orchard pears carefully in winter\n- Experience with Go\n"),
    ];
    let server = Server::of(Arc::new(Workbench::open(sources, options()).unwrap()), None);
    let whole = server.answer(&format!("/api/position?{DAY}"));
    let asked = &list(&whole, "requirements")[0];
    let fact = asked["asks"].as_str().unwrap();
    assert_eq!(asked["status"], "unknown");
    let told = server.answer(&format!("/api/position?{DAY}&confirm=R1:{fact}"));
    let own = &list(&told, "requirements")[0];
    assert_eq!((own["status"].as_str(), own["was"].as_str()), (Some("claim_only"), Some("unknown")));
    assert_eq!(list(&told, "requirements")[1], list(&whole, "requirements")[1]);
    assert_eq!(told["confirmed"][0]["fact"], *fact);
    assert!(list(&told, "facts").iter().any(|own| own["id"] == *fact && own["confirmed"][0] == "R1"));
    assert!(list(&told, "words").iter().any(|line| line["text"] == "one line was confirmed by the person."));
}

/// A folder with the report that `pellucid position -o report.json` writes.
fn kept(change: impl Fn(&mut Value)) -> (tempfile::TempDir, Source) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    let mut report = expected();
    change(&mut report);
    fs_err::write(&path, format!("{report:#}\n")).unwrap();
    (folder, Source::File(path))
}

#[test]
fn a_report_that_was_kept_shows_what_its_documents_did() {
    let (_folder, source) = kept(|_| ());
    let workbench = Arc::new(Workbench::open(vec![source], options()).unwrap());
    let read = Server::of(Arc::clone(&workbench), None);
    let session = read.answer("/api/session");
    assert_eq!(session["things"][0]["kind"], "report");
    assert_eq!(session["pages"][0], serde_json::json!({"page": "position", "params": {"report": "report"}}));
    let (told, live) =
        (read.answer("/api/position?report=report"), server().answer(&format!("/api/position?{DAY}")));
    for name in ["lo", "hi", "label", "lead", "sentence", "raises", "open_gates"] {
        assert_eq!(told["fit"][name], live["fit"][name], "{name}");
    }
    for name in ["words", "to_settle", "as_of"] {
        assert_eq!(told[name], live[name], "{name}");
    }
    let quotes = |value: &Value, ids: &Value| -> Vec<String> {
        let of =
            |id: &Value| list(value, "facts").iter().find(|fact| fact["id"] == *id).unwrap()["quote"].clone();
        ids.as_array().unwrap().iter().map(|id| of(id).as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(list(&told, "requirements").len(), list(&live, "requirements").len());
    for (own, other) in list(&told, "requirements").iter().zip(list(&live, "requirements")) {
        for name in [
            "id", "text", "short", "status", "words", "because", "rule", "credit", "weight", "gate", "theme",
            "place", "insists",
        ] {
            assert_eq!(own[name], other[name], "{name}");
        }
        for name in ["cites", "near"] {
            assert_eq!(quotes(&told, &own[name]), quotes(&live, &other[name]), "{name} of {}", own["id"]);
        }
        let parts = |value: &Value| {
            list(value, "parts")
                .iter()
                .map(|part| (part["depth"].clone(), part["asked"].clone(), part["joint"].clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(parts(own), parts(other));
        // What a report does not hold is not made up.
        assert!(own["question"].is_null() && own["asks"].is_null());
    }
    // Every line that is cited stands in its document's panel, and nothing else does.
    let shown: Vec<&Value> = list(&told, "documents")
        .iter()
        .flat_map(|own| list(own, "blocks"))
        .flat_map(|own| list(own, "pieces"))
        .collect();
    for own in list(&told, "requirements") {
        assert!(shown.iter().any(|piece| list(piece, "of").contains(&own["id"])), "{}", own["id"]);
    }
    assert!(shown.iter().all(|piece| !list(piece, "of").is_empty()));
    // Documents are called as the live ones are, by their files' names; commands need the paths.
    for document in list(&told, "documents").iter().chain(list(&told["report"], "inputs")) {
        assert!(!document["title"].as_str().unwrap().contains('/'), "{document}");
    }
    assert!(
        list(&told["report"], "inputs").iter().all(|input| input["name"].as_str().unwrap().contains('/'))
    );
    assert!(list(&told["report"], "sections").len() > 5);
    let (html, _) = export::html(&workbench).unwrap();
    assert!(html.contains("/api/position?report=report"));
}

#[test]
fn a_report_knows_its_documents_where_they_are_open() {
    let (_folder, source) = kept(|_| ());
    let all = twin().into_iter().chain([source]).collect();
    let server = Server::of(Arc::new(Workbench::open(all, options()).unwrap()), None);
    let told = server.answer("/api/position?report=report");
    let open: Vec<&str> =
        list(&told["report"], "inputs").iter().filter_map(|input| input["open"].as_str()).collect();
    assert_eq!(open, ["profile", "publications", "posting"]);
    // Documents are compared first, and the report beside them has no other questions.
    assert!(server.answer("/api/position")["report"].is_null());
    server.refuses("/api/position?report=report&reject=profile:1-2", 400, "`reject`");
    server.refuses("/api/position?report=reprot", 404, "did you mean `report`?");
}

#[test]
fn what_is_no_whole_report_is_not_opened() {
    for (change, said) in [
        (
            &(|own: &mut Value| own["schema"] = "pellucid.position/2".into()) as &dyn Fn(&mut Value),
            "`pellucid.position/2` is not known",
        ),
        (&|own| own["fit"]["exact"][0] = "1/3".into(), "it was changed after it was written"),
        (&|own| own["requirements"][0]["verdict"]["rule"] = Value::Null, "no whole report"),
    ] {
        let (_folder, source) = kept(change);
        let Err(failure) = Workbench::open(vec![source], options()) else { panic!("{said}: opened") };
        assert!(
            failure.message.contains(said) && failure.message.contains("report.json"),
            "{}",
            failure.message
        );
    }
}
