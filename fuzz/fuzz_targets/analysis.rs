//! Can any two texts make the analysis crash, hang, quote what is not there, or give a range that is none?
#![no_main]

use pellucid_position::months::Day;
use pellucid_position::read::Input;
use pellucid_position::report::{compose, docx, html, json, markdown};
use pellucid_position::{Request, analyze};

libfuzzer_sys::fuzz_target!(|texts: (&str, &str)| {
    let input = |name: &str, text: &str| Input { name: name.to_owned(), bytes: text.as_bytes().to_vec() };
    let request =
        Request { profile: vec![input("cv.md", texts.0)], posting: Some(input("posting.md", texts.1)), ..Request::default() };
    let Some(as_of) = Day::new(2025, 1, 1) else { return };
    let Ok(analysis) = analyze(&request, as_of) else { return };
    let [lo, hi] = analysis.fit.interval;
    assert!(0.0 <= lo.value() && lo.value() <= hi.value() && hi.value() <= 1.0);
    for fact in &analysis.profile.facts {
        assert!(!analysis.quote(&fact.span).is_empty());
    }
    for requirement in &analysis.requirements {
        assert!(!analysis.quote(&requirement.span).is_empty());
    }
    for verdict in &analysis.verdicts {
        assert!(verdict.all_support().iter().all(|&fact| fact < analysis.profile.facts.len()));
    }
    let report = compose(&analysis);
    for line in report.sections.iter().flat_map(|section| section.paragraphs.iter().chain(&section.items)) {
        line.cites.iter().for_each(|span| { let _ = analysis.quote(span); });
    }
    assert!(!markdown(&analysis, &report).is_empty() && !html(&analysis, &report).is_empty());
    assert!(!docx(&analysis, &report).is_empty() && json(&analysis, &report).is_object());
});
