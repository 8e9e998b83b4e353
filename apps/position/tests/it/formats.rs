//! Does the same content give the same verdicts, whatever file it comes in? And is every broken file told from an empty one?

use pellucid_position::model::Status;
use pellucid_position::read::Input;
use pellucid_position::{Analysis, Request, analyze};

use super::{as_of, fixtures, text};

fn file(name: &str) -> Input {
    Input { name: name.to_owned(), bytes: fs_err::read(fixtures().join(name)).unwrap() }
}

fn pair(profile: &str, posting: &str) -> Analysis {
    let request =
        Request { profile: vec![file(profile)], posting: Some(file(posting)), ..Request::default() };
    analyze(&request, as_of()).unwrap_or_else(|e| panic!("{e}"))
}

fn statuses(analysis: &Analysis) -> Vec<(String, Status)> {
    let pairs = analysis.requirements.iter().zip(&analysis.verdicts);
    pairs.map(|(asked, verdict)| (analysis.quote(&asked.span).to_owned(), verdict.status)).collect()
}

#[test]
fn one_content_in_six_files_gets_the_same_verdicts() {
    let oracle = pair("developer/profile.md", "developer/posting.md");
    assert!(oracle.requirements.len() >= 10);
    for name in [
        "developer/profile.docx",
        "developer/profile-boxes.docx",
        "developer/profile.pdf",
        "developer/profile-two-columns.pdf",
        "content.json",
    ] {
        let other = pair(name, "developer/posting.md");
        assert_eq!(statuses(&other), statuses(&oracle), "{name}");
        assert_eq!(other.fit, oracle.fit, "{name}");
        let months = |analysis: &Analysis| -> Vec<_> {
            analysis.verdicts.iter().map(|verdict| verdict.months).collect()
        };
        assert_eq!(months(&other), months(&oracle), "{name}");
    }
}

#[test]
fn a_page_asks_for_what_its_text_asks_for() {
    let (page, plain) = (
        pair("developer/profile.md", "developer/posting.html"),
        pair("developer/profile.md", "developer/posting.md"),
    );
    assert_eq!(statuses(&page), statuses(&plain));
}

#[test]
fn a_posting_that_is_only_linked_data_is_read() {
    let page = r#"<html><head><script type="application/ld+json">{"@context": "https://schema.org", "@graph": [{"@type": "JobPosting",
        "title": "Analyst", "description": "&lt;p&gt;A team.&lt;/p&gt;", "qualifications": "&lt;ul&gt;&lt;li&gt;SQL&lt;/li&gt;&lt;/ul&gt;",
        "experienceRequirements": {"@type": "OccupationalExperienceRequirements", "monthsOfExperience": 36}}]}</script></head><body></body></html>"#;
    let profile = "# Experience\n## Analyst, Gorse (2020-01 – 2023-06)\n- Wrote reports in SQL\n";
    let request = Request {
        profile: vec![text("cv.md", profile)],
        posting: Some(text("page.html", page)),
        ..Request::default()
    };
    let found = statuses(&analyze(&request, as_of()).unwrap());
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|(_, status)| *status == Status::Met), "{found:?}");
}

#[test]
fn broken_locked_scanned_and_foreign_files_are_told_apart() {
    for (name, piece) in [
        ("scanned.pdf", "OCR"),
        ("locked.pdf", "password"),
        ("broken.pdf", "damaged"),
        ("broken.docx", "damaged"),
        ("romanian.md", "English"),
    ] {
        for as_posting in [true, false] {
            let (profile, posting) =
                if as_posting { ("developer/profile.md", name) } else { (name, "developer/posting.md") };
            let request =
                Request { profile: vec![file(profile)], posting: Some(file(posting)), ..Request::default() };
            let said = analyze(&request, as_of()).unwrap_err().to_string();
            assert!(said.contains(piece) && said.contains(name), "{name}: {said}");
        }
    }
}

#[test]
fn a_posting_that_gives_orders_is_quoted_and_not_obeyed() {
    let analysis = pair("developer/profile.md", "injection.md");
    let orders: Vec<&str> = analysis
        .findings
        .iter()
        .filter(|f| f.kind == "instruction_to_reader")
        .filter_map(|f| f.span.as_ref())
        .map(|span| analysis.quote(span))
        .collect();
    assert!(!orders.is_empty());
    let clean = String::from_utf8(file("injection.md").bytes).unwrap();
    let clean: String = clean
        .lines()
        .filter(|line| !orders.iter().any(|order| line.contains(&order[..order.len().min(25)])))
        .map(|line| format!("{line}\n"))
        .collect();
    let request = Request {
        profile: vec![file("developer/profile.md")],
        posting: Some(text("clean.md", &clean)),
        ..Request::default()
    };
    assert_eq!(analyze(&request, as_of()).unwrap().fit.interval, analysis.fit.interval);
}
