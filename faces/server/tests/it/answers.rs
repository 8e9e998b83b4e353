//! Are the answers those of the engine?

use std::time::Duration;

use serde_json::Value;

use super::*;

fn sum_of(answer: &Value) -> f64 {
    answer["features"].as_array().unwrap().iter().map(|feature| feature["adds"].as_f64().unwrap()).sum()
}

#[test]
fn the_session_names_what_was_opened_and_which_pages_there_are() {
    let session = Server::new().answer("/api/session");
    assert_eq!(session["schema"], "pellucid.workbench.session/1");
    let things: Vec<&str> =
        session["things"].as_array().unwrap().iter().map(|thing| thing["id"].as_str().unwrap()).collect();
    assert_eq!(things, ["adult-xgboost", "adult-lightgbm", "adult"]);
    assert_eq!(session["pages"][0]["page"], "row");
}

#[test]
fn a_row_adds_up_and_what_is_put_in_is_the_model_on_other_values() {
    let server = Server::new();
    for model in ["adult-xgboost", "adult-lightgbm"] {
        let plain = server.answer(&format!("/api/row?model={model}&row=17"));
        let margin = plain["margin"].as_f64().unwrap();
        assert!((plain["base"].as_f64().unwrap() + sum_of(&plain) - margin).abs() < 1e-9);
        let turned = plain["changes"]
            .as_array()
            .unwrap()
            .iter()
            .find(|change| !change["turns_set"].is_null())
            .unwrap();
        // What is said to turn the decision does.
        let set: String = form(turned["turns_set"].as_str().unwrap());
        let changed = server.answer(&format!("/api/row?model={model}&row=17&set={set}"));
        let is_above = |answer: &Value| answer["answer"].as_f64().unwrap() >= 0.5;
        assert_ne!(is_above(&changed), is_above(&plain));
        assert!(
            (changed["answer"].as_f64().unwrap() - turned["turned_answer"].as_f64().unwrap()).abs() < 1e-6
        );
        assert!(
            (changed["base"].as_f64().unwrap() + sum_of(&changed) - changed["margin"].as_f64().unwrap())
                .abs()
                < 1e-9
        );
        assert!(
            (changed["before"]["answer"].as_f64().unwrap() - plain["answer"].as_f64().unwrap()).abs() < 1e-6
        );
        assert_eq!(
            changed["features"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|feature| feature["changed"] == true)
                .count(),
            1
        );
    }
}

fn form(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[test]
fn what_is_held_stays_and_near_rows_obey() {
    let server = Server::new();
    let names = [
        "age",
        "workclass",
        "fnlwgt",
        "education",
        "education-num",
        "marital-status",
        "occupation",
        "relationship",
        "race",
        "sex",
        "capital-gain",
        "capital-loss",
        "hours-per-week",
        "native-country",
    ];
    let all: String = names.iter().map(|name| format!("&hold={}", form(name))).collect();
    let held = server.answer(&format!("/api/row?row=17{all}"));
    for change in held["changes"].as_array().unwrap() {
        assert_eq!(change["low"], change["high"]);
        assert!(change["turns_at"].is_null());
    }
    let some = server.answer("/api/row?row=17&hold=sex&up=age");
    let age = some["features"][0]["number"].as_f64().unwrap();
    for near in some["neighbors"].as_array().unwrap() {
        let other = server.answer(&format!("/api/row?row={}", near["row"]));
        assert!(other["features"][0]["number"].as_f64().unwrap() >= age);
        assert_eq!(other["features"][9]["text"], some["features"][9]["text"]);
        assert!((other["answer"].as_f64().unwrap() - near["answer"].as_f64().unwrap()).abs() < 1e-6);
    }
}

#[test]
fn all_rows_are_explained_and_one_feature_can_be_looked_at() {
    let server = Server::new();
    let global = server.answer("/api/global?feature=age");
    assert_eq!((global["n_rows"].as_u64(), global["feature"].as_str()), (Some(1500), Some("age")));
    assert!(global["worst_residual"].as_f64().unwrap() < 1e-12);
    // The mean of the values of ten rows by hand, against what the row page says.
    let typical = global["typical"].as_array().unwrap();
    assert_eq!(typical.len(), 3);
    for row in typical {
        let own = server.answer(&format!("/api/row?row={}", row["row"]));
        assert!((own["answer"].as_f64().unwrap() - row["answer"].as_f64().unwrap()).abs() < 1e-6);
    }
    for name in ["bar", "beeswarm", "dependence", "heatmap", "decision"] {
        assert!(global[name]["wide"].as_str().unwrap().starts_with("<svg"));
        assert!(!global[name]["table"]["rows"].as_array().unwrap().is_empty(), "{name}");
    }
}

#[test]
fn wrong_questions_are_told_what_is_wrong() {
    let server = Server::new();
    for (target, status, piece) in [
        ("/api/nothing", 404, "nothing stands at /api/nothing"),
        ("/api/row?rwo=1", 400, "did you mean `row`?"),
        ("/api/row?row=1500", 404, "has 1500 rows"),
        ("/api/row?row=-1", 400, "row=-1"),
        ("/api/row?row=1&row=2", 400, "twice"),
        ("/api/row?model=adult-xgbost", 404, "did you mean `adult-xgboost`?"),
        ("/api/row?set=age:old", 400, "`age` is a number"),
        ("/api/row?set=sex:male", 400, "did you mean `Male`?"),
        ("/api/row?set=aeg:4", 400, "did you mean `age`?"),
        ("/api/row?set=age", 400, "FEATURE:VALUE"),
        ("/api/row?set=age:1&set=age:2", 400, "twice"),
        ("/api/row?hold=age&up=age", 400, "one holds at a time"),
        ("/api/row?output=1", 400, "the model has 1"),
        ("/api/row?space=probability", 400, "margin"),
        ("/api/global?feature=agee", 404, "did you mean `age`?"),
        ("/api/jobs/j99", 404, "no job `j99`"),
    ] {
        server.refuses(target, status, piece);
    }
}

#[test]
fn what_can_not_be_opened_is_told_and_the_rest_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.ubj");
    fs_err::write(&broken, b"{L\x00\x00").unwrap();
    let error = Workbench::open(vec![Source::File(broken.clone())], options()).err().unwrap();
    assert!(error.message.contains("broken.ubj"), "{}", error.message);
    let mut sources = adult();
    sources.push(Source::File(broken));
    let workbench = Workbench::open(sources, options()).unwrap();
    assert_eq!(workbench.things().len(), 3);
    assert!(workbench.notes()[0].contains("broken.ubj"));
    let gone = Workbench::open(adult(), Options { drop: vec!["incme".to_owned()], ..options() });
    assert!(gone.err().unwrap().message.contains("--drop incme"));
}

#[test]
fn a_table_that_does_not_fit_into_memory_is_refused_and_a_long_job_can_be_cancelled() {
    let small = Arc::new(Workbench::open(adult(), Options { most_bytes: 10_000, ..options() }).unwrap());
    let server = Server::of(small, None);
    let mut reply = server.get("/api/row");
    while reply.status == 202 {
        std::thread::sleep(Duration::from_millis(20));
        reply = server.get("/api/row");
    }
    assert_eq!(reply.status, 413);
    assert!(reply.error().contains("--max-memory"), "{}", reply.error());

    // Enough rows that somebody would wait.
    let folder = tempfile::tempdir().unwrap();
    let text = fs_err::read_to_string(fixture("tour/adult.csv")).unwrap();
    let (head, rows) = text.split_once('\n').unwrap();
    let long = folder.path().join("long.csv");
    fs_err::write(&long, format!("{head}\n{}", rows.repeat(400))).unwrap();
    let sources = vec![Source::File(fixture("tour/adult-xgboost.ubj")), Source::File(long)];
    let server = Server::of(Arc::new(Workbench::open(sources, options()).unwrap()), None);
    let reply = server.get("/api/global");
    assert_eq!(reply.status, 202, "{}", reply.body);
    let id = reply.json()["job"]["id"].as_str().unwrap().to_owned();
    let origin = format!("Origin: http://{}\r\n", server.address);
    assert_eq!(server.ask("POST", &format!("/api/jobs/{id}/cancel"), &origin).status, 200);
    let events = server.get(&format!("/api/jobs/{id}/events"));
    assert!(events.head.contains("text/event-stream"));
    assert!(events.body.contains("event: cancelled"), "{}", events.body);
    assert!(server.workbench.jobs.find(&id).is_ok());
    // Asked again, it begins anew.
    assert_eq!(server.get("/api/global").status, 202);
    server.workbench.jobs.cancel_all();
}

#[test]
fn rules_are_those_of_the_engine_and_their_proof_is_checked() {
    let sources = vec![Source::File(fixture("tour/adult.csv"))];
    let server = Server::of(Arc::new(Workbench::open(sources, options()).unwrap()), None);
    let found = server.answer("/api/rules?data=adult&lambda=1/50&max_rules=60");
    assert_eq!(
        (found["target"].as_str(), found["certificate"]["proven"].as_bool()),
        (Some("income"), Some(true))
    );
    assert_eq!(found["certificate"]["objective"], found["certificate"]["lower_bound"]);
    // Errors and rules give the objective, by hand.
    let confusion = |at: usize, other: usize| found["confusion"][at][other].as_u64().unwrap() as f64;
    let total = found["total"].as_u64().unwrap() as f64;
    let n = found["rules"].as_array().unwrap().len();
    let objective = (confusion(0, 1) + confusion(1, 0)) / total + n as f64 / 50.0;
    assert!((found["certificate"]["objective"]["value"].as_f64().unwrap() - objective).abs() < 1e-12);
    let verdict = server.answer("/api/rules/verify?data=adult&lambda=1/50&max_rules=60");
    assert_eq!(verdict["verdicts"][0]["verdict"], "proven", "{verdict}");
    // Without its first rule the set is worse, and the words say by how much.
    let off = server.answer("/api/rules?data=adult&lambda=1/50&max_rules=60&off=0");
    assert_eq!(off["rules"][0]["off"], true);
    assert!(off["words"][1].as_str().unwrap().contains("Without one rule"), "{}", off["words"]);
    assert_eq!(off["certificate"], found["certificate"]);
    let says = |answer: &Value| answer["table"]["wide"].as_str().unwrap().contains("proven optimal");
    assert!(says(&found) && !says(&off), "a set that was changed wears no proof");

    // The same from its file, over its own rows and over others.
    let folder = tempfile::tempdir().unwrap();
    let (file, half) = (folder.path().join("own.json"), folder.path().join("half.csv"));
    fs_err::write(&file, found["file"].as_str().unwrap()).unwrap();
    let text = fs_err::read_to_string(fixture("tour/adult.csv")).unwrap();
    let lines: Vec<&str> = text.lines().take(700).collect();
    fs_err::write(&half, lines.join("\n")).unwrap();
    let sources = vec![file.clone(), half, fixture("tour/adult.csv")].into_iter().map(Source::File).collect();
    let server = Server::of(Arc::new(Workbench::open(sources, options()).unwrap()), None);
    assert_eq!(server.answer("/api/rules?rules=own&data=adult")["own_rows"], true);
    assert_eq!(server.answer("/api/rules?rules=own&data=half")["own_rows"], false);
    fs_err::write(&file, found["file"].as_str().unwrap().replacen("\"nodes\":", "\"nodes\": 1", 1)).unwrap();
    let changed = Workbench::open(vec![Source::File(file)], options());
    assert!(changed.is_err_and(|failure| failure.message.contains("own.json")));

    for (target, piece) in [
        ("/api/rules?target=incom", "did you mean `income`?"),
        ("/api/rules?lambda=x", "lambda=x"),
        ("/api/rules?lambda=0", "above 0"),
        ("/api/rules?positive=rich", "rich"),
        ("/api/rules?cost=5", "FP:FN"),
        ("/api/rules?max_conditions=0", "between 1 and 64"),
        ("/api/rules?rules=none", "no rule set `none`"),
        ("/api/rules?data=adult&lambda=1/50&max_rules=60&off=99", "counted from 0"),
        ("/api/rules?seconds=0", "between 1 second"),
        ("/api/rules?drop=income", ""),
    ] {
        let target =
            if target.contains("data=") { target.to_owned() } else { format!("{target}&data=adult") };
        let reply = server.settled(&target);
        assert!((400..500).contains(&reply.status), "{target}: {} {}", reply.status, reply.body);
        assert!(reply.error().contains(piece), "{target}: {}", reply.error());
    }
}

#[test]
fn all_good_rule_sets_are_counted_listed_and_compared() {
    let sources = vec![Source::File(fixture("compas/compas.csv"))];
    let server = Server::of(Arc::new(Workbench::open(sources, options()).unwrap()), None);
    let asked = "/api/rashomon?data=compas&weights=people";
    let found = server.answer(asked);
    let count: usize = found["count"].as_str().unwrap().parse().unwrap();
    let by_size: usize = found["by_size"]
        .as_array()
        .unwrap()
        .iter()
        .map(|size| size["sets"].as_str().unwrap().parse::<usize>().unwrap())
        .sum();
    assert_eq!((found["exact"].as_bool(), by_size), (Some(true), count));
    let theta = found["theta"]["value"].as_f64().unwrap();
    // Every one of them, and none is worse than the bound or than the next.
    let all = server.answer(&format!("{asked}&limit=500"));
    let members = all["members"].as_array().unwrap();
    assert_eq!(members.len(), count);
    let objectives: Vec<f64> =
        members.iter().map(|member| member["objective"]["value"].as_f64().unwrap()).collect();
    assert!(objectives.is_sorted() && objectives.iter().all(|&objective| objective <= theta + 1e-12));
    assert_eq!(members[0]["objective"], found["best"]);
    assert_eq!(members[0]["differs_from_best"], 0);
    // What is used by all stays when it is asked for; what is used by none leaves nothing.
    let used = server.answer(&format!("{asked}&limit=500&use={}", form("sex:Male")));
    let with: Vec<&Value> =
        members.iter().filter(|member| member["rules"].to_string().contains("sex:Male")).collect();
    assert_eq!(used["members"].as_array().unwrap().len(), with.len());
    assert!(!with.is_empty() && with.len() < count);
    let fair = server.answer(&format!("{asked}&group={}", form("sex:Male")));
    assert!(!fair["fairness"].as_array().unwrap().is_empty());
    let none = server.answer(&format!("{asked}&theta=1/1000"));
    assert_eq!((none["count"].as_str(), none["looked_at"].is_null()), (Some("0"), true));
    for (rest, piece) in [
        ("theta=1/2&within=1/100", "one bound in three ways"),
        ("identity=same", "it is one of"),
        ("limit=0", "between 1 and 500"),
        ("group=recidivate-within-two-years:1", "groups of rows"),
        ("group=nobody", "nobody"),
        ("within=-1", ""),
    ] {
        let target = format!("{asked}&{rest}");
        let reply = server.settled(&target);
        assert!(
            rest == "within=-1" && reply.status == 200 || (400..500).contains(&reply.status),
            "{target}: {}",
            reply.status
        );
        assert!(reply.status == 200 || reply.error().contains(piece), "{target}: {}", reply.error());
    }
}

/// What is emitted draws what is shown: commands in a shell, by the command line's own explanation of the same row.
#[test]
fn commands_and_python_say_the_row_that_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("some rows.csv");
    fs_err::copy(fixture("tour/adult.csv"), &data).unwrap();
    let sources = vec![Source::File(fixture("tour/adult-xgboost.ubj")), Source::File(data)];
    let reading = ReadOptions {
        missing: ["Private".to_owned()].into_iter().chain(ReadOptions::default().missing).collect(),
        ..ReadOptions::default()
    };
    let opened =
        Workbench::open(sources, Options { reading, drop: vec!["income".to_owned()], ..options() }).unwrap();
    let server = Server::of(Arc::new(opened), None);
    let plain = server.answer("/api/row?row=3");
    let command = plain["command"].as_str().unwrap();
    for word in ["'", "some rows.csv", "--row 3", "--missing Private", "--drop=income"] {
        assert!(command.contains(word), "{word} in {command}");
    }
    let python = plain["python"].as_str().unwrap();
    assert!(python.contains("missing=[\"Private\"]") && python.contains("drop=[\"income\"]"), "{python}");
    // A row that is put as it stands is no other row, also where a value is missing.
    let age = plain["features"][0]["text"].as_str().unwrap();
    let same = server.answer(&format!("/api/row?row=3&set=age:{age}"));
    assert!(same["before"].is_null() && same["command"] == plain["command"], "{}", same["command"]);
    let changed = server.answer("/api/row?row=3&set=age:77&set=workclass:");
    let python = changed["python"].as_str().unwrap();
    assert!(python.contains("pd.DataFrame") && python.contains("\"workclass\": [None]"), "{python}");
    assert!(changed["command"].as_str().unwrap().starts_with("printf '%s\\n' 'age,workclass,"));
}
