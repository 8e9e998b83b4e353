//! Is what is said of a table what stands in it, in all rows and in some?

use std::collections::BTreeMap;

use super::*;

/// The cells of the tour's table as they stand in the file, with its header.
fn cells() -> (Vec<String>, Vec<Vec<String>>) {
    let text = fs_err::read_to_string(fixture("tour/adult.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    (lines.next().unwrap(), lines.collect())
}

fn form(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Every number of every column, counted anew from the text of the file.
fn recounted(answer: &Value, names: &[String], rows: &[Vec<String>]) {
    assert_eq!(answer["n_rows"], rows.len());
    for (at, name) in names.iter().enumerate() {
        let told = &answer["columns"][at];
        assert_eq!(told["name"], name.as_str());
        let known: Vec<&str> =
            rows.iter().map(|row| row[at].as_str()).filter(|text| !text.is_empty()).collect();
        assert_eq!(told["n_missing"], rows.len() - known.len(), "{name}");
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        known.iter().for_each(|text| *counts.entry(text).or_default() += 1);
        assert_eq!(told["n_distinct"], counts.len(), "{name}");
        let small: u64 = told["small"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum();
        let Ok(mut numbers) = known.iter().map(|text| text.parse::<f64>()).collect::<Result<Vec<f64>, _>>()
        else {
            let mut common: Vec<(&str, usize)> = counts.into_iter().collect();
            common.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
            let shown: usize = common.iter().take(20).map(|one| one.1).sum();
            assert_eq!(small, shown as u64, "{name}");
            for (one, (text, n)) in told["common"].as_array().unwrap().iter().zip(common) {
                assert_eq!((one["text"].as_str(), one["n"].as_u64()), (Some(text), Some(n as u64)));
            }
            continue;
        };
        numbers.sort_by(f64::total_cmp);
        assert_eq!(small, numbers.len() as u64, "{name}");
        let value = |key: &str| told["spread"][key]["value"].as_f64().unwrap();
        let quantile = |share: f64| {
            let at = share * (numbers.len() - 1) as f64;
            let (below, above) = (numbers[at.floor() as usize], numbers[at.ceil() as usize]);
            below + (above - below) * at.fract()
        };
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        let wanted = [("low", numbers[0]), ("quarter", quantile(0.25)), ("median", quantile(0.5))];
        let rest = [("three_quarters", quantile(0.75)), ("high", numbers[numbers.len() - 1]), ("mean", mean)];
        for (key, wanted) in wanted.into_iter().chain(rest) {
            assert!(
                (value(key) - wanted).abs() <= 1e-9 * wanted.abs(),
                "{name}, {key}: {} {wanted}",
                value(key)
            );
        }
    }
}

#[test]
fn all_columns_are_counted_in_all_rows_and_in_a_cohort() {
    let server = Server::new();
    let (names, rows) = cells();
    let whole = server.answer("/api/data");
    recounted(&whole, &names, &rows);
    assert_eq!((whole["n_all"].as_u64(), whole["n_columns"].as_u64()), (Some(1500), Some(15)));
    let place = |name: &str| names.iter().position(|own| own == name).unwrap();
    let (sex, age) = (place("sex"), place("age"));
    let some = server.answer("/api/data?where=sex:%3D:Female&where=age:%3E%3D:40");
    let meets = |row: &&Vec<String>| row[sex] == "Female" && row[age].parse::<f64>().unwrap() >= 40.0;
    let own: Vec<Vec<String>> = rows.iter().filter(meets).cloned().collect();
    assert!(own.len() > 50 && own.len() < 1400);
    recounted(&some, &names, &own);
    assert_eq!(some["cohort"], "age is at least 40 and sex is Female");
    assert_eq!(some["where"][1]["words"], "sex is Female");
    // What stands out: in the file the years and the names of an education go together.
    let said = |answer: &Value, name: &str| answer["columns"][place(name)]["findings"].to_string();
    assert!(
        said(&whole, "education-num").contains("one to one with education"),
        "{}",
        said(&whole, "education-num")
    );
    assert!(said(&whole, "capital-loss").contains("nearly always 0"), "{}", said(&whole, "capital-loss"));
    assert!(said(&some, "sex").contains("always Female"));
    assert!(said(&whole, "age") == "[]");
}

#[test]
fn a_column_is_drawn_whole_and_in_groups_and_each_bar_leads_to_its_rows() {
    let server = Server::new();
    let whole = server.answer("/api/data?column=age");
    let table = &whole["histogram"]["table"];
    let shown: Vec<u64> = (table["rows"].as_array().unwrap().iter())
        .map(|row| row[1].as_str().unwrap().replace('\u{202f}', "").parse().unwrap())
        .collect();
    assert_eq!(shown.iter().sum::<u64>(), 1500);
    let bars = whole["leads"]["bars"].as_array().unwrap();
    assert_eq!(bars.len(), shown.len());
    for (bar, n) in bars.iter().zip(&shown) {
        let conditions = bar["where"].as_array().unwrap().iter();
        let query: Vec<String> =
            conditions.map(|one| format!("where={}", form(one.as_str().unwrap()))).collect();
        let own = server.answer(&format!("/api/data?column=age&{}", query.join("&")));
        assert_eq!(own["n_rows"].as_u64(), Some(*n), "{bar}");
    }
    let groups = server.answer("/api/data?column=sex&by=income");
    assert_eq!(groups["histogram"]["table"]["names"][1], "rows, <=50K");
    let (names, rows) = cells();
    let place = |name: &str| names.iter().position(|own| own == name).unwrap();
    let of = |sex: &str, income: &str| {
        rows.iter()
            .filter(|row| row[place("sex")] == sex && row[place("income")] == income)
            .count()
            .to_string()
    };
    for row in groups["histogram"]["table"]["rows"].as_array().unwrap() {
        let sex = row[0].as_str().unwrap();
        assert_eq!([row[1].as_str().unwrap(), row[3].as_str().unwrap()], [of(sex, "<=50K"), of(sex, ">50K")]);
    }
    assert_eq!(groups["leads"]["parts"][1][0], "income:=:>50K");
}

#[test]
fn python_and_command_are_of_the_bars_groups_and_rows_that_are_shown() {
    let server = Server::new();
    // With values that have no bar of their own, and some that are missing, on both sides.
    let answer = server.answer("/api/data?column=native-country&by=workclass&where=age:%3E%3D:30");
    let python = answer["python"].as_str().unwrap();
    let names = |list: &str| -> Vec<String> {
        let (_, rest) = python.split_once(&format!("{list} = [\n")).unwrap();
        let (literal, _) = rest.split_once("\n]\n").unwrap();
        let name = |line: &str| line.split('"').nth(1).unwrap().to_owned();
        let appended = python.lines().filter(|line| line.starts_with(&format!("{list}.append(")));
        literal.lines().chain(appended).map(name).collect()
    };
    let table = &answer["histogram"]["table"];
    let text = |cell: &Value| cell.as_str().unwrap().to_owned();
    let bars: Vec<String> = table["rows"].as_array().unwrap().iter().map(|row| text(&row[0])).collect();
    assert_eq!(names("bars"), bars);
    assert!(bars.iter().any(|bar| bar.ends_with("others")) && bars.last().unwrap() == "missing", "{bars:?}");
    let groups = table["names"].as_array().unwrap().iter().skip(1).step_by(2);
    let groups: Vec<String> = groups.map(|name| text(name).replace("rows, ", "")).collect();
    assert_eq!(names("groups"), groups);
    assert!(groups.contains(&"missing".to_owned()), "{groups:?}");
    assert!(python.contains("data = data[((data[\"age\"] >= 30.0))]\n"), "{python}");
    assert!(text(&answer["command"]).ends_with("adult.csv --where 'age:>=:30'"), "{}", answer["command"]);
}

#[test]
fn rows_come_in_pages_in_any_order() {
    let server = Server::new();
    let (names, rows) = cells();
    let place = |name: &str| names.iter().position(|own| own == name).unwrap();
    let mut from = 0;
    let mut seen = Vec::new();
    while from < 1500 {
        let page = server.answer(&format!("/api/data?sort=-age&rows_from={from}"));
        let own = page["rows"]["numbers"].as_array().unwrap();
        assert!(own.len() == 50.min(1500 - from));
        seen.extend(own.iter().map(|row| row.as_u64().unwrap() as usize));
        let first: Vec<&str> =
            page["rows"]["cells"][0].as_array().unwrap().iter().map(|c| c.as_str().unwrap_or("")).collect();
        assert_eq!(first, rows[seen[from]]);
        from += 500;
        seen.resize(from.min(1500), 0);
    }
    let mut wanted: Vec<usize> = (0..1500).collect();
    let age = |row: usize| rows[row][place("age")].parse::<i64>().unwrap();
    wanted.sort_by_key(|&row| (-age(row), row));
    for from in [0, 500, 1000] {
        assert_eq!(seen[from..from + 50], wanted[from..from + 50]);
    }
    // Text in its own order, what is missing last.
    let last = server.answer("/api/data?sort=workclass&rows_from=1499");
    assert!(last["rows"]["cells"][0][place("workclass")].is_null());
    let some = server.answer("/api/data?where=workclass:missing");
    assert_eq!(some["n_rows"], 82);
    let numbers = some["rows"]["numbers"].as_array().unwrap();
    assert!(numbers.iter().all(|row| rows[row.as_u64().unwrap() as usize][place("workclass")].is_empty()));
}

#[test]
fn a_row_stands_among_those_that_are_asked_for() {
    let server = Server::new();
    let (names, rows) = cells();
    let age = names.iter().position(|name| name == "age").unwrap();
    let own: Vec<u64> = (0..1500)
        .filter(|&row| rows[row][age].parse::<f64>().unwrap() >= 70.0)
        .map(|row| row as u64)
        .collect();
    let row = own[1] + 1;
    assert!(!own.contains(&row), "a row between two of them");
    for page in ["row", "trees"] {
        let answer =
            |row: u64| server.answer(&format!("/api/{page}?data=adult&row={row}&where=age:%3E%3D:70"));
        let all = answer(own[1]);
        let among = &all["among"];
        assert_eq!(
            (among["before"].as_u64(), among["after"].as_u64()),
            (Some(own[0]), Some(own[2])),
            "{page}"
        );
        assert_eq!(
            (among["n_rows"].as_u64(), among["is_in"].as_bool()),
            (Some(own.len() as u64), Some(true))
        );
        assert_eq!(among["where"][0]["words"], "age is at least 70");
        let beside = answer(row)["among"].take();
        assert_eq!((beside["before"].as_u64(), beside["after"].as_u64()), (Some(own[1]), Some(own[2])));
        assert_eq!(beside["is_in"], false);
        let last = answer(*own.last().unwrap())["among"].take();
        assert_eq!((&last["after"], last["is_in"].as_bool()), (&Value::Null, Some(true)));
        // What the row is and what is said of it does not depend on the others.
        let mut alone = server.answer(&format!("/api/{page}?data=adult&row={}", own[1]));
        assert_eq!(alone["among"].take(), Value::Null);
        let picture = if page == "row" { "waterfall" } else { "picture" };
        assert_eq!(alone[picture], all[picture]);
        server.refuses(&format!("/api/{page}?data=adult&row=1&where=agee:%3E%3D:70"), 404, "agee");
        let none = server.answer(&format!("/api/{page}?data=adult&row=1&where=age:%3E:200"))["among"].take();
        assert_eq!((none["n_rows"].as_u64(), &none["after"]), (Some(0), &Value::Null));
    }
    server.refuses("/api/trees?where=age:%3E%3D:70", 400, "of which table");
}

#[test]
fn the_cohort_is_explained_alone() {
    let server = Server::new();
    let whole = server.answer("/api/global");
    let some = server.answer("/api/global?where=sex:%3D:Female&where=age:%3E%3D:70");
    let (names, rows) = cells();
    let place = |name: &str| names.iter().position(|own| own == name).unwrap();
    let meets = |row: &Vec<String>| {
        row[place("sex")] == "Female" && row[place("age")].parse::<f64>().unwrap() >= 70.0
    };
    let own: Vec<usize> = (0..1500).filter(|&row| meets(&rows[row])).collect();
    assert!((2..40).contains(&own.len()));
    assert_eq!((some["n_rows"].as_u64(), some["n_all"].as_u64()), (Some(own.len() as u64), Some(1500)));
    assert_eq!(whole["n_rows"], 1500);
    // The mean of |adds| by the pages of the rows, one by one.
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for row in &own {
        let row = server.answer(&format!("/api/row?row={row}"));
        for feature in row["features"].as_array().unwrap() {
            *sums.entry(feature["name"].as_str().unwrap().to_owned()).or_default() +=
                feature["adds"].as_f64().unwrap().abs();
        }
    }
    for feature in some["features"].as_array().unwrap() {
        let wanted = sums[feature["name"].as_str().unwrap()] / own.len() as f64;
        assert!((feature["mean_absolute"].as_f64().unwrap() - wanted).abs() < 1e-9, "{feature}");
    }
    for row in some["typical"].as_array().unwrap() {
        assert!(own.contains(&(row["row"].as_u64().unwrap() as usize)));
    }
    assert!(some["notes"].to_string().contains("where age is at least 70 and sex is Female"));
}

#[test]
fn wrong_questions_are_told_what_is_wrong() {
    let server = Server::new();
    server.answer("/api/data");
    for (query, status, piece) in [
        ("colum=age", 400, "did you mean `column`?"),
        ("column=aeg", 404, "did you mean `age`?"),
        ("by=incom", 404, "did you mean `income`?"),
        ("data=adlt", 404, "did you mean `adult`?"),
        ("sort=-agee", 404, "did you mean `age`?"),
        ("rows_from=1500", 404, "there are 1500 rows"),
        ("rows_from=-1", 400, "no such number"),
        ("rows_from=99999999999999999999", 400, "no such number"),
        ("where=sex:%3D:Femal", 404, "did you mean `Female`?"),
        ("where=sex:%3C:Female", 400, "sex holds text"),
        ("where=age:%3E%3D:old", 400, "is no number"),
        ("where=", 404, "no column"),
        ("column=age&column=sex", 400, "twice"),
    ] {
        server.refuses(&format!("/api/data?{query}"), status, piece);
    }
    let none = server.answer("/api/data?where=age:%3E:200&by=sex&column=workclass");
    assert_eq!((none["n_rows"].as_u64(), none["rows"]["n"].as_u64()), (Some(0), Some(0)));
    let reply = server.settled("/api/global?where=age:%3E:200");
    assert!(reply.status == 404 && reply.error().contains("no row where age is above 200"), "{}", reply.body);
}

fn of_file(name: &str, text: &str, most_bytes: usize) -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs_err::write(&path, text).unwrap();
    let options = Options { most_bytes, ..options() };
    let workbench = Workbench::open(vec![Source::File(path)], options).unwrap();
    (folder, Server::of(Arc::new(workbench), None))
}

#[test]
fn a_table_that_does_not_fit_says_how_long_it_is() {
    let lines: String = (0..50_000).map(|row| format!("{row},t{}\n", row % 7)).collect();
    let (_folder, server) = of_file("long.csv", &format!("number,text\n{lines}"), 1 << 19);
    let answer = server.answer("/api/data");
    let limit = answer["limit"].as_str().unwrap();
    assert!(limit.contains("50\u{202f}000 rows") && limit.contains("--max-memory"), "{limit}");
    assert_eq!(
        (answer["columns"][1]["name"].as_str(), answer["n_columns"].as_u64()),
        (Some("text"), Some(2))
    );
    let (_folder, server) = of_file("long.csv", &format!("number,text\n{lines}"), 1 << 20);
    let answer = server.answer("/api/data");
    assert!(answer["limit"].is_null());
    assert!(answer["columns"][0]["findings"].to_string().contains("identifier"));
    // Texts take memory, too: a tenth of this is rows.
    let lines: String = (0..20_000).map(|row| format!("{row},{row:0>100}x\n")).collect();
    let (_folder, server) = of_file("texts.csv", &format!("number,text\n{lines}"), 1 << 20);
    let answer = server.answer("/api/data");
    let limit = answer["limit"].as_str().unwrap();
    assert!(limit.contains("20\u{202f}000 rows, which take 3 MB"), "{limit}");
}

#[test]
fn strange_tables_are_told_of_too() {
    let text = "a:b;empty;flag;“q”\n1.5;;true;x y\n-2e300;;false;\n1.5;;true;x y\n";
    let (_folder, server) = of_file("strange.csv", text, 1 << 20);
    let answer = server.answer("/api/data?column=a:b&by=flag");
    assert_eq!(answer["columns"][1]["findings"][0], "no value at all");
    assert_eq!(answer["columns"][2]["common"][0]["text"], "true");
    let narrowed = server.answer("/api/data?where=a:b:%3E:0&where=flag:%3D:true");
    assert_eq!((narrowed["n_rows"].as_u64(), narrowed["n_all"].as_u64()), (Some(2), Some(3)));
    for bar in answer["leads"]["bars"].as_array().unwrap() {
        let condition = form(bar["where"][0].as_str().unwrap());
        assert!(server.answer(&format!("/api/data?where={condition}"))["n_rows"].as_u64() > Some(0), "{bar}");
    }
    assert!(answer["python"].as_str().unwrap().contains("sep=\";\""));
}

#[test]
fn a_file_that_changed_is_told_and_not_shown_beside_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    fs_err::write(&path, "a,b\n1,x\n2,y\n").unwrap();
    let server =
        Server::of(Arc::new(Workbench::open(vec![Source::File(path.clone())], options()).unwrap()), None);
    assert_eq!(server.answer("/api/data?data=rows")["n_rows"], 2);
    fs_err::write(&path, "a,b\n1,x\n2,y\n3,z\n").unwrap();
    let reply = server.settled("/api/data?data=rows");
    assert_eq!(reply.status, 422);
    assert!(reply.error().contains("was changed since it was opened"), "{}", reply.error());
}
