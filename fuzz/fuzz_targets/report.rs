//! Does any damage to a saved position report make the reader crash, hang, or give another report than it was written as?
#![no_main]

use pellucid_position::report::saved::read;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(report) = read(bytes) else { return };
    for requirement in &report.requirements {
        requirement.verdict.each(&mut |own| assert!(own.cites.iter().all(|cite| report.document_of(cite).is_some())));
    }
    let [lo, hi] = report.fit.exact;
    let _ = (lo.percent_down(), hi.percent_up());
    // To the same value: numbers that are written are those that were read.
    if let Ok(written) = serde_json::to_vec(&report) {
        assert!(read(&written).is_ok_and(|again| again == report));
    }
});
