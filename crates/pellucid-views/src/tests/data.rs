//! Pictures of columns, from usual and from hard cases.

use crate::View;
use crate::histogram::{Group, Histogram};
use crate::render::scene::Mark;

const SUBTITLE: &str = "adult.csv · 1500 rows";
const HARD: [&str; 5] = [
    "Married-civ-spouse",
    "<b>&\"'",
    "國籍 😀",
    "",
    "a value that is as long as a whole sentence, and then some more of it",
];

fn group(name: &str, counts: Vec<usize>, n_others: usize, n_missing: usize) -> Group {
    let median = (!name.is_empty()).then(|| "37.5".to_owned());
    Group { name: name.to_owned(), counts, n_others, n_missing, median }
}

/// Bins or named bars, of one group or of several.
fn histogram(n_bars: usize, n_groups: usize, is_bins: bool, scale: usize) -> Histogram {
    let counts = |part: usize| (0..n_bars).map(|at| ((at + part) * 7 % 11) * scale + part).collect();
    let name = |at: usize| if n_groups == 1 { "" } else { HARD[at % HARD.len()] };
    Histogram {
        title: "Half of age lies between 28 and 47".to_owned(),
        subtitle: SUBTITLE.to_owned(),
        column: "age".to_owned(),
        names: (0..n_bars)
            .map(
                |at| {
                    if is_bins {
                        format!("from {at} to {}", at + 1)
                    } else {
                        HARD[at % HARD.len()].to_owned()
                    }
                },
            )
            .collect(),
        edges: is_bins.then(|| (0..=n_bars).map(|at| at as f64 * 1e3).collect()),
        others: "12 others".to_owned(),
        by: (n_groups > 1).then(|| "number of days since the last payment was received".to_owned()),
        groups: (0..n_groups)
            .map(|part| group(name(part), counts(part), 3 * part, 5 * scale * part))
            .collect(),
    }
}

/// Every picture from what is usual and what is hard to draw.
pub(super) fn pictures() -> Vec<(String, Box<dyn View>)> {
    let of = |name: &str, view: Histogram| (name.to_owned(), Box::new(view) as Box<dyn View>);
    vec![
        of("bins", histogram(16, 1, true, 20)),
        of("bins, large", histogram(42, 1, true, 90_000)),
        of("bins, one", histogram(1, 1, true, 1)),
        of("bins, in groups", histogram(21, 6, true, 20)),
        of("values", histogram(5, 1, false, 20)),
        of("values, many", histogram(20, 1, false, 90_000)),
        of("values, in groups", histogram(20, 2, false, 90_000)),
        of("values, in many groups", histogram(12, 7, false, 20)),
        of("values, none", histogram(0, 1, false, 20)),
        of("values, none in groups", histogram(0, 2, false, 20)),
    ]
}

#[test]
fn every_column_has_its_subtitle_a_sentence_and_a_table() {
    for (name, view) in pictures() {
        for width in [380.0, 860.0] {
            let scene = view.scene(width);
            let said: Vec<&str> = super::texts(&scene).into_iter().map(|(_, text)| text).collect();
            assert!(said.join(" ").contains(SUBTITLE), "{name}");
            assert!(scene.n_marks() < 5_000, "{name}: {}", scene.n_marks());
        }
        assert!(view.text(80).contains(SUBTITLE) && view.sentence().ends_with('.'), "{name}");
        let (names, rows) = view.table();
        assert!(rows.iter().all(|row| row.len() == names.len()), "{name}");
    }
}

#[test]
fn bars_lead_to_what_they_stand_for_and_are_as_high_as_their_counts() {
    let view = Histogram {
        edges: Some(vec![0.0, 10.0, 20.0, 30.0]),
        names: ["0 to 9", "10 to 19", "20 to 29"].map(str::to_owned).to_vec(),
        groups: vec![group("", vec![30, 0, 60], 0, 10)],
        ..histogram(3, 1, true, 1)
    };
    assert_eq!(view.sentence(), "age in 100 rows; most often 20 to 29: 60, 60.0 %.");
    let scene = view.scene(600.0);
    let bars: Vec<f64> = scene
        .marks
        .iter()
        .filter_map(|mark| match mark {
            Mark::Rect { height, title, .. } if title.starts_with("age ") => Some(*height),
            _ => None,
        })
        .collect();
    assert_eq!(bars.len(), 2, "what is empty is not drawn");
    assert!((bars[1] / bars[0] - 2.0).abs() < 1e-9, "{bars:?}");
    let led: Vec<(&str, &str)> =
        scene.targets.iter().map(|target| (target.go.0, target.go.1.as_str())).collect();
    assert_eq!(led, [("bar", "0"), ("bar", "1"), ("bar", "2")]);
    assert!(view.text(90).contains("10 are missing and not drawn."), "{}", view.text(90));
    let rows = view.table().1;
    assert_eq!((rows.len(), rows[3].join(" ")), (4, "missing 10 10.0 %".to_owned()));
}

#[test]
fn groups_are_compared_by_their_shares() {
    let of = |edges: Option<Vec<f64>>| Histogram {
        names: ["yes", "no"].map(str::to_owned).to_vec(),
        edges,
        by: Some("sex".to_owned()),
        groups: vec![group("Male", vec![10, 30], 0, 0), group("Female", vec![90, 10], 0, 0)],
        ..histogram(2, 2, false, 1)
    };
    let view = of(None);
    assert_eq!(view.sentence(), "age is yes in 90.0 % where sex is Female, in 25.0 % where it is Male.");
    let scene = view.scene(700.0);
    let widths = |piece: &str| {
        let of = |mark: &Mark| match mark {
            Mark::Rect { width, title, .. } if title.contains(piece) => Some(*width),
            _ => None,
        };
        scene.marks.iter().find_map(of).unwrap()
    };
    let ratio = widths("yes: 90 rows") / widths("yes: 10 rows");
    assert!((ratio - 0.9 / 0.25).abs() < 1e-9, "{ratio}");
    assert!(scene.targets.iter().any(|target| target.go == ("part", "1".to_owned())));
    let bins = of(Some(vec![0.0, 1.0, 2.0]));
    assert_eq!(bins.sentence(), "The median of age is 37.5 where sex is Male, 37.5 where sex is Female.");
    assert!(bins.text(90).contains("Shares are of the rows of each group of sex."));
    assert!(bins.text(90).contains("whose highest bar is 90.0 %."));
}
