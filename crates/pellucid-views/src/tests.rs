//! Is every picture readable, whatever the names and numbers? Each is drawn from hard cases.

mod data;
mod lens;
mod sets;
mod trees;

use std::fmt::Write as _;

use pellucid_explain::Kind;
use proptest::prelude::*;

use crate::render::scene::{Anchor, Mark, Scene};
use crate::render::{html, svg, text_width};
use crate::report::{Report, finding, lead, sections};
use crate::theme::{Mode, Paint};
use crate::{
    FeatureValues, Subject, Totals, View, bar, beeswarm, decision, force, heatmap, number, scatter, waterfall,
};

/// A subject that looks random and is the same every time: `names` features, the last one of categories.
fn subject(names: &[&str], n_rows: usize, scale: f64) -> Subject {
    let mut state = 17_u64;
    let mut unit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1_u64 << 31) as f64
    };
    let n = names.len();
    let mut values = Vec::new();
    let mut numbers = vec![Vec::new(); n];
    for _ in 0..n_rows {
        for (at, column) in numbers.iter_mut().enumerate() {
            let x = if at + 1 == n { (unit() * 3.0).floor() } else { unit() * 100.0 };
            column.push(if unit() < 0.05 { f64::NAN } else { x });
            values.push((unit() - 0.45) * scale / (at + 1) as f64);
        }
    }
    let base = -0.4 * scale;
    let margins: Vec<f64> = values.chunks(n.max(1)).map(|row| base + row.iter().sum::<f64>()).collect();
    let totals = Totals {
        n_rows,
        absolute: (0..n).map(|f| values.iter().skip(f).step_by(n).map(|x: &f64| x.abs()).sum()).collect(),
        signed: (0..n).map(|f| values.iter().skip(f).step_by(n).sum()).collect(),
        worst_residual: 3e-15,
    };
    let levels = ["yes", "no", "it was not possible to say at the time"].map(str::to_owned).to_vec();
    let features = names.iter().zip(numbers).enumerate().map(|(at, (name, numbers))| FeatureValues {
        name: (*name).to_owned(),
        numbers,
        levels: (at + 1 == n).then(|| levels.clone()),
    });
    Subject {
        model: "XGBoost, 100 trees".to_owned(),
        method: "path-dependent Shapley values, exact".to_owned(),
        kind: Kind::Shapley,
        unit: "log-odds".to_owned(),
        output: None,
        base,
        features: features.collect(),
        values,
        probabilities: Some(margins.iter().map(|m| 1.0 / (1.0 + (-m).exp())).collect()),
        margins,
        rows: (0..n_rows).collect(),
        totals,
        only: None,
        partners: None,
    }
}

const NAMES: [&str; 7] = [
    "age",
    "number of days since the last payment was received, over all accounts of the household",
    "x",
    "Ärger & <Ehre> \"quoted\"",
    "国籍",
    "capital-gain",
    "answer",
];

fn hard() -> Vec<(&'static str, Subject)> {
    let many: Vec<String> = (0..40).map(|at| format!("feature number {at}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut output = subject(&NAMES, 60, 1.0);
    output.output = Some("a class with a rather long name".to_owned());
    output.probabilities = None;
    vec![
        ("usual", subject(&NAMES, 60, 1.0)),
        ("large", subject(&NAMES, 60, 3e9)),
        ("small", subject(&NAMES, 60, 2e-7)),
        ("one row", subject(&NAMES, 1, 1.0)),
        ("many rows", subject(&NAMES, 6_000, 1.0)),
        ("many features", subject(&many, 200, 1.0)),
        ("one feature", subject(&["only"], 10, 1.0)),
        ("nothing moves", subject(&NAMES, 5, 0.0)),
        ("an output", output),
    ]
}

/// Every picture of a subject.
fn views(subject: &Subject) -> Vec<(&'static str, Box<dyn View>)> {
    vec![
        ("bar", Box::new(bar::bar(subject, 12))),
        ("beeswarm", Box::new(beeswarm::beeswarm(subject, 12))),
        ("waterfall", Box::new(waterfall::waterfall(subject, 0, 10))),
        ("force", Box::new(force::force(subject, 0))),
        ("scatter", Box::new(scatter::scatter(subject, 0))),
        ("scatter of categories", Box::new(scatter::scatter(subject, subject.features.len() - 1))),
        ("decision", Box::new(decision::decision(subject, 12))),
        ("heatmap", Box::new(heatmap::heatmap(subject, 12))),
    ]
}

/// Every picture from every hard case, with what it is called.
fn pictures() -> Vec<(String, Box<dyn View>)> {
    let of_subjects = hard().into_iter().flat_map(|(case, subject)| {
        views(&subject).into_iter().map(move |(name, view)| (format!("{case}, {name}"), view))
    });
    let usual = sets::usual().into_iter().map(|(name, view)| (name.to_owned(), view));
    of_subjects
        .chain(usual)
        .chain(sets::hard())
        .chain(lens::pictures())
        .chain(trees::pictures())
        .chain(data::pictures())
        .collect()
}

/// Left, top, right, bottom of every text, with what it says.
fn texts<'s>(scene: &'s Scene) -> Vec<([f64; 4], &'s str)> {
    let boxed = |mark: &'s Mark| match *mark {
        Mark::Text { at: [x, y], ref text, size, anchor, bold, .. } if !text.is_empty() => {
            // Measured without the allowance for other fonts.
            let width = text_width(text, size, bold) / 1.02;
            let left = match anchor {
                Anchor::Start => x,
                Anchor::Middle => x - width / 2.0,
                Anchor::End => x - width,
            };
            Some(([left, y - 0.72 * size, left + width, y + 0.1 * size], text.as_str()))
        }
        Mark::Upward { at: [x, y], ref text, size, anchor, .. } if !text.is_empty() => {
            let high = text_width(text, size, false) / 1.02;
            let top = if anchor == Anchor::End { y } else { y - high };
            Some(([x - 0.72 * size, top, x + 0.1 * size, top + high], text.as_str()))
        }
        _ => None,
    };
    scene.marks.iter().filter_map(boxed).collect()
}

#[test]
fn no_two_texts_overlap_and_none_leaves_the_picture() {
    let mut wrong = String::new();
    for (name, view) in pictures() {
        for width in [360.0, 458.0, 860.0, 1600.0] {
            let scene = view.scene(width);
            let texts = texts(&scene);
            assert!(!texts.is_empty());
            for (at, (a, said)) in texts.iter().enumerate() {
                if a[0] < -0.5 || a[1] < -0.5 || a[2] > scene.width + 0.5 || a[3] > scene.height + 0.5 {
                    writeln!(wrong, "{name}, {width}: `{said}` at {a:.0?} is outside").unwrap();
                }
                for (b, other) in &texts[..at] {
                    if a[0] < b[2] - 0.5 && b[0] < a[2] - 0.5 && a[1] < b[3] - 0.5 && b[1] < a[3] - 0.5 {
                        writeln!(wrong, "{name}, {width}: `{said}` over `{other}`").unwrap();
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn marks_stay_inside_and_are_numbers() {
    for (name, view) in pictures() {
        let scene = view.scene(600.0);
        let check = |x: f64, y: f64| {
            let fits = (-1.0..=scene.width + 1.0).contains(&x) && (-1.0..=scene.height + 1.0).contains(&y);
            assert!(fits, "{name}: a mark at {x}, {y}");
        };
        for mark in &scene.marks {
            match mark {
                Mark::Rect { x, y, width, height, .. } => {
                    check(*x, *y);
                    check(x + width, y + height);
                }
                Mark::Line { from, to, .. } => [from, to].into_iter().for_each(|at| check(at[0], at[1])),
                Mark::Circle { at, .. } => check(at[0], at[1]),
                Mark::Dots { at, .. }
                | Mark::Polygon { points: at, .. }
                | Mark::Polyline { points: at, .. } => {
                    at.iter().for_each(|at| check(at[0], at[1]));
                }
                Mark::Text { .. } | Mark::Upward { .. } => {}
            }
        }
    }
}

#[test]
fn every_picture_says_model_method_unit_residual_and_base() {
    let subject = subject(&NAMES, 60, 1.0);
    for (name, view) in views(&subject) {
        let scene = view.scene(860.0);
        let said: Vec<&str> = texts(&scene).into_iter().map(|(_, text)| text).collect();
        let said = said.join(" ");
        for piece in ["XGBoost, 100 trees", "exact", "log-odds", "residual\u{a0}≤\u{a0}3·10⁻¹⁵", "ase −0.4"]
        {
            assert!(said.contains(piece), "{name}: `{piece}` is not in `{said}`");
        }
        assert!(!view.sentence().is_empty());
        let (names, rows) = view.table();
        assert!(!rows.is_empty() && rows.iter().all(|row| row.len() == names.len()), "{name}");
    }
}

#[test]
fn dots_up_to_five_thousand_rows_and_bins_past_it() {
    let dots = |n| {
        let scene = beeswarm::beeswarm(&subject(&NAMES[..2], n, 1.0), 12).scene(860.0);
        let count = |mark: &Mark| match mark {
            Mark::Dots { at, .. } => at.len(),
            Mark::Circle { .. } => 1,
            _ => 0,
        };
        scene.marks.iter().map(count).sum::<usize>()
    };
    assert_eq!([dots(100), dots(5_000), dots(5_001)], [200, 10_000, 0]);
    let said = beeswarm::beeswarm(&subject(&NAMES[..2], 5_001, 1.0), 12).text(80);
    assert!(said.contains("5001 rows, binned"), "{said}");
}

#[test]
fn terminals_show_every_picture() {
    let subject = subject(&NAMES, 60, 1.0);
    let all = views(&subject).into_iter().fold(String::new(), |all, (name, view)| {
        let text = view.text(80);
        let longest =
            text.lines().filter(|l| l.contains(['█', '▓', '░', '▏'])).map(crate::render::text::width).max();
        assert!(longest.unwrap_or(0) <= 80, "{name}: a line of {longest:?} letters");
        all + &format!("---- {name}\n{text}\n")
    });
    insta::assert_snapshot!(all);
}

#[test]
fn a_waterfall_in_svg_is_what_it_was() {
    let subject = subject(&NAMES, 60, 1.0);
    insta::assert_snapshot!(
        svg::file(&waterfall::waterfall(&subject, 0, 10).scene(600.0)).replace('>', ">\n")
    );
}

#[test]
fn a_page_needs_no_network_and_shows_its_numbers_without_a_script() {
    let subject = subject(&NAMES, 60, 1.0);
    let report = Report {
        title: finding(&subject),
        lead: lead(&subject),
        facts: vec![("Model".to_owned(), "<script>alert(1)</script>".to_owned())],
        sections: sections(&subject, None),
        notes: vec!["a note".to_owned()],
        command: Some("pellucid explain".to_owned()),
    };
    let page = html::page(&report);
    let foreign = page.match_indices("://").filter(|(at, _)| {
        !page[..*at].ends_with("http") || !page[*at..].starts_with("://www.w3.org/2000/svg")
    });
    assert_eq!(foreign.count(), 0);
    // The font that its texts are measured with is inside.
    assert!(page.contains("font-src data:") && !page.contains("font-src *"));
    assert_eq!(page.matches("@font-face{font-family:Inter").count(), 2);
    assert_eq!(page.matches("data:font/otf;base64,").count(), 2);
    assert!(page.contains("default-src 'none'"));
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert"));
    let without_script = page.split("<script>").next().unwrap();
    let largest = number::pretty(bar::bar(&subject, 12).entries[0].mean_absolute, 4);
    assert!(without_script.contains(&largest), "{largest}");
    assert!(page.contains("prefers-color-scheme:dark"));
}

#[cfg(feature = "png")]
#[test]
fn pixels_have_the_size_and_the_colors_of_their_theme() {
    let scene = waterfall::waterfall(&subject(&NAMES, 60, 1.0), 0, 10).scene(500.0);
    for mode in [Mode::Light, Mode::Dark] {
        let png = crate::render::png::file(&scene, mode, 2.0).unwrap();
        let pixels = resvg::tiny_skia::Pixmap::decode_png(&png).unwrap();
        assert_eq!((f64::from(pixels.width()), f64::from(pixels.height())), (1000.0, scene.height * 2.0));
        for paint in [Paint::Surface, Paint::Raises, Paint::Lowers, Paint::Ink] {
            let [r, g, b] = paint.rgb(mode);
            let found = pixels.pixels().iter().any(|p| [p.red(), p.green(), p.blue()] == [r, g, b]);
            assert!(found, "{} in {mode:?}", paint.name());
        }
    }
}

#[test]
fn the_sample_shows_no_order_of_the_data() {
    use pellucid_data::OutputId;
    use pellucid_explain::Control;
    use pellucid_explain::shapley::{Method, plan, tree_shap};
    use pellucid_models::trees::{FeatureMatrix, import};

    let saved = br#"{"learner": {"learner_model_param": {"base_score": "0E0", "num_feature": "1"},
      "objective": {"name": "reg:squarederror"}, "gradient_booster": {"name": "gbtree", "model": {"tree_info": [0], "trees": [{
        "left_children": [1, -1, -1], "right_children": [2, -1, -1], "split_indices": [0, 0, 0],
        "split_conditions": [5E-1, -1E0, 3E0], "default_left": [1, 0, 0], "sum_hessian": [4, 1, 3]}]}}}}"#;
    let model = import::import(saved).unwrap();
    // Every second row is another kind: a sample of every second row would show one kind alone.
    let column: Vec<f64> = (0..50_000).map(|row| f64::from(row % 2)).collect();
    let rows = FeatureMatrix::new(vec![column], 50_000, model.cast).unwrap();
    let found =
        tree_shap(&model, &plan(&model, Method::Auto, 50_000).unwrap(), &rows, &Control::quiet()).unwrap();
    let mut sample = crate::Sample::new(&model);
    sample.add(0, &rows, &found);
    let subject = sample.subject(&model, 0);
    let ones = subject.features[0].numbers.iter().filter(|x| **x == 1.0).count();
    let n = subject.n_shown();
    assert!((10_000..=20_000).contains(&n) && (n * 45 / 100..n * 55 / 100).contains(&ones), "{ones} of {n}");
    assert_eq!(subject.totals.n_rows, 50_000);
    assert_eq!(subject.base, found.base(OutputId(0)));
    // Who knows beforehand how many rows there are keeps the same.
    for (n_rows, step) in [(50_000, 1_000), (20_001, 7), (20_000, 20_000), (1, 1)] {
        let mut sample = crate::Sample::new(&model);
        (0..n_rows).step_by(step).for_each(|row| {
            let rows = rows.slice(row..n_rows.min(row + step));
            let found =
                tree_shap(&model, &plan(&model, Method::Tables, 1).unwrap(), &rows, &Control::quiet());
            sample.add(row, &rows, &found.unwrap());
        });
        let chosen = crate::sample::Chosen::of(n_rows, 1, 1);
        let kept: Vec<usize> = (0..n_rows).filter(|&row| chosen.has(row)).collect();
        assert_eq!(sample.rows(), kept, "{n_rows} rows");
    }
}

/// WCAG 2.1, relative luminance and contrast ratio.
fn contrast(a: Paint, b: Paint, mode: Mode) -> f64 {
    let luminance = |paint: Paint| {
        let [r, g, b] = paint.rgb(mode).map(|c| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn text_and_marks_stand_out_in_both_themes() {
    for mode in [Mode::Light, Mode::Dark] {
        for (paint, least) in [
            (Paint::Ink, 4.5),
            (Paint::Muted, 4.5),
            (Paint::Raises, 4.5),
            (Paint::Lowers, 4.5),
            (Paint::Accent, 4.5),
            (Paint::Faint, 3.0),
            (Paint::Scale(0), 3.0),
            (crate::rashomon_map::by_count(1.0, 9.0), 3.0),
            (Paint::Scale(crate::theme::STEPS - 1), 3.0),
        ] {
            let found = contrast(paint, Paint::Surface, mode);
            assert!(found >= least, "{} in {mode:?}: {found:.1}", paint.name());
        }
        for shade in (0..crate::theme::SHADES).map(Paint::Shade) {
            let found = contrast(shade.text_on(), shade, mode);
            assert!(found >= 4.5, "text on {} in {mode:?}: {found:.1}", shade.name());
        }
    }
}

#[test]
fn numbers_are_written_for_people() {
    let all =
        [0.0, -0.012_345, 1234.0, 12_345.0, 1e7, 3.2e-7, f64::NAN, f64::NEG_INFINITY, 0.000_123_4, 99_999.6];
    let said: Vec<String> = all.iter().map(|&x| number::pretty(x, 3)).collect();
    assert_eq!(
        said,
        [
            "0",
            "−0.0123",
            "1230",
            "12\u{202f}300",
            "1·10⁷",
            "3.2·10⁻⁷",
            "missing",
            "−∞",
            "0.000123",
            "100\u{202f}000"
        ]
    );
    let bounds = [3e-14, 3.2e-14, -9.6e-15, 0.0].map(number::residual);
    assert_eq!(bounds, ["3·10⁻¹⁴", "4·10⁻¹⁴", "1·10⁻¹⁴", "0"], "rounded up");
    assert_eq!([number::others(1), number::others(12_345)], ["1 other", "12\u{202f}345 others"]);
    assert_eq!(
        [0.9999, 0.5, 0.0001, 0.0, 1.0].map(number::percent),
        [">99.9 %", "50.0 %", "<0.1 %", "0.0 %", "100.0 %"]
    );
}

proptest! {
    #[test]
    fn ticks_are_round_inside_and_at_least_two(low in -1e6_f64..1e6, span in 1e-3_f64..1e6, n in 2_usize..9) {
        let high = low + span;
        let ticks = number::ticks(low, high, n);
        prop_assert!(ticks.len() >= 2 && ticks.len() <= 3 * n, "{ticks:?}");
        prop_assert!(ticks.iter().all(|&x| x >= low - span * 1e-6 && x <= high + span * 1e-6), "{ticks:?}");
        prop_assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn cut_texts_fit(text in "\\PC{0,60}", width in 20.0_f64..300.0) {
        let cut = crate::render::cut_middle(&text, width, 13.0, false);
        prop_assert!(text_width(&cut, 13.0, false) <= width || cut == "…");
    }

    #[test]
    fn any_name_makes_well_formed_xml(name in "\\PC{0,30}|[\\x00-\\x1f<&\"']{0,9}") {
        let subject = subject(&[&name, "b"], 3, 1.0);
        for (_, view) in views(&subject) {
            let file = svg::file(&view.scene(500.0));
            let allowed = |c: char| !c.is_control() || c == '\n' || c == '\t';
            prop_assert!(file.chars().all(allowed));
            #[cfg(feature = "png")]
            prop_assert!(resvg::usvg::Tree::from_str(&file, &resvg::usvg::Options::default()).is_ok(), "{file}");
        }
    }
}

#[test]
fn a_grid_of_effects_names_its_strongest_cell_and_fits() {
    for (n_rows, n_columns) in [(2, 3), (30, 14), (3, 40), (48, 1)] {
        let grid = crate::patch_grid::PatchGrid {
            site: "resid_pre".to_owned(),
            subtitle: "clean values in the corrupt run".to_owned(),
            rows: (0..n_rows).map(|row| format!("L{row}")).collect(),
            columns: (0..n_columns).map(|at| format!("·token<{at}>")).collect(),
            differ: vec![0],
            effects: (0..n_rows * n_columns)
                .map(|at| if at == 1 { -1.5 } else { (at % 7) as f64 / 7.0 })
                .collect(),
            intervals: Vec::new(),
            names: Vec::new(),
            unit: "0: nothing; 1: all.".to_owned(),
            is_share: true,
            checked: "Nothing was checked.".to_owned(),
        };
        let (row, column) = (1 / n_columns, 1 % n_columns);
        assert!(grid.sentence().contains(&format!("L{row}, ·token<{column}> (−1.5)")), "{}", grid.sentence());
        assert_eq!(grid.table().1[0][2], "−1.5");
        assert!(
            grid.text(80).lines().all(|line| line.chars().count() <= 80 || line.contains("The scale")),
            "{}",
            grid.text(80)
        );
        for width in [360.0, 720.0, 1200.0] {
            let scene = grid.scene(width);
            assert!(scene.n_marks() > n_rows * n_columns);
            let all = texts(&scene);
            for (at, (a, first)) in all.iter().enumerate() {
                assert!(a[0] >= 0.0 && a[2] <= scene.width, "{first} leaves the picture at {width}");
                for (b, second) in &all[at + 1..] {
                    let apart = a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
                    assert!(apart, "{first} and {second} overlap at {width}: {a:?} {b:?}");
                }
            }
        }
    }
    assert_eq!(crate::patch_grid::visible(" a\n\tb"), "·a⏎⇥b");
}

#[test]
fn a_matrix_names_its_strongest_pair_and_fits() {
    let features: Vec<String> = NAMES[..5].iter().map(|name| (*name).to_owned()).collect();
    let cell = |one: usize, other: usize| if one == other { 2.0 } else { 1.0 / (1 + one + other) as f64 };
    let cells = (0..25).map(|at| cell(at / 5, at % 5)).collect();
    let matrix = crate::matrix::Matrix {
        features,
        cells,
        n_hidden: 3,
        n_rows: 1500,
        subtitle: "XGBoost, 100 trees".to_owned(),
        unit: "log-odds".to_owned(),
    };
    let (_, rows) = matrix.table();
    assert_eq!((rows.len(), rows[0][0].as_str(), rows[0][1].as_str()), (10, NAMES[0], NAMES[1]));
    let text = matrix.text(80);
    assert!(text.contains("act together most") && text.contains("3 further features do less"), "{text}");
    for width in [360.0, 860.0] {
        let scene = matrix.scene(width);
        assert!(scene.n_marks() > 25 && scene.width == width);
    }
}

#[test]
fn a_matrix_holds_both_halves_and_the_features_that_do_most() {
    let names = ["a", "b", "c"].map(str::to_owned);
    // (a, a), (a, b), (a, c), (b, b), (b, c), (c, c), over four rows.
    let sums = [4.0, 2.0, 0.0, 8.0, 6.0, 1.0];
    let matrix = crate::matrix::Matrix::of(&names, &sums, (4, 2), String::new(), "log-odds");
    assert_eq!((matrix.features, matrix.n_hidden), (vec!["b".to_owned(), "c".to_owned()], 1));
    assert_eq!(matrix.cells, [2.0, 3.0, 3.0, 0.25]);
}

#[test]
fn a_grid_stands_for_every_row_that_has_a_place() {
    use crate::partial::Grid;

    let feature = |numbers: Vec<f64>, levels: Option<Vec<String>>| crate::FeatureValues {
        name: "x".to_owned(),
        numbers,
        levels,
    };
    let few = feature(vec![2.0, f64::INFINITY, 1.0, f64::NAN, 2.0, f64::NEG_INFINITY], None);
    let asked = Grid::of(&few).unwrap().asked();
    assert!(asked[..2] == [1.0, 2.0] && asked[2].is_nan() && asked.len() == 3);
    let many = feature((0..1000).map(f64::from).collect(), None);
    let asked = Grid::of(&many).unwrap().asked();
    assert_eq!((asked.len(), asked[0], asked[59]), (60, 0.0, 999.0));
    let subject = subject(&NAMES, 40, 1.0);
    let last = subject.features.len() - 1;
    let named = Grid::of(&subject.features[last]).unwrap();
    let answers = vec![0.5; named.asked().len()];
    let told = crate::partial::Told { name: "background", over: String::new(), is_apart: true };
    let drawn = crate::partial::partial(&subject, last, named, &answers, told);
    assert_eq!(
        drawn.points.iter().map(|point| point.n_rows).sum::<usize>() + drawn.missing.map_or(0, |m| m.1),
        40
    );
    assert!(Grid::of(&feature(vec![f64::NAN; 3], None)).is_none());
}

#[test]
fn partial_dependence_says_where_it_goes() {
    let point = |(at, answer): (usize, f64)| crate::partial::Point { x: at as f64, answer, n_rows: 10 * at };
    let mut partial = crate::partial::Partial {
        feature: "age".to_owned(),
        points: [-1.0, 2.5, 0.25].into_iter().enumerate().map(point).collect(),
        levels: None,
        base: 0.5,
        missing: Some((0.75, 4)),
        subtitle: "XGBoost, 100 trees".to_owned(),
        unit: "log-odds".to_owned(),
        over: "the 100 rows of the background".to_owned(),
        is_apart: true,
    };
    assert_eq!(partial.sentence(), "The expected margin goes from −1 at 0 to 2.5 at 1.");
    let text = partial.text(90);
    for piece in ["with only age known, over the 100 rows", "Where it is missing (4 rows): 0.75", "+2"] {
        assert!(text.contains(piece), "{piece}: {text}");
    }
    assert!(partial.scene(360.0).n_marks() > 5);
    partial.levels = Some(["a", "b", "c"].map(str::to_owned).to_vec());
    assert!(partial.sentence().contains("−1 at a to 2.5 at b"));
    assert!(partial.scene(860.0).n_marks() > 5);
}

#[test]
fn cohorts_are_by_category_or_by_the_median() {
    let subject = subject(&NAMES, 40, 1.0);
    let last = subject.features.len() - 1;
    for by in [0, last] {
        let found = crate::cohorts::cohorts(&subject, by, 4);
        let n_rows: usize = found.cohorts.iter().map(|cohort| cohort.n_rows).sum();
        assert_eq!(n_rows, 40, "every row is in one cohort");
        for (at, name) in found.features.iter().enumerate() {
            let feature = subject.feature(name).unwrap().index();
            let by_rows = found.cohorts.iter().map(|cohort| cohort.mean_absolute[at] * cohort.n_rows as f64);
            let whole: f64 = (0..40).map(|row| subject.value(row, feature).abs()).sum();
            assert!((by_rows.sum::<f64>() - whole).abs() < 1e-9, "{name}");
        }
        let text = found.text(100);
        assert!(text.contains("in the rows of each column"), "{text}");
        assert!(found.scene(360.0).n_marks() > 4 * found.cohorts.len());
    }
}
