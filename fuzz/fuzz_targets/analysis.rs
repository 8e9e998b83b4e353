//! Can any two texts make the analysis crash, hang, quote what is not there, or give a range that is none?
#![no_main]

use pellucid_position::months::Day;
use pellucid_position::read::Input;
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
    assert!(!pellucid_position::report::compose(&analysis).sections.is_empty());
});
