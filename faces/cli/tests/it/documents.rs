//! Is what the documents say true? The README's commands run, and help says what there is.

use super::{Folder, fixtures};

#[test]
fn every_command_of_the_readme_works() {
    let readme = fs_err::read_to_string(fixtures().join("../README.md")).unwrap();
    let folder = Folder::new();
    let commands: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("pellucid ")).collect();
    assert!(commands.len() >= 10, "only {} commands were found", commands.len());
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().collect();
        folder.ok(&words);
        for pair in words.windows(2).filter(|pair| pair[0] == "-o") {
            assert!(folder.path(pair[1]).is_file(), "{command}");
        }
    }
}

#[test]
fn help_says_what_there_is() {
    let folder = Folder::new();
    let mut all = String::new();
    for words in [&["--help"][..], &["explain", "--help"], &["predict", "--help"], &["inspect", "--help"]] {
        all += &format!("$ pellucid {}\n{}\n", words.join(" "), folder.ok(words));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn completions_and_manual_pages_are_written() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(folder.ok(&["completions", shell]).contains("pellucid"));
    }
    folder.ok(&["man", "pages"]);
    assert!(folder.read("pages/pellucid-explain.1").contains("Shapley"));
    assert_eq!(folder.ok(&["version"]), format!("pellucid {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_tour_computes_what_it_shows_and_the_doctor_agrees() {
    let folder = Folder::new();
    let said = folder.json(&["tour", "here", "--json"]);
    assert_eq!(said["schema"], "pellucid.tour/1");
    assert_eq!(said["results"]["rows"], 1500);
    assert!(said["results"]["worst_residual"].as_f64().unwrap() < 1e-12);
    let page = folder.read("here/index.html");
    for piece in ["XGBoost 3.4.1", "1500 rows", "Largest residual", "LightGBM", "no basis for", "<svg"] {
        assert!(page.contains(piece), "{piece}");
    }
    assert!(folder.path("here/run.json").is_file());
    let said = folder.json(&["doctor", "--json"]);
    assert!(said["checks"].as_array().unwrap().iter().all(|check| check["fine"] == true), "{said}");
}
