//! Is a report in JSON read back as it was written, and is what is no such report refused in words?

use pellucid_position::report::saved::{SavedError, read as read_report};
use pellucid_position::report::{compose, json};
use pellucid_position::review::Review;
use pellucid_position::{Request, analyze, analyze_reviewed};
use serde_json::{Value, json as value};

use super::{as_of, fixtures, profession, text};

fn written() -> Value {
    let analysis = profession("twin");
    json(&analysis, &compose(&analysis))
}

fn refused(change: impl Fn(&mut Value)) -> String {
    let mut report = written();
    change(&mut report);
    read_report(report.to_string().as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_report_is_read_back_as_it_was_written() {
    for name in ["twin", "nurse", "developer", "teacher", "electrician", "accountant"] {
        let analysis = profession(name);
        let told = json(&analysis, &compose(&analysis));
        let read = read_report(told.to_string().as_bytes()).unwrap();
        assert!(serde_json::to_value(&read).unwrap() == told, "{name}");
        assert_eq!(read.fit.exact, analysis.fit.interval);
        assert_eq!(read.requirements.len(), analysis.requirements.len());
        let first = read.fit.raises.as_ref().and_then(|raises| raises.first()).map(|raise| raise.lo);
        assert_eq!(first, analysis.fit.raises.first().map(|raise| raise.1), "{name}");
    }
}

#[test]
fn what_the_person_said_is_read_back() {
    let read = |name: &str| fs_err::read_to_string(fixtures().join(name)).unwrap();
    let request = Request {
        profile: vec![text("cv.md", &read("twin/profile.md"))],
        posting: Some(text("posting.md", &read("twin/posting.md"))),
        ..Request::default()
    };
    let whole = analyze(&request, as_of()).unwrap();
    let rejected = whole.profile.facts[12].span.clone();
    let review = Review { rejected: vec![rejected.clone()], confirmed: Vec::new() };
    let own = analyze_reviewed(whole.documents.clone(), whole.posting, as_of(), &review).unwrap();
    let told = json(&own, &compose(&own));
    let report = read_report(told.to_string().as_bytes()).unwrap();
    assert_eq!(report.review.unwrap().rejected[0].quote, whole.quote(&rejected));
}

#[test]
fn reports_of_early_versions_are_read_without_what_they_lack() {
    let mut told = written();
    told["fit"].as_object_mut().unwrap().remove("raises");
    for requirement in told["requirements"].as_array_mut().unwrap() {
        requirement.as_object_mut().unwrap().remove("short");
    }
    let report = read_report(told.to_string().as_bytes()).unwrap();
    assert!(report.fit.raises.is_none() && report.requirements.iter().all(|own| own.short.is_none()));
    assert!(serde_json::to_value(&report).unwrap() == told);
}

#[test]
fn what_is_no_report_says_why() {
    let whole = written().to_string();
    assert!(matches!(read_report(&whole.as_bytes()[..whole.len() / 2]), Err(SavedError::Json(_))));
    assert!(matches!(read_report(b"[1, 2]"), Err(SavedError::Json(_))));
    let deep = format!("{{\"schema\": \"pellucid.position/1\", \"a\": {}", "[".repeat(100_000));
    assert!(matches!(read_report(deep.as_bytes()), Err(SavedError::Json(_))));
    for (change, said) in [
        (
            &(|own: &mut Value| own["schema"] = "pellucid.position/9".into()) as &dyn Fn(&mut Value),
            "`pellucid.position/9` is not known",
        ),
        (&|own| own["fit"]["exact"] = value!(["0", "1"]), "its fit is"),
        (&|own| own["fit"]["exact"] = value!(["1/0", "1"]), "no fraction"),
        (&|own| own["requirements"][0]["status"] = "superb".into(), "superb"),
        (&|own| own["requirements"][1]["id"] = "R1".into(), "two requirements are called R1"),
        (&|own| own["requirements"][0]["source"]["document"] = "other.md".into(), "none of its inputs"),
        (&|own| own["inputs"] = value!([]), "one posting and a profile"),
        (&|own| own["fit"]["raises"][0]["requirement"] = "R99".into(), "no requirement R99"),
        (&|own| own["requirements"] = value!([]), "no requirements"),
        (
            &|own| {
                let (lo, hi) = ("9223372036854775807/9223372036854775806", "9223372036854775807/3");
                own["fit"]["exact"] = value!([lo, hi]);
                own["fit"]["lo"] = value!(1.0);
                own["fit"]["hi"] = value!(9_223_372_036_854_775_807_f64 / 3.0);
            },
            "not that of its requirements",
        ),
        (&|own| own["requirements"][0]["credit"] = value!(["-5", "900/7"]), "the credit of R1"),
        (&|own| own["requirements"][0]["weight"] = value!(["9", "-1"]), "the weight of R1"),
        (&|own| own["fit"]["raises"][0]["lo"] = value!("900/7"), "would raise its fit to 900/7"),
        (&|own| own["sections"][0]["level"] = value!(250), "level 250"),
        (&|own| own["requirements"][0]["source"]["start"] = value!(1_000_000_000), "R1 cites bytes"),
        (
            &|own| {
                let input = own["inputs"][0].clone();
                own["inputs"].as_array_mut().unwrap().extend(vec![input; 300]);
            },
            "at most 200",
        ),
    ] {
        let error = refused(change);
        assert!(error.contains(said) && error.contains("pellucid position"), "{error}");
    }
}

#[test]
fn a_verdict_that_was_changed_is_seen_by_the_fit() {
    let told = refused(|own| {
        let all = own["requirements"].as_array_mut().unwrap();
        let open = all.iter_mut().find(|one| one["status"] != "met" && one["gate"] == false).unwrap();
        open["status"] = "met".into();
        open["verdict"]["status"] = "met".into();
        open["verdict"]["rule"] = "named".into();
        open["credit"] = value!(["1", "1"]);
    });
    assert!(told.contains("is not that of its requirements"), "{told}");
}
