//! Does `inspect --tree` draw one tree, follow a row through it, and say what is wrong?

use super::Folder;

#[test]
fn a_tree_is_drawn_and_a_row_is_followed() {
    let folder = Folder::new();
    let model = "adult-xgboost.ubj";
    let text = folder.ok(&["inspect", model, "--tree", "3"]);
    assert!(text.starts_with("Tree 3 asks for ") && text.contains("nodes are not drawn"), "{text}");
    let row =
        ["inspect", model, "--tree", "3", "--data", "adult.csv", "--row", "17", "--drop", "income", "--json"];
    let told = folder.json(&row);
    assert_eq!((&told["schema"], &told["what"]), (&"pellucid.inspect/1".into(), &"tree".into()));
    // What trees add is the margin that `predict` writes for the row, but for its rounding to 32 bits.
    let own = &told["row"];
    let adds: f64 =
        own["by_tree"].as_array().unwrap().iter().map(|tree| tree["adds"].as_f64().unwrap()).sum();
    let margin = own["base"].as_f64().unwrap() + adds;
    folder.ok(&["predict", model, "adult.csv", "-o", "p.csv"]);
    let predicted = folder.read("p.csv");
    let column = predicted.lines().next().unwrap().split(',').position(|name| name == "margin").unwrap();
    let line = predicted.lines().nth(18).unwrap();
    let library: f64 = line.split(',').nth(column).unwrap().parse().unwrap();
    assert_eq!(own["library_margin"].as_f64().unwrap() as f32, library as f32);
    assert!((margin - library).abs() < 1e-5, "{margin} {library}");
    assert_eq!(own["by_tree"][3]["adds"], own["adds"]);
    folder.ok(&["inspect", model, "--tree", "3", "--depth", "2", "-o", "tree.svg"]);
    assert!(folder.read("tree.svg").starts_with("<svg"));
}

#[test]
fn wrong_trees_and_rows_are_usage() {
    let folder = Folder::new();
    for (words, piece) in [
        (vec!["--tree", "100"], "100 trees"),
        (vec!["--tree", "1", "--node", "999"], "nodes, counted from 0"),
        (vec!["--tree", "1", "--depth", "11"], "between 1 and 10"),
        (vec!["--tree", "1", "--class", "1"], "output 1"),
        (vec!["--tree", "1", "--data", "adult.csv", "--row", "1500"], "1500 rows"),
        (vec!["--tree", "1", "-o", "tree.csv"], ".svg or .png"),
        (vec!["--row", "1"], "--tree"),
    ] {
        let all: Vec<&str> = ["inspect", "adult-xgboost.ubj"].into_iter().chain(words).collect();
        let output = folder.run(&all);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{all:?}: {said}");
        assert!(said.contains(piece), "{all:?}: {said}");
    }
}
