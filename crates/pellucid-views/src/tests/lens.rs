//! Pictures of what is inside a language model, from usual and from hard cases.

use crate::View;
use crate::attention_heads::{AttentionHeads, HeadPattern};
use crate::contributions::Contributions;
use crate::head_matrix::HeadMatrix;
use crate::lens_table::{LensCell, LensTable};
use crate::patch_grid::PatchGrid;
use crate::render::scene::Mark;
use crate::render::text::width;
use crate::theme::Paint;

const SUBTITLE: &str = "gpt2 · “The capital of France is”";
const HARD: [&str; 5] = ["·the", "<b>&\"'", "·國籍😀", "⏎", "·Rindfleischetikettierungsüberwachungsaufgabe"];

fn tokens(n: usize) -> Vec<String> {
    (0..n).map(|at| HARD[at % HARD.len()].to_owned()).collect()
}

/// `·Paris` leads at the last token from the middle layer on, and for a while before.
fn lens(n_layers: usize, n_tokens: usize, followed: Option<&str>) -> LensTable {
    let cell = |layer: usize, at: usize| {
        let leads = at + 1 == n_tokens && (layer >= n_layers / 2 || layer == 1);
        LensCell {
            token: if leads { "·Paris".to_owned() } else { HARD[(layer + at) % HARD.len()].to_owned() },
            probability: (layer * 7 + at) as f64 / (n_layers * 7 + n_tokens) as f64,
            rank: followed.map(|_| 1 + 1500 * (n_layers - 1 - layer)),
        }
    };
    let cells = (0..n_layers).flat_map(|layer| (0..n_tokens).map(move |at| (layer, at)));
    LensTable {
        subtitle: SUBTITLE.to_owned(),
        tokens: tokens(n_tokens),
        layers: (0..n_layers)
            .map(|at| if at == 0 { "embedding".to_owned() } else { format!("L{}", at - 1) })
            .collect(),
        cells: cells.map(|(layer, at)| cell(layer, at)).collect(),
        followed: followed.map(str::to_owned),
        first: 0,
        focus: None,
        checked: "The last row is the model's own answer.".to_owned(),
    }
}

/// Each head looks at the token before, most of it the last head.
fn heads(n_heads: usize, n: usize, about: &str) -> AttentionHeads {
    let weight = |head: usize, to: usize, from: usize| {
        let before = 0.2 + 0.7 * (head + 1) as f64 / n_heads as f64;
        match from {
            _ if from > to => 0.0,
            _ if to == 0 => 1.0,
            _ if from + 1 == to => before,
            _ => (1.0 - before) / to as f64,
        }
    };
    let pattern = |head| (0..n * n).map(|at| weight(head, at / n, at % n)).collect();
    let head = |head| HeadPattern {
        name: format!("a{}.h{}", head / 12, head % 12),
        pattern: pattern(head),
        about: if head % 2 == 0 { about.to_owned() } else { String::new() },
    };
    AttentionHeads {
        subtitle: SUBTITLE.to_owned(),
        tokens: tokens(n),
        heads: (0..n_heads).map(head).collect(),
        checked: String::new(),
    }
}

/// Every head more than the one before.
fn matrix(n_layers: usize, n_heads: usize, most: f64) -> HeadMatrix {
    let n = n_layers * n_heads;
    HeadMatrix {
        subtitle: SUBTITLE.to_owned(),
        measure: "attention to the token before".to_owned(),
        does: "looks most at the token before".to_owned(),
        none: "No head looks at the token before".to_owned(),
        is_share: most <= 1.0,
        n_heads,
        values: (0..n).map(|at| most * (at + 1) as f64 / n as f64).collect(),
        chosen: vec![0, 1, n],
        checked: "Over all tokens.".to_owned(),
    }
}

fn contributions(n: usize, scale: f64, rows: usize) -> Contributions {
    let part = |at: usize| {
        let sign = if at % 3 == 1 { -1.0 } else { 1.0 };
        (format!("a{}.h{}", at / 12, at % 12), sign * scale * (at + 1) as f64)
    };
    let parts: Vec<(String, f64)> = (0..n).map(part).collect();
    Contributions {
        what: "logit ·Paris − logit ·Rome".to_owned(),
        subtitle: SUBTITLE.to_owned(),
        total: Some(parts.iter().map(|part| part.1).sum()),
        parts,
        rows,
        checked: "The last norm is held at its scale in this run.".to_owned(),
    }
}

fn grid(intervals: Vec<[f64; 2]>, is_share: bool) -> PatchGrid {
    PatchGrid {
        site: "resid_pre".to_owned(),
        subtitle: SUBTITLE.to_owned(),
        rows: vec!["L0".to_owned(), "L1".to_owned()],
        columns: tokens(2),
        names: Vec::new(),
        differ: vec![1],
        effects: vec![0.9, 0.5, 0.0, -0.25],
        intervals,
        unit: "Effects are differences of logits.".to_owned(),
        is_share,
        checked: String::new(),
    }
}

const INTERVALS: [[f64; 2]; 4] = [[-0.1, 1.9], [0.25, 0.75], [0.0, 0.0], [-0.5, -0.125]];

/// Every picture from what is usual and what is hard to draw.
pub(super) fn pictures() -> Vec<(String, Box<dyn View>)> {
    let views: Vec<(&str, Box<dyn View>)> = vec![
        ("lens", Box::new(lens(13, 6, None))),
        ("lens, a token followed", Box::new(lens(49, 5, Some("·Rome")))),
        ("lens, many tokens", Box::new(lens(25, 200, Some("·Rome")))),
        ("lens, one cell", Box::new(lens(1, 1, Some(HARD[4])))),
        ("lens, nothing", Box::new(lens(0, 0, None))),
        ("heads, one", Box::new(heads(1, 9, "previous token 0.97"))),
        ("heads, one of many tokens", Box::new(heads(1, 64, ""))),
        ("heads, few", Box::new(heads(9, 4, HARD[4]))),
        ("heads, all", Box::new(heads(144, 8, "previous token 0.97"))),
        ("heads, too many", Box::new(heads(144, 40, ""))),
        ("heads, none", Box::new(heads(0, 4, ""))),
        ("heads, one token", Box::new(heads(2, 1, ""))),
        ("matrix", Box::new(matrix(30, 9, 0.97))),
        ("matrix, many heads", Box::new(matrix(48, 32, 0.2))),
        ("matrix, of tokens", Box::new(matrix(2, 3, 312.5))),
        ("matrix, all zero", Box::new(matrix(2, 2, 0.0))),
        ("matrix, none", Box::new(matrix(0, 0, 1.0))),
        ("contributions", Box::new(contributions(157, 0.01, 12))),
        ("contributions, large", Box::new(contributions(20, 3e9, 20))),
        ("contributions, small", Box::new(contributions(20, -2e-7, 4))),
        ("contributions, nothing", Box::new(contributions(3, 0.0, 12))),
        ("contributions, none", Box::new(contributions(0, 1.0, 12))),
        ("grid with intervals", Box::new(grid(INTERVALS.to_vec(), false))),
    ];
    views.into_iter().map(|(name, view)| (name.to_owned(), view)).collect()
}

/// Filled rectangles with a hover text, and how many of them have one that says so.
fn cells(view: &dyn View, width: f64, piece: &str) -> [usize; 2] {
    let scene = view.scene(width);
    let titles = scene.marks.iter().filter_map(|mark| match mark {
        Mark::Rect { title, fill, .. } if !title.is_empty() && *fill != Paint::None => Some(title.as_str()),
        _ => None,
    });
    let titles: Vec<&str> = titles.collect();
    [titles.len(), titles.iter().filter(|title| title.contains(piece)).count()]
}

#[test]
fn every_picture_has_its_subtitle_a_sentence_and_a_table() {
    for (name, view) in pictures() {
        let scene = view.scene(1600.0);
        let said: Vec<&str> = super::texts(&scene).into_iter().map(|(_, text)| text).collect();
        assert!(said.join(" ").contains(SUBTITLE), "{name}");
        assert!(view.text(60).contains(SUBTITLE) && view.sentence().ends_with('.'), "{name}");
        let (names, rows) = view.table();
        assert!(rows.iter().all(|row| row.len() == names.len()), "{name}");
        assert!(rows.len() <= 40_000, "{name}: {} rows", rows.len());
    }
}

#[test]
fn terminals_have_room_for_pictures_of_models() {
    for (name, view) in pictures() {
        for columns in [80, 120] {
            let text = view.text(columns);
            // Title, subtitle and caption are whole sentences; the picture stands between them.
            let picture = text.split("\n\n").nth(1).unwrap_or_default();
            let longest = picture.lines().map(width).max().unwrap_or(0);
            assert!(longest <= columns, "{name}: {longest} letters of {columns}\n{text}");
        }
    }
}

#[test]
fn a_lens_says_from_where_on_the_answer_stands() {
    let table = lens(13, 6, Some("·Rome"));
    let text = table.text(200);
    // L0 led too, but not without a break.
    assert!(text.starts_with("·Paris leads from L5 on at the last token\n"), "{text}");
    let path = "There ·Rome goes from rank 18\u{202f}001 at embedding to 1 at L11.";
    assert!(table.sentence().ends_with(path), "{}", table.sentence());
    assert_eq!(cells(&table, 860.0, "·Rome has rank"), [13 * 6; 2]);
    assert_eq!(table.table().1.len(), 13 * 6);
    assert!(lens(25, 200, None).text(80).contains("tokens did not fit"));
    assert!(!lens(3, 2, None).text(80).contains("did not fit"));
}

#[test]
fn a_lens_without_some_cells_draws_the_others() {
    let mut table = lens(4, 3, None);
    table.cells.truncate(7);
    assert_eq!((table.table().1.len(), cells(&table, 860.0, "L")[1]), (7, 4));
    assert!(table.sentence().contains("leads from"));
}

#[test]
fn heads_draw_what_can_be_seen_and_say_what_is_left_out() {
    let one = heads(1, 9, "");
    assert_eq!(cells(&one, 860.0, " → "), [45, 45]);
    let finding = "a0.h0 looks from “·國籍😀” at “<b>&\"'” most: 0.90\n";
    assert!(one.text(80).starts_with(finding), "{}", one.text(80));
    let all = heads(144, 8, "");
    assert_eq!(cells(&all, 860.0, " → ")[1], 144 * 36);
    assert!(all.text(80).starts_with("a11.h11 looks"), "{}", all.text(80));
    assert!(all.text(80).contains("and 84 others"));
    let many = heads(144, 40, "");
    assert_eq!(cells(&many, 860.0, " → ")[1], 73 * 820);
    let scene = many.scene(1600.0);
    let said: Vec<&str> = super::texts(&scene).into_iter().map(|(_, text)| text).collect();
    assert!(said.join(" ").contains("The first 73 heads are drawn, 71 others would be too much."));
    assert_eq!(many.table().1.len(), 144 * 34);
}

/// Texts of a scene that say so: how many are level, and how many go upwards.
fn named(scene: &crate::render::scene::Scene, name: &str) -> [usize; 2] {
    let is = |text: &str| text == name;
    let level = |mark: &&Mark| matches!(mark, Mark::Text { text, .. } if is(text));
    let upwards = |mark: &&Mark| matches!(mark, Mark::Upward { text, .. } if is(text));
    [scene.marks.iter().filter(level).count(), scene.marks.iter().filter(upwards).count()]
}

#[test]
fn heads_side_by_side_say_which_tokens_they_are_about() {
    let two = AttentionHeads {
        tokens: ["[BOS]", "·cat", "·sat"].map(str::to_owned).to_vec(),
        ..heads(2, 3, "previous token 0.90")
    };
    insta::assert_snapshot!(crate::render::svg::file(&two.scene(380.0)).replace('>', ">\n"));
    // As many tokens as a page shows have room for their names on a telephone: rows of every line of squares, columns of every square.
    let tokens: Vec<String> = (0..24).map(|at| format!("·t{at}")).collect();
    let many = AttentionHeads { tokens, ..heads(9, 24, "") };
    for width in [380.0, 720.0] {
        let scene = many.scene(width);
        for token in &many.tokens {
            let [rows, columns] = named(&scene, token);
            assert_eq!(columns, 9, "{token} at {width}");
            assert_eq!(rows, if width < 400.0 { 9 } else { 5 }, "{token} at {width}");
        }
    }
}

#[test]
fn a_plateau_is_named_as_one_and_zero_is_one_color() {
    let of = |effects: Vec<f64>| PatchGrid {
        rows: (0..3).map(|layer| format!("L{layer}")).collect(),
        columns: ["·When", "·Mary→·John"].map(str::to_owned).to_vec(),
        effects,
        ..grid(Vec::new(), true)
    };
    let run = of(vec![0.0, 1.0, 0.0, 1.01, 0.2, 0.5]);
    assert!(
        run.text(80)
            .starts_with("resid_pre carries most at ·Mary→·John, L0 to L1: +1.01 (2 cells within 2 %)\n")
    );
    let apart = of(vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
    assert!(apart.text(80).starts_with("resid_pre carries most at L0, ·When: +1, and 2 others within 2 %\n"));
    assert!(
        run.text(80).contains("2 cells are exactly 0. Underlined is where the prompts differ"),
        "{}",
        run.text(80)
    );
    // What rounding leaves looks as what is exactly 0, and is counted with it.
    let rounded = of(vec![0.0, 1.0, 1e-9, 0.0, -1.15e-7, 0.5]).text(80).replace('\n', " ");
    assert!(rounded.contains("4 cells are 0, to rounding, 2 of them exactly."), "{rounded}");
    // What is exactly 0 looks as what is next to it.
    let near = of(vec![0.0, 1.0, 1e-9, 0.0, -1e-9, 0.5]).scene(600.0);
    let fills = near.marks.iter().filter_map(|mark| match mark {
        Mark::Rect { fill, title, .. } if title.contains(": ") => Some(*fill),
        _ => None,
    });
    let fills: Vec<Paint> = fills.collect();
    assert_eq!((fills.len(), fills.iter().filter(|fill| **fill == Paint::scale(0.5)).count()), (6, 4));
    // Narrow columns have both tokens upwards, wide ones beside or below each other.
    assert_eq!(named(&run.scene(1200.0), "·Mary→·John"), [1, 0]);
    let many = PatchGrid {
        rows: vec!["L0".to_owned()],
        columns: vec!["·Mary→·John".to_owned(); 14],
        effects: vec![0.5; 14],
        ..run
    };
    assert_eq!(named(&many.scene(380.0), "·Mary→·John"), [0, 14]);
    assert_eq!(named(&many.scene(720.0), "·Mary"), [14, 0]);
    let heads = PatchGrid {
        names: (0..14).map(|head| format!("a0.h{head}")).collect(),
        effects: (0..14).map(f64::from).collect(),
        ..many
    };
    assert!(heads.text(200).starts_with("resid_pre carries most at a0.h13: +13\n"));
}

#[test]
fn parts_that_rounding_may_have_left_are_counted_and_not_told() {
    let mut parts = contributions(3, 1.0, 12);
    // Half a step of single precision beside 3 is about 2e-7.
    parts.parts.extend([("m0".to_owned(), 1e-7), ("bias".to_owned(), 0.0), ("m1".to_owned(), 1e-6)]);
    parts.total = Some(parts.parts.iter().map(|part| part.1).sum());
    let text = parts.text(80);
    assert!(text.contains("m1 ") && !text.contains("m0 ") && !text.contains("bias"), "{text}");
    assert!(text.contains("2 parts below rounding (2·10⁻⁷) are not drawn."), "{text}");
    assert_eq!(parts.table().1.len(), 7);
    // What the sum is off by is rounding, too, and is itself rounded up: it stands as a bound.
    parts.total = parts.total.map(|total| total + 9.5e-6);
    assert!(parts.text(80).contains("3 parts below rounding (1·10⁻⁵) are not drawn."), "{}", parts.text(80));
}

#[test]
fn a_part_of_a_prompt_says_where_it_is_and_of_which_token_it_speaks() {
    let part = LensTable { first: 40, focus: Some(1), ..lens(13, 6, Some("·Rome")) };
    let text = part.text(200);
    assert!(text.starts_with("⏎ leads from L11 on after <b>&\"' (position 41)\n"), "{text}");
    assert!(
        part.sentence().starts_with("After <b>&\"' (position 41) the model says ⏎ ("),
        "{}",
        part.sentence()
    );
    assert_eq!(part.table().1[1][1], "41");
    let none = LensTable { focus: Some(6), ..lens(13, 6, None) };
    assert_eq!(none.sentence(), "No layer was read.");
}

#[test]
fn a_matrix_has_a_shade_and_a_place_to_go_for_every_head() {
    let all = matrix(30, 9, 0.97);
    assert_eq!(cells(&all, 720.0, ".h"), [270; 2]);
    let scene = all.scene(720.0);
    let goes: Vec<&str> = scene.targets.iter().map(|target| target.go.1.as_str()).collect();
    assert_eq!((goes.len(), goes[0], goes[269]), (270, "a0.h0", "a29.h8"));
    assert!(scene.n_marks() < 1000, "{}", scene.n_marks());
    // Two of those that were chosen are there.
    let frames = scene.marks.iter().filter(|mark| matches!(mark, Mark::Polyline { .. })).count();
    assert_eq!(frames, 2);
    assert!(all.text(80).starts_with("a29.h8 looks most at the token before: 0.97\n"), "{}", all.text(80));
    assert_eq!(all.table().1[0], ["a29.h8", "0.97"]);
    assert!(matrix(2, 2, 0.0).text(80).starts_with("No head looks at the token before\n"));
    let far = matrix(2, 3, 312.5).scene(720.0);
    let said: Vec<&str> = super::texts(&far).into_iter().map(|(_, text)| text).collect();
    assert!(said.contains(&"310") && said.contains(&"tokens"), "{said:?}");
    assert!(!said.join(" ").contains("hundredths"));
}

#[test]
fn contributions_add_up_with_what_is_not_drawn() {
    let mut parts = contributions(6, 1.0, 3);
    // 1, −2, 3, 4, −5, 6.
    let text = parts.text(80);
    assert!(text.starts_with("a0.h5 raises logit ·Paris − logit ·Rome most: +6\n"), "{text}");
    for line in ["3 others         +2  ", "total            +7  ", "6 parts add up to the total within 0."] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let names: Vec<String> = parts.table().1.into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(names, ["a0.h0", "a0.h1", "a0.h2", "a0.h3", "a0.h4", "a0.h5", "total"]);
    assert_eq!(cells(&parts, 600.0, "others: +2"), [5, 1]);
    // A rest of one is the part.
    parts.rows = 5;
    assert_eq!(cells(&parts, 600.0, "others"), [7, 0]);
    parts.total = Some(7.5);
    assert!(parts.text(80).contains("within 0.5."));
}

#[test]
fn effects_whose_intervals_cover_zero_are_hollow_and_never_the_finding() {
    let view = grid(INTERVALS.to_vec(), false);
    // The largest effect is not told from zero.
    let text = view.text(80);
    let finding = "resid_pre moves the answer most at L0, <b>&\"': +0.5\n";
    assert!(text.starts_with(finding) && text.contains("0.9?"), "{text}");
    assert!(text.contains("?: the cell's own 95 % interval over prompts covers 0."), "{text}");
    // Its cell has another one within.
    assert_eq!(cells(&view, 600.0, "L0, ·the: +0.9 [−0.1, 1.9]"), [5, 2]);
    let (names, rows) = view.table();
    assert_eq!(names[3..], ["low", "high"]);
    assert_eq!(rows[1][2..], ["0.5", "0.25", "0.75"]);
    let sentence = view.sentence();
    assert!(sentence.contains("<b>&\"' (+0.5 [0.25, 0.75])"), "{sentence}");
    assert!(sentence.ends_with("95 % intervals over prompts cover 0 in 2 of 4 cells."), "{sentence}");
    let unclear = grid(vec![[f64::NAN, f64::NAN]; 4], true).text(80);
    assert!(unclear.starts_with("No effect of resid_pre is told from zero\n"), "{unclear}");
    let plain = grid(Vec::new(), true);
    assert!(plain.text(80).starts_with("resid_pre carries most at L0, ·the: +0.9\n"));
    assert!(!plain.text(80).contains("interval") && plain.table().0.len() == 3);
}
