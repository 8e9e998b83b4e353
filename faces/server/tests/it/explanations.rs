//! Is a saved explanation shown as what it was, and a certified count as what it claims?

use std::path::Path;

use pellucid::data::binarize::{Literal, Test, rows_equal};
use pellucid::data::write::{Heading, WriteBatches as _, ipc::IpcWriter, parquet::ParquetWriter};
use pellucid::data::{OutputId, Ratio};
use pellucid::explain::Control;
use pellucid::explain::shapley::{Game, How, Method, plan_game, tree_shap};
use pellucid::feed::Feed;
use pellucid::files::{load_model, open_table};
use pellucid::learn::certificate::format::count_to_json;
use pellucid::learn::certificate::{CountCertificate, Universe};
use pellucid::learn::rashomon::{Detail, count};
use pellucid::learn::{Instance, Objective, Searching, Within};
use pellucid::models::rules::Rule;
use pellucid_server::export;
use sha2::{Digest as _, Sha256};

use pellucid_server::Address;

use super::*;

/// The tour's rows as `pellucid explain` writes them; `change` may change what is written.
fn saved(out: &Path, change: impl FnOnce(&mut Vec<String>, &mut Vec<Vec<f64>>, &mut Vec<(String, String)>)) {
    let (path, data) = (fixture("tour/adult-xgboost.ubj"), fixture("tour/adult.csv"));
    let model = load_model(&path).unwrap();
    let reader = open_table(&data, &ReadOptions::default()).unwrap();
    let mut feed = Feed::new(model, reader, "adult.csv", &[]).unwrap();
    let (_, rows) = feed.next_rows().unwrap().unwrap();
    let n = rows.n_rows();
    let plan =
        plan_game(&feed.model, Game::PathDependent, How::new(Method::Auto, n), &Control::quiet()).unwrap();
    let found = tree_shap(&feed.model, &plan, &rows, &Control::quiet()).unwrap();
    let output = OutputId(0);
    let mut names: Vec<String> = feed.model.features.iter().map(|feature| feature.name.clone()).collect();
    let mut columns: Vec<Vec<f64>> =
        (0..names.len()).map(|at| (0..n).map(|row| found.values(row, output)[at]).collect()).collect();
    names.extend(["base_value", "residual"].map(str::to_owned));
    columns.push(vec![found.base(output); n]);
    columns.push((0..n).map(|row| found.residual(row, output)).collect());
    let hash: String =
        Sha256::digest(fs_err::read(&path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut said: Vec<(String, String)> = [
        ("schema", "pellucid.explanation/1"),
        ("version", "0.1.0"),
        ("game", "path-dependent Shapley values"),
        ("method", "auto"),
        ("exact", "true"),
        ("output_space", "margin"),
        ("unit", "log-odds"),
        ("margin_unit", "log-odds"),
        ("model_sha256", &hash),
    ]
    .map(|(key, value)| (format!("pellucid.{key}"), value.to_owned()))
    .to_vec();
    change(&mut names, &mut columns, &mut said);
    let (mut bytes, headings) = (Vec::new(), Heading::numbers(&names));
    if out.extension().is_some_and(|ending| ending == "arrow") {
        let mut writer = Box::new(IpcWriter::new(&mut bytes, headings, &said).unwrap());
        writer.write(&columns).unwrap();
        writer.finish().unwrap();
    } else {
        let mut writer = Box::new(ParquetWriter::new(&mut bytes, headings, &said).unwrap());
        writer.write(&columns).unwrap();
        writer.finish().unwrap();
    }
    fs_err::write(out, bytes).unwrap();
}

fn opened(files: &[&Path]) -> Result<Arc<Workbench>, String> {
    let sources = files.iter().map(|path| Source::File(path.to_path_buf())).collect();
    Workbench::open(sources, options()).map(Arc::new).map_err(|failure| failure.message)
}

#[test]
fn a_saved_explanation_is_shown_as_the_live_one() {
    let folder = tempfile::tempdir().unwrap();
    let model = fixture("tour/adult-xgboost.ubj");
    let data = fixture("tour/adult.csv");
    for name in ["values.parquet", "values.arrow"] {
        let file = folder.path().join(name);
        saved(&file, |_, _, _| {});
        let server = Server::of(opened(&[&file, &model, &data]).unwrap(), None);
        let session = server.answer("/api/session");
        assert_eq!(session["things"][0]["kind"], "explanation");
        assert_eq!(session["notes"].as_array().unwrap().len(), 0);
        let live = server.answer("/api/global?feature=age");
        let own = server.answer("/api/global?explanation=values&data=adult&feature=age");
        for name in ["n_rows", "n_shown", "base", "worst_residual", "exact", "method", "unit", "words"] {
            assert_eq!(own[name], live[name], "{name}");
        }
        for (own, live) in
            own["features"].as_array().unwrap().iter().zip(live["features"].as_array().unwrap())
        {
            assert_eq!(own["name"], live["name"]);
            for number in ["mean_absolute", "mean"] {
                assert!((own[number].as_f64().unwrap() - live[number].as_f64().unwrap()).abs() < 1e-13);
            }
        }
        // The file has residuals and no answers: they are sums here, and differ from the model's own by rounding.
        for (own, live) in own["typical"].as_array().unwrap().iter().zip(live["typical"].as_array().unwrap())
        {
            assert_eq!((&own["row"], &own["which"]), (&live["row"], &live["which"]));
            assert!((own["answer"].as_f64().unwrap() - live["answer"].as_f64().unwrap()).abs() < 1e-13);
        }
        for figure in ["bar", "beeswarm", "heatmap", "decision"] {
            assert_eq!(own[figure]["table"], live[figure]["table"], "{figure}");
        }
        // With the table, colors are those of the model's own rows.
        assert_eq!(own["beeswarm"]["wide"], live["beeswarm"]["wide"]);
        assert_eq!(own["dependence"]["table"]["rows"].as_array().unwrap().len(), 10);
        assert_eq!((&own["model"], &own["data"]), (&"adult-xgboost".into(), &"adult".into()));

        assert!(
            own["notes"][0].as_str().unwrap().contains("1500 rows that were compared"),
            "{}",
            own["notes"]
        );

        let without = server.answer("/api/global?explanation=values");
        assert!(without["dependence"].is_null() && without["data"].is_null());
        assert_eq!(without["beeswarm"]["table"], live["beeswarm"]["table"]);
        assert!(without["beeswarm"]["wide"].as_str().unwrap().contains("Without color"));
    }
}

#[test]
fn a_table_in_another_order_is_told_from_the_one_that_was_explained() {
    let folder = tempfile::tempdir().unwrap();
    let (file, turned) = (folder.path().join("values.parquet"), folder.path().join("turned.csv"));
    saved(&file, |_, _, _| {});
    let text = fs_err::read_to_string(fixture("tour/adult.csv")).unwrap();
    let (head, rows) = text.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.reverse();
    fs_err::write(&turned, format!("{head}\n{}\n", rows.join("\n"))).unwrap();
    let server = Server::of(opened(&[&file, &fixture("tour/adult-xgboost.ubj"), &turned]).unwrap(), None);
    let own = server.answer("/api/global?explanation=values&data=turned");
    assert!(own["notes"][0].as_str().unwrap().contains("another order"), "{}", own["notes"]);
}

#[test]
fn an_explanation_alone_has_its_page_and_says_which_model_it_is_of() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.parquet");
    saved(&file, |_, _, _| {});
    let alone = Server::of(opened(&[&file]).unwrap(), None);
    let session = alone.answer("/api/session");
    let pages: Vec<&Value> = session["pages"].as_array().unwrap().iter().map(|page| &page["page"]).collect();
    assert!(pages.contains(&&"global".into()), "{pages:?}");
    let own = alone.answer("/api/global?explanation=values");
    assert!(own["model"].is_null());
    assert_eq!(own["explanation"]["others"], 0);
    // Another model is none.
    let other = fixture("tour/adult-lightgbm.txt");
    let server = Server::of(opened(&[&file, &other]).unwrap(), None);
    let own = server.answer("/api/global?explanation=values");
    assert!(own["model"].is_null());
    assert_eq!(own["explanation"]["others"], 1);
    // And an export holds its answers.
    let (page, notes) = export::html(&alone.workbench).unwrap();
    assert!(notes.is_empty() && page.contains("/api/global?explanation=values"));
}

#[test]
fn what_an_address_gets_wrong_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.parquet");
    saved(&file, |_, _, _| {});
    let few = folder.path().join("few.csv");
    fs_err::write(&few, "age,sex\n1,Male\n2,Female\n").unwrap();
    let strange = folder.path().join("strange.csv");
    let lines: String = (0..1500).map(|row| format!("{row}\n")).collect();
    fs_err::write(&strange, format!("something\n{lines}")).unwrap();
    let server = Server::of(opened(&[&file, &few, &strange]).unwrap(), None);
    let wrong = |query: &str, status, says| server.refuses(&format!("/api/global?{query}"), status, says);
    wrong("explanation=valeus", 404, "did you mean `values`?");
    wrong("explanation=values&feature=agee", 404, "did you mean `age`?");
    wrong("explanation=values&output=1", 400, "output=1");
    wrong("explanation=values&data=few", 400, "2 rows, and 1500 were explained");
    wrong("explanation=values&data=strange", 400, "no column");
    wrong("explanation=values&model=adult", 400, "no parameter `model`");
    wrong("explanation=values&explanation=values", 400, "twice");
}

#[test]
fn an_explanation_of_some_rows_takes_no_values_from_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("some.parquet");
    saved(&file, |_, columns, said| {
        columns.iter_mut().for_each(|column| column.truncate(700));
        said.push(("pellucid.where".to_owned(), "age is at least 40".to_owned()));
    });
    let server = Server::of(opened(&[&file, &fixture("tour/adult.csv")]).unwrap(), None);
    for page in ["/api/global?", "/api/row?row=3&"] {
        let own = server.answer(&format!("{page}explanation=some&data=adult"));
        assert!(own["data"].is_null());
        assert_eq!(own["explanation"]["where"], "age is at least 40");
        assert_eq!(own["explanation"]["n_rows"], 700);
        let says = "holds 700 of its table's rows (age is at least 40): it is shown without values";
        assert!(own["notes"].to_string().contains(says), "{}", own["notes"]);
        server.refuses(&format!("{page}explanation=some&data=adlut"), 404, "did you mean `adult`?");
    }
}

#[test]
fn an_explanation_of_numbered_rows_takes_their_values_from_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("some.parquet");
    let all = fs_err::read_to_string(fixture("tour/adult.csv")).unwrap();
    let ages: Vec<f64> =
        all.lines().skip(1).map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    let chosen: Vec<usize> = (0..ages.len()).filter(|&row| ages[row] >= 60.0).collect();
    let n = chosen.len();
    saved(&file, |names, columns, said| {
        columns.iter_mut().for_each(|column| *column = chosen.iter().map(|&row| column[row]).collect());
        names.push("row".to_owned());
        columns.push(chosen.iter().map(|&row| row as f64).collect());
        said.push(("pellucid.where".to_owned(), "age is at least 60".to_owned()));
        said.push(("pellucid.table_rows".to_owned(), ages.len().to_string()));
    });
    let few = folder.path().join("few.csv");
    fs_err::write(&few, "age,sex\n1,Male\n2,Female\n").unwrap();
    let model = fixture("tour/adult-xgboost.ubj");
    let server = Server::of(opened(&[&file, &fixture("tour/adult.csv"), &few, &model]).unwrap(), None);
    let own = server.answer("/api/global?explanation=some&data=adult&feature=age");
    assert_eq!((&own["data"], own["n_rows"].as_u64()), (&"adult".into(), Some(n as u64)));
    assert!(own["notes"].to_string().contains("by their numbers; on"), "{}", own["notes"]);
    assert!(own["notes"].to_string().contains("the model answers for this table what"), "{}", own["notes"]);
    // Its pictures say which rows they are of, on as many lines as that takes.
    let bar = own["bar"]["wide"].as_str().unwrap();
    let words: Vec<&str> = bar.split('<').filter_map(|piece| piece.split_once('>')).map(|of| of.1).collect();
    let words = words.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&format!("{n} rows where age is at least 60")), "{bar}");
    for place in [0, 5, n - 1] {
        let own = server.answer(&format!("/api/row?row={place}&explanation=some&data=adult"));
        let age = own["features"].as_array().unwrap().iter().find(|one| one["name"] == "age").unwrap();
        assert_eq!(age["text"], ages[chosen[place]].to_string());
        let which = format!("this is row {} of the table", pellucid::views::number::count(chosen[place]));
        assert!(own["notes"].to_string().contains(&which), "{}", own["notes"]);
        assert_eq!(own["number"].as_u64(), Some(chosen[place] as u64));
        // A picture of one row is not about how many there are.
        assert!(!own["waterfall"]["wide"].as_str().unwrap().contains("rows"));
    }
    let all = pellucid::views::number::count(ages.len());
    let says = format!("the table has 2 rows, and {n} of {all} were explained");
    server.refuses("/api/global?explanation=some&data=few", 400, &says);
    server.refuses("/api/row?row=0&explanation=some&data=few", 400, &says);
    // And so do pictures of rows that are chosen now.
    let own = server.answer("/api/global?model=adult-xgboost&data=adult&where=age:%3E%3D:60");
    assert!(own["bar"]["wide"].as_str().unwrap().contains("where age is at least 60"));
}

#[test]
fn what_was_changed_is_refused_and_what_is_none_is_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let refused = |name: &str, says: &str| {
        let failure = opened(&[&at(name)]).err().unwrap();
        assert!(failure.contains(name) && failure.contains(says), "{failure}");
    };
    saved(&at("residual.parquet"), |names, columns, _| {
        names.pop();
        columns.pop();
    });
    refused("residual.parquet", "no column `residual`");
    saved(&at("silent.parquet"), |_, _, said| said.retain(|(key, _)| key != "pellucid.game"));
    refused("silent.parquet", "pellucid.game");
    saved(&at("later.arrow"), |_, _, said| said[0].1 = "pellucid.explanation/2".to_owned());
    refused("later.arrow", "pellucid.explanation/2");

    // What is wrong further down is found when the page asks, with its row.
    saved(&at("inside.parquet"), |_, columns, _| columns[14][700] += 1.0);
    let server = Server::of(opened(&[&at("inside.parquet")]).unwrap(), None);
    let reply = loop {
        let reply = server.get("/api/global?explanation=inside");
        if reply.status != 202 {
            break reply;
        }
    };
    assert_eq!(reply.status, 422);
    assert!(reply.error().contains("row 700 has another base"), "{}", reply.error());

    let table = |name: &str, says: &str| {
        let session = Server::of(opened(&[&at(name)]).unwrap(), None).answer("/api/session");
        assert_eq!(session["things"][0]["kind"], "table");
        assert!(session["notes"][0].as_str().unwrap().contains(says), "{}", session["notes"]);
    };
    saved(&at("top.parquet"), |_, _, said| said[0].1 = "pellucid.explanation-top/1".to_owned());
    table("top.parquet", "--top-k");
    fs_err::write(at("bare.csv"), "age,base_value,residual\n0.5,0.1,0\n0.25,0.1,0\n").unwrap();
    table("bare.csv", "does not keep how it was made");
    fs_err::write(
        at("values.json"),
        "{\"schema\":\"pellucid.explanation/1\",\"rows\":[\n],\"complete\":true}\n",
    )
    .unwrap();
    refused("values.json", ".parquet or -o FILE.arrow");
    saved(&at("part.parquet"), |_, _, said| said.push(("pellucid.shard".to_owned(), "2/8".to_owned())));
    let session = Server::of(opened(&[&at("part.parquet")]).unwrap(), None).answer("/api/session");
    assert_eq!(session["things"][0]["kind"], "explanation");
    assert!(session["notes"][0].as_str().unwrap().contains("part 2/8"));
}

/// A table of three columns, and the certified count of all good sets of rules of it.
fn certified(folder: &Path) -> (PathBuf, PathBuf) {
    let (data, file) = (folder.join("rows.csv"), folder.join("count.json"));
    let bits =
        |row: usize| [row % 2, row / 2 % 2, row / 4 % 2, usize::from(row % 2 == 1 || row.is_multiple_of(7))];
    let lines: String = (0..40).map(|row| bits(row).map(|bit| bit.to_string()).join(",") + "\n").collect();
    fs_err::write(&data, format!("a,b,c,y\n{lines}")).unwrap();
    let mut reader = open_table(&data, &ReadOptions::default()).unwrap();
    let table = reader.next_batch().unwrap().unwrap();
    let rule =
        |name: &str| Rule { conditions: vec![Literal { column: name.to_owned(), test: Test::IsTrue }] };
    let candidates: Vec<Rule> = ["a", "b", "c"].map(rule).to_vec();
    let columns = candidates.iter().map(|rule| rule.rows(&table).unwrap()).collect();
    let instance = Instance::new(columns, rows_equal(table.column("y").unwrap(), "1"), vec![1; 40]).unwrap();
    let objective = Objective::with_costs(Ratio::new(1, 50).unwrap(), 1, 1).unwrap();
    let universe = Universe::of(&instance, &objective, &candidates, "y", "1", None);
    let within = Within::new(Ratio::new(1, 2).unwrap());
    let counted = count(&instance, &objective, &within, Detail::Sizes, &Searching::quiet()).unwrap();
    assert!(counted.count > 1_u32.into());
    let certificate = CountCertificate { universe, within, count: counted.count, by_size: counted.by_size };
    fs_err::write(&file, count_to_json(&certificate)).unwrap();
    (data, file)
}

#[test]
fn a_certified_count_is_shown_and_counted_again() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = certified(folder.path());
    let server = Server::of(opened(&[&file, &data]).unwrap(), None);
    assert_eq!(server.answer("/api/session")["things"][0]["kind"], "count");
    let shown = server.answer("/api/count?count=count");
    assert_eq!(
        (&shown["target"], &shown["rows"], &shown["candidates"]),
        (&"y".into(), &40.into(), &3.into())
    );
    let sizes: u64 = shown["by_size"]
        .as_array()
        .unwrap()
        .iter()
        .map(|size| size["sets"].as_str().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(sizes.to_string(), shown["count"].as_str().unwrap());
    let found = server.answer("/api/count/verify?count=count&data=rows");
    assert_eq!(found["verdict"], "proven", "{found}");
    assert!(found["reason"].as_str().unwrap().starts_with(shown["count"].as_str().unwrap()));

    // Other rows refute it, and a count that was changed is not opened at all.
    let other = folder.path().join("other.csv");
    fs_err::write(&other, fs_err::read_to_string(&data).unwrap().replacen("1,0,0,1", "1,0,0,0", 1)).unwrap();
    let server = Server::of(opened(&[&file, &other]).unwrap(), None);
    assert_eq!(server.answer("/api/count/verify?count=count&data=other")["verdict"], "refuted");
    // A table of other columns is another one, and refutes nothing; the page begins with the one that fits.
    let server = Server::of(opened(&[&fixture("tour/adult.csv"), &file, &data]).unwrap(), None);
    let verdict = server.answer("/api/count/verify?count=count&data=adult");
    assert_eq!(
        (&verdict["verdict"], verdict["reason"].as_str().unwrap().contains("has no column")),
        (&"other".into(), true)
    );
    let session = server.answer("/api/session");
    let page = session["pages"].as_array().unwrap().iter().find(|page| page["page"] == "rashomon").unwrap();
    assert_eq!(
        page["params"],
        serde_json::json!({"data": "rows", "count": "count", "theta": "1/2", "lambda": "1/50", "target": "y", "positive": "1", "max_rules": "3", "max_conditions": "1"})
    );
    // An export holds what the page begins with.
    let first = folder.path().join("first.csv");
    let lines: String = (0..40).map(|row| format!("{},{}\n", row % 2, row / 2 % 2)).collect();
    fs_err::write(&first, format!("u,v\n{lines}")).unwrap();
    let workbench = Arc::new(opened(&[&first, &file, &data]).unwrap());
    let (addresses, _) = pellucid_server::export::everything(&workbench).unwrap();
    let of_page: Vec<String> =
        addresses.iter().filter(|one| one.path() == "/api/rashomon").map(Address::canonical).collect();
    let question = "data=rows&lambda=1%2F50&max_conditions=1&max_rules=3&positive=1&target=y&theta=1%2F2";
    assert_eq!(of_page, [format!("/api/rashomon?{question}")]);
    // The same sets, where the same candidates are found.
    let found = server.answer(&format!("/api/rashomon?{question}"));
    assert_eq!((&found["theta"]["text"], &found["lambda"]["text"]), (&"1/2".into(), &"1/50".into()));
    assert_eq!(server.get("/api/count?count=conut").status, 404);
    assert_eq!(server.get("/api/count?count=count&data=other").status, 400);
    assert_eq!(server.get("/api/count/verify?count=count&seconds=0").status, 400);
    let changed = folder.path().join("changed.json");
    fs_err::write(&changed, fs_err::read_to_string(&file).unwrap().replacen("40", "41", 1)).unwrap();
    assert!(opened(&[&changed]).err().unwrap().contains("digest"));

    // Alone it has its page, too, and nothing to be counted again on.
    let alone = Server::of(opened(&[&file]).unwrap(), None);
    assert_eq!(
        alone.answer("/api/session")["pages"][0],
        serde_json::json!({"page": "rashomon", "params": {"count": "count"}})
    );
    assert_eq!(alone.get("/api/count/verify?count=count").status, 404);
    let (page, _) = export::html(&alone.workbench).unwrap();
    assert!(page.contains("/api/count?count=count"));
}

#[test]
fn an_export_of_what_no_page_shows_is_an_error() {
    // Trees are shown on their own; a posting alone is compared with nobody.
    let alone = opened(&[&fixture("position/twin/publications.bib")]).unwrap();
    let (page, everything) = (export::html(&alone), export::everything(&alone));
    for failure in [page.map(|_| ()), everything.map(|_| ())] {
        let message = failure.unwrap_err().message;
        assert!(message.contains("nothing to export") && message.contains("publications.bib"), "{message}");
    }
}

#[test]
fn a_row_of_a_saved_explanation_is_the_one_that_was_explained() {
    let folder = tempfile::tempdir().unwrap();
    let (model, data) = (fixture("tour/adult-xgboost.ubj"), fixture("tour/adult.csv"));
    for name in ["values.parquet", "values.arrow"] {
        let file = folder.path().join(name);
        saved(&file, |_, _, _| {});
        let server = Server::of(opened(&[&file, &model, &data]).unwrap(), None);
        let n = server.answer("/api/row?row=0")["n_rows"].as_u64().unwrap();
        for row in [0, 17, n - 1] {
            let live = server.answer(&format!("/api/row?row={row}"));
            let own = server.answer(&format!("/api/row?explanation=values&row={row}"));
            assert_eq!(own["schema"], "pellucid.workbench.saved_row/1");
            for name in ["row", "n_rows", "base", "exact", "method", "unit"] {
                assert_eq!(own[name], live[name], "{name}");
            }
            assert_eq!(own["model"], "adult-xgboost");
            for name in ["margin", "probability"] {
                assert!((own[name].as_f64().unwrap() - live[name].as_f64().unwrap()).abs() < 1e-12, "{name}");
            }
            let all = own["features"].as_array().unwrap();
            assert_eq!(all.len(), live["features"].as_array().unwrap().len());
            for feature in live["features"].as_array().unwrap() {
                let same = all.iter().find(|one| one["name"] == feature["name"]).unwrap();
                assert!((same["adds"].as_f64().unwrap() - feature["adds"].as_f64().unwrap()).abs() < 1e-13);
                // The file does not hold what the values were, and nothing is said in their place.
                assert!(same["text"].is_null());
            }
            assert!(!own["waterfall"]["wide"].as_str().unwrap().contains("missing"));
            assert!(!own["words"][0].as_str().unwrap().contains(" = "));
            // With the table it does.
            let with = server.answer(&format!("/api/row?explanation=values&data=adult&row={row}"));
            for feature in live["features"].as_array().unwrap() {
                let same =
                    with["features"].as_array().unwrap().iter().find(|one| one["name"] == feature["name"]);
                assert_eq!(same.unwrap()["text"], feature["text"]);
            }
        }
        server.refuses(&format!("/api/row?explanation=values&row={n}"), 404, "counted from 0");
        server.refuses("/api/row?explanation=values&row=0&output=1", 400, "output=1");
        server.refuses("/api/row?explanation=values&row=0&set=age:3", 400, "`set`");
        let alone = Server::of(opened(&[&file]).unwrap(), None);
        let pages = alone.answer("/api/session")["pages"].clone();
        assert_eq!(
            pages[0],
            serde_json::json!({"page": "row", "params": {"explanation": "values", "row": "0"}})
        );
        assert!(alone.answer("/api/row?explanation=values&row=3")["probability"].is_null());
        let (html, _) = export::html(&alone.workbench).unwrap();
        assert!(html.contains("/api/row?explanation=values&row=9"));
    }
}

#[test]
fn a_row_that_was_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.parquet");
    saved(&file, |_, columns, _| columns[2][5] = f64::NAN);
    let server = Server::of(opened(&[&file]).unwrap(), None);
    server.refuses("/api/row?explanation=values&row=5", 422, "row 5 has no value of");
    assert_eq!(server.answer("/api/row?explanation=values&row=4")["row"], 4);
}
