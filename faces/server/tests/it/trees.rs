//! Are trees, ways and sums those of the libraries that trained them, and do the words say what the walk does?

use std::path::Path;

use super::*;

/// Saved models of every library: categories, missing values, zeros as missing, several outputs, averages, no covers.
const CASES: [&str; 10] = [
    "xgboost-3.4.1/cat-all",
    "lightgbm-4.7.0/cat-strings",
    "lightgbm-4.7.0/cat-zero-as-missing",
    "lightgbm-4.7.0/cat-rf",
    "catboost-1.2.10/multiclass",
    "catboost-1.2.10/one-hot",
    "scikit-learn-1.9.1/boosting-classes",
    "scikit-learn-1.9.1/boosting-binary",
    "onnx-1.23.2/boosting-classes",
    "onnx-1.23.2/doubles-forest",
];
/// Rows of each.
const ROWS: usize = 6;

/// A case: the server on its model and its rows, the rows as text, and the library's own margins.
struct Case {
    server: Server,
    names: Vec<String>,
    rows: Vec<Vec<String>>,
    margins: Vec<Vec<f64>>,
}

fn case(name: &str, folder: &Path) -> Case {
    let told: Value =
        serde_json::from_str(&fs_err::read_to_string(fixture(&format!("{name}.expected.json"))).unwrap())
            .unwrap();
    let texts = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let names: Vec<String> = told["columns"].as_array().unwrap().iter().map(texts).collect();
    let of_row = |row: &Value| row.as_array().unwrap().iter().map(texts).collect::<Vec<_>>();
    let all = told["rows"].as_array().unwrap().iter().zip(told["margin"].as_array().unwrap());
    // A CSV can't say an empty category, and infinities are another test's.
    let says =
        |row: &Value| row.as_array().unwrap().iter().all(|cell| cell != "" && !texts(cell).contains("inf"));
    let kept: Vec<(&Value, &Value)> = all.filter(|(row, _)| says(row)).take(ROWS).collect();
    assert_eq!(kept.len(), ROWS, "{name}");
    let rows: Vec<Vec<String>> = kept.iter().map(|(row, _)| of_row(row)).collect();
    let number = |value: &Value| value.as_f64().unwrap();
    let margins =
        kept.iter().map(|(_, margin)| margin.as_array().unwrap().iter().map(number).collect()).collect();
    let quoted = |cell: &String| {
        if cell.is_empty() { String::new() } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
    };
    let line = |cells: &Vec<String>| cells.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n";
    let file = folder.join("rows.csv");
    fs_err::write(&file, line(&names) + &rows.iter().map(line).collect::<String>()).unwrap();
    let model =
        fixture(&format!("{}/{}", name.split_once('/').unwrap().0, told["models"][0].as_str().unwrap()));
    let sources = vec![Source::File(model), Source::File(file)];
    // Missing values are empty here; `NA` may be a category.
    let reading = ReadOptions { missing: vec![String::new()], ..ReadOptions::default() };
    let server =
        Server::of(Arc::new(Workbench::open(sources, Options { reading, ..options() }).unwrap()), None);
    Case { server, names, rows, margins }
}

/// What the words of a question say of a value: brute force, from the text alone.
fn says_yes(question: &Value, cell: &str, library: &str, name: &str) -> bool {
    let asks = question["asks"].as_str().unwrap().strip_prefix(name).unwrap().trim_start();
    let missing = question["missing"].as_str().unwrap();
    let number = |text: &str| text.replace('−', "-").parse::<f64>().unwrap();
    let is_zero = cell.parse::<f64>().is_ok_and(|x| x == 0.0);
    if cell.is_empty() || is_zero && missing.ends_with("and 0 too") {
        return missing.starts_with("missing goes to yes");
    }
    // XGBoost, CatBoost and scikit-learn compare in 32 bits, LightGBM and ONNX of doubles in 64.
    let cast = |x: f64| {
        if library.starts_with("lightgbm") || library.contains("doubles") { x } else { f64::from(x as f32) }
    };
    if let Some(threshold) = asks.strip_prefix("< ") {
        return cast(number(cell)) < cast(number(threshold));
    }
    if let Some(threshold) = asks.strip_prefix("≤ ") {
        return cast(number(cell)) <= cast(number(threshold));
    }
    if let Some(threshold) = asks.strip_prefix("is missing or ≤ ") {
        return cast(number(cell)) <= cast(number(threshold));
    }
    let named = asks
        .strip_prefix("is one of ")
        .map_or_else(|| asks.strip_prefix("is ").unwrap(), |rest| rest.split_once(": ").unwrap().1);
    assert!(!named.ends_with('…'), "{asks}: all categories of a fixture are named");
    named.replace(" or ", ", ").split(", ").any(|level| level == cell)
}

#[test]
fn every_library_s_trees_go_where_their_words_say_and_add_up_to_its_margins() {
    for name in CASES {
        let folder = tempfile::tempdir().unwrap();
        let Case { server, names, rows, margins } = case(name, folder.path());
        for (row, cells) in rows.iter().enumerate() {
            for (output, &expected) in margins[row].iter().enumerate() {
                let asked = format!("/api/trees?data=rows&row={row}&output={output}&depth=10");
                let first = server.answer(&asked);
                let sum = &first["sum"];
                let library = sum["library_margin"].as_f64().unwrap();
                assert_eq!(library, expected, "{name}, row {row}, output {output}");
                let margin = sum["margin"].as_f64().unwrap();
                assert!(
                    (margin - expected).abs() <= 2e-6 * expected.abs().max(1.0),
                    "{name}: {margin} {expected}"
                );
                assert!(sum["residual"].as_f64().unwrap() <= 1e-12);
                let mut total = sum["base"].as_f64().unwrap();
                for tree in first["trees"].as_array().unwrap() {
                    let number = tree["tree"].as_u64().unwrap();
                    let answer = server.answer(&format!("{asked}&tree={number}"));
                    let way = &answer["way"];
                    for question in way["questions"].as_array().unwrap() {
                        let asks = question["asks"].as_str().unwrap();
                        let (at, feature) = names
                            .iter()
                            .enumerate()
                            .filter(|(_, feature)| asks.starts_with(&format!("{feature} ")))
                            .max_by_key(|(_, feature)| feature.len())
                            .unwrap();
                        let yes = says_yes(question, &cells[at], name, feature);
                        assert_eq!(
                            question["goes"] == "yes",
                            yes,
                            "{name}, tree {number}, `{}`: {question}",
                            cells[at]
                        );
                    }
                    let adds = way["adds"].as_f64().unwrap();
                    assert_eq!(tree["adds"].as_f64(), Some(adds));
                    assert!(tree["low"].as_f64().unwrap() <= adds && adds <= tree["high"].as_f64().unwrap());
                    total += adds;
                    // What is drawn of the way hangs together, from the root to the leaf.
                    let nodes = answer["nodes"].as_array().unwrap();
                    assert!(
                        nodes.iter().any(|node| node["id"] == way["leaf"]),
                        "{name}: all levels are drawn"
                    );
                }
                assert!((total - margin).abs() <= 1e-12 * margin.abs().max(1.0), "{name}: {total} {margin}");
            }
        }
    }
}

#[test]
fn a_picture_is_the_tree_its_node_and_its_stubs() {
    let server = Server::new();
    let whole = server.answer("/api/trees?model=adult-xgboost&tree=3&depth=10");
    let nodes = whole["nodes"].as_array().unwrap();
    let listed = whole["trees"].as_array().unwrap().iter().find(|tree| tree["tree"] == 3).unwrap().clone();
    assert_eq!(nodes.len() as u64, 2 * listed["leaves"].as_u64().unwrap() - 1);
    assert!(whole["row"].is_null() && whole["steps"].is_null() && whole["sum"].is_null());
    // Fewer levels: what is drawn and what is hidden are all of it.
    let some = server.answer("/api/trees?model=adult-xgboost&tree=3&depth=2");
    let drawn = some["nodes"].as_array().unwrap();
    let hidden: u64 = drawn.iter().map(|node| node["hidden"].as_u64().unwrap()).sum();
    assert!(hidden > 0);
    assert_eq!(drawn.len() as u64 + hidden, nodes.len() as u64);
    // A stub opens, and its way is told; a leaf is drawn with its parent.
    let stub = drawn.iter().find(|node| node["hidden"].as_u64() > Some(0)).unwrap()["id"].as_u64().unwrap();
    let opened = server.answer(&format!("/api/trees?model=adult-xgboost&tree=3&node={stub}"));
    assert_eq!(opened["nodes"][0]["id"], stub);
    let trail = opened["trail"].as_array().unwrap();
    assert_eq!((trail.len(), &trail[0]["node"], &trail[2]["node"]), (3, &0.into(), &stub.into()));
    assert!(trail[2]["goes"].is_null());
    let svg = opened["picture"]["wide"].as_str().unwrap();
    assert!(svg.contains(&format!("data-go=\"node:{stub}\"")) && svg.contains("role=\"button\""));
    let leaf = nodes.iter().find(|node| node["words"].as_str().unwrap().contains(": adds ")).unwrap();
    let at_leaf = server.answer(&format!("/api/trees?model=adult-xgboost&tree=3&node={}", leaf["id"]));
    assert_eq!(at_leaf["nodes"][0]["id"], leaf["parent"]);
    // Splits of all trees are the splits of all features.
    let leaves: u64 =
        whole["trees"].as_array().unwrap().iter().map(|tree| tree["leaves"].as_u64().unwrap() - 1).sum();
    let splits: u64 =
        whole["uses"].as_array().unwrap().iter().map(|own| own["splits"].as_u64().unwrap()).sum();
    assert_eq!(leaves, splits);
    // The largest first, and all of them are the row's margin, as the page of the row has it.
    let by_adds = server.answer("/api/trees?model=adult-xgboost&data=adult&row=17&by=adds");
    let sizes: Vec<f64> = by_adds["trees"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tree| tree["adds"].as_f64().unwrap().abs())
        .collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b));
    let row = server.answer("/api/row?model=adult-xgboost&data=adult&row=17");
    let margin = by_adds["sum"]["margin"].as_f64().unwrap();
    assert!((row["margin"].as_f64().unwrap() - margin).abs() < 1e-9);
}

#[test]
fn wrong_questions_about_trees_are_told() {
    let server = Server::new();
    for (rest, status, piece) in [
        ("tree=100", 404, "the model has 100 trees, counted from 0"),
        ("tree=x", 400, "tree=x"),
        ("node=99999", 404, "nodes, counted from 0"),
        ("depth=0", 400, "between 1 and 10 levels"),
        ("depth=99999999999", 400, "between 1 and 10 levels"),
        ("output=1", 404, "output 1"),
        ("row=3", 400, "data="),
        ("data=adult&row=1500", 404, "1500 rows"),
        ("data=adlt&row=1", 404, "did you mean `adult`?"),
        ("by=adds", 400, "data= and row="),
        ("data=adult&by=add", 400, "did you mean `adds`?"),
        ("from=100", 404, "100 trees are listed"),
        ("tre=1", 400, "did you mean `tree`?"),
    ] {
        server.refuses(&format!("/api/trees?model=adult-xgboost&{rest}"), status, piece);
    }
    // A table that does not fit: trees are shown without it, and who asks for a row is told why there is none.
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.csv");
    fs_err::write(&other, "a,b\n1,2\n").unwrap();
    let more = [
        "catboost-1.2.10/multiclass.json",
        "lightgbm-4.7.0/cat-multiclass.txt",
        "scikit-learn-1.9.1/linear-elastic.skops",
    ];
    let sources = [fixture("tour/adult-xgboost.ubj"), other].into_iter().chain(more.map(fixture));
    let server =
        Server::of(Arc::new(Workbench::open(sources.map(Source::File).collect(), options()).unwrap()), None);
    let shown = server.answer("/api/trees?model=adult-xgboost&data=other");
    assert!(shown["row"].is_null() && shown["notes"].to_string().contains("no row of other.csv is followed"));
    assert_eq!(server.get("/api/trees?model=adult-xgboost&data=other&row=0").status, 422);
    // A tree belongs to its output; without one, the tree says which.
    assert_eq!(server.answer("/api/trees?model=cat-multiclass&tree=4")["output"], 1);
    let reply = server.get("/api/trees?model=cat-multiclass&tree=4&output=0");
    assert_eq!(reply.status, 400);
    assert!(reply.error().contains("adds to output 1, not to output 0"), "{}", reply.error());
    assert_eq!(server.answer("/api/trees?model=multiclass&output=2")["n_of_output"], 3);
    let reply = server.get("/api/trees?model=linear-elastic");
    assert_eq!(reply.status, 422);
    assert!(reply.error().contains("no trees to show"), "{}", reply.error());
}
