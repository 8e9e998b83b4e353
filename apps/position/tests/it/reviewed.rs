//! Does what the person says of the facts change what depends on it, nothing else, and never silently?

use pellucid_position::document::Span;
use pellucid_position::model::Status;
use pellucid_position::report::{compose, docx, html, json, markdown};
use pellucid_position::review::{CONFIRMED, Confirmed, Review, question_of};
use pellucid_position::{Analysis, AnalysisError, Request, analyze};

use super::{as_of, fixtures, text};

fn read(name: &str) -> String {
    fs_err::read_to_string(fixtures().join(name)).unwrap()
}

fn reviewed(profile: &str, posting: &str, review: Review) -> Result<Analysis, AnalysisError> {
    let request = Request {
        profile: vec![text("cv.md", profile)],
        posting: Some(text("posting.md", posting)),
        review,
        ..Request::default()
    };
    analyze(&request, as_of())
}

fn without(profile: &str, posting: &str, span: &Span) -> Analysis {
    let review = Review { rejected: vec![span.clone()], confirmed: Vec::new() };
    reviewed(profile, posting, review).unwrap()
}

/// What is judged, in words.
fn judged(analysis: &Analysis) -> Vec<(String, Status, &'static str, String, Vec<String>)> {
    let of = |(asked, own): (&pellucid_position::model::Requirement, &pellucid_position::judge::Verdict)| {
        let cites = own.all_support();
        let cites = cites.iter().map(|&at| analysis.quote(&analysis.profile.facts[at].span).to_owned());
        (asked.id.clone(), own.status, own.rule, own.because.clone(), cites.collect())
    };
    analysis.requirements.iter().zip(&analysis.verdicts).map(of).collect()
}

#[test]
fn a_rejected_fact_is_as_if_its_line_were_not_there() {
    let mut n = 0;
    for name in ["twin", "nurse", "accountant", "teacher", "electrician", "developer"] {
        let (profile, posting) = (read(&format!("{name}/profile.md")), read(&format!("{name}/posting.md")));
        let whole = reviewed(&profile, &posting, Review::default()).unwrap();
        for line in profile.lines() {
            // An item of one sentence can be taken out of the file as it stands.
            let said = line.strip_prefix("- ").map(|said| said.replace("**", ""));
            let Some(said) = said else { continue };
            let of_line = |fact: &&pellucid_position::model::Fact| whole.quote(&fact.span) == said;
            let Some(fact) = whole.profile.facts.iter().find(of_line) else { continue };
            let cut = profile.replacen(&format!("{line}\n"), "", 1);
            let cut = reviewed(&cut, &posting, Review::default()).unwrap();
            let own = without(&profile, &posting, &fact.span);
            assert_eq!(judged(&own), judged(&cut), "{name}: {said}");
            assert_eq!(own.fit, cut.fit, "{name}: {said}");
            n += 1;
        }
    }
    assert!(n > 60, "{n} lines");
}

#[test]
fn a_role_whose_heading_is_rejected_gives_no_time() {
    let profile = "# Experience\n\n## Developer, Acme\n\n2018-01 to 2022-12\n\n- Wrote the API in Go.\n\n## Developer, Brook, 2023-01 to 2024-12\n\n- Kept the Go services up.";
    let posting = "# Requirements\n\n- 3+ years of experience with Go\n- Experience with Go";
    let whole = reviewed(profile, posting, Review::default()).unwrap();
    assert_eq!(whole.verdicts[0].status, Status::Met);
    let title = whole.profile.facts.iter().find(|fact| whole.quote(&fact.span) == "Developer, Acme").unwrap();
    let own = without(profile, posting, &title.span);
    assert_eq!(own.verdicts[0].months.map(|(sure, possible, _)| (sure, possible)), Some((24, 24)));
    assert_eq!(own.verdicts[0].status, Status::Partial);
    // What was done there was done.
    assert_eq!(own.verdicts[1].status, Status::Met);
    assert_eq!(own.verdicts[1].support.len(), whole.verdicts[1].support.len());
}

#[test]
fn facts_keep_their_numbers() {
    let (profile, posting) = (read("twin/profile.md"), read("twin/posting.md"));
    let whole = reviewed(&profile, &posting, Review::default()).unwrap();
    let own = without(&profile, &posting, &whole.profile.facts[9].span);
    let ids = |analysis: &Analysis| -> Vec<(String, String)> {
        let of =
            |fact: &pellucid_position::model::Fact| (fact.id.clone(), analysis.quote(&fact.span).to_owned());
        analysis.profile.facts.iter().map(of).collect()
    };
    let mut expected = ids(&whole);
    expected.remove(9);
    assert_eq!(ids(&own), expected);
}

#[test]
fn no_form_of_a_reviewed_report_looks_like_one_of_the_documents_alone() {
    let (profile, posting) = (read("twin/profile.md"), read("twin/posting.md"));
    let whole = reviewed(&profile, &posting, Review::default()).unwrap();
    let span = whole.profile.facts[12].span.clone();
    let own = without(&profile, &posting, &span);
    let said = "one line of the documents was rejected by the person and left out";
    let report = compose(&own);
    assert!(report.header.contains(&("Changed by the person".to_owned(), said.to_owned())));
    assert!(markdown(&own, &report).contains(said) && html(&own, &report).contains(said));
    assert!(!docx(&own, &report).is_empty());
    let told = json(&own, &report);
    assert_eq!(told["review"]["rejected"][0]["quote"], whole.quote(&span));
    assert!(own.findings.iter().any(|finding| finding.span.as_ref() == Some(&span)));
    let report = compose(&whole);
    assert!(json(&whole, &report).get("review").is_none());
    assert!(!markdown(&whole, &report).contains("by the person"));
}

#[test]
fn only_what_is_there_can_be_rejected_or_confirmed() {
    let (profile, posting) = (read("twin/profile.md"), read("twin/posting.md"));
    let whole = reviewed(&profile, &posting, Review::default()).unwrap();
    let mut span = whole.profile.facts[3].span.clone();
    span.end += 1;
    let asked = Review { rejected: vec![span.clone()], confirmed: Vec::new() };
    let error = reviewed(&profile, &posting, asked).unwrap_err();
    assert!(matches!(error, AnalysisError::NoSuchFact { .. }), "{error}");
    assert!(error.to_string().contains("cv.md"), "{error}");
    let fact = whole.profile.facts[3].span.clone();
    let one = |requirement: &str| Review {
        rejected: Vec::new(),
        confirmed: vec![Confirmed { requirement: requirement.to_owned(), fact: fact.clone() }],
    };
    let error = reviewed(&profile, &posting, one("R99")).unwrap_err();
    assert!(matches!(error, AnalysisError::NoSuchRequirement(_)), "{error}");
    // Nothing asks whether it is the same: nothing changes, and that is told.
    let own = reviewed(&profile, &posting, one("R1")).unwrap();
    assert_eq!(judged(&own), judged(&whole));
    assert!(own.findings.iter().any(|finding| finding.text.contains("that changed nothing")));
}

#[test]
fn what_is_confirmed_is_stated_and_not_shown() {
    let profile = "# Experience\n\n## Gardener, Park, 2018-01 to 2022-12\n\n- Pruned old orchard pears by hand in winter frost.";
    let posting = "# Requirements\n\n- Prune orchard pears carefully in winter\n- Experience with Go";
    let whole = reviewed(profile, posting, Review::default()).unwrap();
    let fact = question_of(&whole.verdicts[0]).expect("the posting asks whether it is the same");
    let confirmed = Confirmed { requirement: "R1".to_owned(), fact: whole.profile.facts[fact].span.clone() };
    let review = Review { rejected: Vec::new(), confirmed: vec![confirmed] };
    let own = reviewed(profile, posting, review).unwrap();
    assert_eq!((own.verdicts[0].status, own.verdicts[0].rule), (Status::ClaimOnly, CONFIRMED));
    assert_eq!(own.verdicts[0].support, [fact]);
    assert_eq!(own.verdicts[1], whole.verdicts[1]);
    // Narrower than "can't be told", and not as good as shown.
    assert!(own.fit.interval[0] > whole.fit.interval[0] && own.fit.interval[1] < whole.fit.interval[1]);
}
