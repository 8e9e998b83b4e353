//! The position analysis as a person calls it: files in, four formats out, and clear words for what can't be read.

use super::{Folder, fixtures};

const DAY: [&str; 2] = ["--as-of", "2025-01-01"];

#[test]
fn one_analysis_comes_in_four_formats_and_one_object() {
    let folder = Folder::new();
    for ending in ["md", "html", "json", "docx"] {
        let out = format!("analysis.{ending}");
        folder.ok(&["position", "profile.md", "publications.bib", "posting.md", "-o", &out, DAY[0], DAY[1]]);
        assert!(fs_err::metadata(folder.path(&out)).unwrap().len() > 4_000, "{out}");
    }
    let object =
        folder.json(&["position", "profile.md", "publications.bib", "posting.md", DAY[0], DAY[1], "--json"]);
    assert_eq!(object["schema"], "pellucid.position/1");
    assert_eq!(object["as_of"], "2025-01-01");
    let (lo, hi) = (object["fit"]["lo"].as_f64().unwrap(), object["fit"]["hi"].as_f64().unwrap());
    assert!(0.0 < lo && lo <= hi && hi < 1.0, "{lo} {hi}");
    let first = &object["requirements"][0];
    assert_eq!(
        (first["text"].as_str(), first["status"].as_str()),
        (Some("5+ years of experience in machine learning"), Some("met"))
    );
    // Every cite is a span of the document that it names.
    let profile = folder.read("profile.md");
    let cites = first["cites"].as_array().unwrap();
    assert_eq!(cites.len(), 6);
    assert!(cites.iter().all(|cite| profile.contains(cite["quote"].as_str().unwrap())));
    // The file and the terminal say the same.
    let shown = folder.ok(&["position", "profile.md", "publications.bib", "posting.md", DAY[0], DAY[1]]);
    assert_eq!(shown, folder.read("analysis.md"));
}

#[test]
fn a_folder_of_postings_is_a_table_of_postings() {
    let folder = Folder::new();
    fs_err::create_dir(folder.path("postings")).unwrap();
    for name in ["nurse", "developer"] {
        let from = fixtures().join("position").join(name).join("posting.md");
        fs_err::copy(from, folder.path(&format!("postings/{name}.md"))).unwrap();
    }
    fs_err::write(folder.path("postings/empty.txt"), "Hello.\n").unwrap();
    folder.ok(&["position", "profile.md", "postings", "-o", "all.csv", DAY[0], DAY[1]]);
    let table = folder.read("all.csv");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert!(lines[1].starts_with("developer.md,") && lines[3].starts_with("nurse.md,"), "{table}");
    assert!(lines[2].contains("no requirement was found"), "{table}");
}

#[test]
fn what_cannot_be_analysed_says_why() {
    let folder = Folder::new();
    for name in ["scanned.pdf", "locked.pdf", "broken.pdf", "broken.docx", "romanian.md"] {
        fs_err::copy(fixtures().join("position").join(name), folder.path(name)).unwrap();
    }
    fs_err::write(folder.path("empty.md"), "").unwrap();
    for (words, code, said) in [
        (&["position", "scanned.pdf", "posting.md"][..], 3, "OCR"),
        (&["position", "locked.pdf", "posting.md"], 3, "password"),
        (&["position", "broken.pdf", "posting.md"], 3, "damaged"),
        (&["position", "broken.docx", "posting.md"], 3, "damaged"),
        (&["position", "romanian.md", "posting.md"], 3, "not to be written in English"),
        (&["position", "profile.md", "empty.md"], 3, "no requirement was found"),
        (&["position", "profile.md", "nowhere.md"], 3, "nowhere.md"),
        (&["position", "posting.md", "profile.md"], 2, "the posting comes last"),
        (&["position", "profile.md"], 2, "at least one profile"),
        (&["position", "profile.md", "posting.md", "-o", "a.pdf"], 2, ".docx"),
        (&["position", "profile.md", "posting.md", "--as-of", "2025-02-30"], 2, "YYYY-MM-DD"),
    ] {
        let output = folder.run(words);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {error}");
        assert!(error.contains(said) && !error.contains("panicked"), "{words:?}: {error}");
    }
    // Nothing to show is an answer: zero, and why.
    let object = folder.json(&["position", "empty.md", "posting.md", DAY[0], DAY[1], "--json"]);
    assert_eq!(object["fit"]["label"], "no evidence");
    assert_eq!((object["fit"]["lo"].as_f64(), object["fit"]["hi"].as_f64()), (Some(0.0), Some(0.0)));
}
