//! Does exact edge patching find the circuit of a model whose circuit is known, edge for edge?

use std::collections::BTreeSet;

use pellucid_explain::Control;
use pellucid_explain::inside::{By, Case, Donor, Metric, Patching, edge_effects, head_scores, patch};
use pellucid_models::transformer::compiled::{Compiled, Disguise, Program, compile, examples};
use pellucid_models::transformer::node::Edge;
use pellucid_models::transformer::{Machine, Site};

/// Numbers that look like chance, the same everywhere.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
}

/// Two prompts of one length, which begin with the first token; few kinds of tokens, so that they come again.
fn prompts(program: &Program, draw: &mut Draw) -> [Vec<u32>; 2] {
    let n = 3 + draw.below(program.n_ctx() - 3);
    let kinds = 2 + draw.below(4);
    let mut one = || -> Vec<u32> {
        let rest = (1..n).map(|_| 1 + draw.below(kinds.min(program.n_tokens() - 1)) as u32);
        [0].into_iter().chain(rest).collect()
    };
    [one(), one()]
}

/// The edges that move a logit by more than rounding does, on any of many pairs of prompts.
fn found(program: &Program, made: &Compiled, n_pairs: usize) -> BTreeSet<Edge> {
    let edges = Edge::all(&made.model.spec);
    let mut draw = Draw(7);
    let mut found = BTreeSet::new();
    for _ in 0..n_pairs {
        let [run, other] = prompts(program, &mut draw);
        if run == other {
            continue;
        }
        let answer = program.run(&run).unwrap()[run.len() - 1];
        let metric = Metric::Logit([answer as u32]);
        let case = Case { run, donor: Donor::Run(other), metric };
        let effects = edge_effects(&made.model, &case, &edges, 0.02, &Control::quiet()).unwrap();
        assert!(effects.verified.worst == 0.0);
        assert_eq!(effects.multiply_adds, effects.planned);
        // A value's logit is 10 or 0.
        found.extend(
            edges.iter().enumerate().filter(|(at, _)| effects.effect(*at).abs() > 0.1).map(|(_, e)| *e),
        );
    }
    found
}

#[test]
fn edge_patching_finds_every_edge_of_known_circuits_and_no_other() {
    let disguises = [
        Disguise::default(),
        Disguise { rotate: true, distractor_heads: 1, seed: 5 },
        Disguise { rotate: true, distractor_heads: 2, seed: 6 },
    ];
    for (name, program) in examples::all().unwrap() {
        for disguise in disguises {
            let made = compile(&program, disguise);
            let spec = &made.model.spec;
            let truth: BTreeSet<Edge> = made.circuit.difference(&made.still).copied().collect();
            assert!(!truth.is_empty());
            let named = |edges: &BTreeSet<Edge>| -> Vec<String> {
                edges.iter().map(|edge| edge.name(spec)).collect()
            };
            let found = found(&program, &made, 60);
            assert_eq!(named(&found), named(&truth), "{name}, {disguise:?}");
        }
    }
}

#[test]
fn patching_finds_the_two_heads_of_induction_and_their_patterns_are_known() {
    let program = examples::induction().unwrap();
    let made = compile(&program, Disguise { rotate: true, distractor_heads: 2, seed: 11 });
    // BOS a b c d a: what followed a was b, or, in the other prompt, d.
    let (run, other) = (vec![0, 1, 2, 3, 4, 5, 1], vec![0, 1, 4, 3, 2, 5, 1]);
    let [first, second] = [&run, &other].map(|tokens| program.run(tokens).unwrap()[6] as u32);
    assert_eq!([first, second], [2, 4]);
    let case =
        Case { run: run.clone(), donor: Donor::Run(other), metric: Metric::LogitDifference([second, first]) };
    let grid =
        patch(&made.model, &case, Patching { site: Site::Mixed, by: By::LayerHead }, 1.0, &Control::quiet());
    let grid = grid.unwrap();
    assert!(grid.verified.worst == 0.0);
    let effects: Vec<f64> = (0..grid.plan.cells.len()).map(|cell| grid.effect(cell)).collect();
    let induction: Vec<usize> = (0..effects.len()).filter(|cell| effects[*cell].abs() > 0.01).collect();
    // The head that copies carries all of the difference; the one before it tells where, which is the same in both prompts.
    assert_eq!(induction.len(), 1, "{effects:?}");
    assert!((effects[induction[0]] - 1.0).abs() < 1e-3);
    let cell = grid.plan.cells[induction[0]];
    let scores = head_scores(&made.model, &run, Machine::one_thread()).unwrap();
    let copies = scores.iter().find(|head| head.layer == cell.layer && Some(head.head) == cell.head).unwrap();
    // At the last token the head attends to what followed the same token before.
    assert!((copies.pattern[6 * 7 + 2] - 1.0).abs() < 1e-5);
    // Heads that do one thing have all of its score, from however few positions there is something to look at.
    let best = |kind: usize, layer: usize| {
        let of_layer = scores.iter().filter(|head| head.layer == layer);
        of_layer.filter_map(|head| head.scores[kind]).fold(0.0, f64::max)
    };
    assert!((best(0, 0) - 1.0).abs() < 1e-5);
    assert!((best(2, cell.layer) - 1.0).abs() < 1e-5);
}
