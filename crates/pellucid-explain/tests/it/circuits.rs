//! Are edges, effects, lenses and experiments what their definitions say, written down again in 64 bits?

use pellucid_explain::inside::experiment::format::ExperimentFile;
use pellucid_explain::inside::experiment::{
    EdgeEdit, Edit, Measured, Op, Run, RunMetric, Selection, Sweep, Value,
};
use pellucid_explain::inside::{
    By, Case, Compared, Component, Donor, Experiment, ExperimentError, HeadKind, Metric, Patching, Trace,
    attribute, edge_effects, edge_effects_with, effects, for_all, head_scores, logit_lens, patch, patch_all,
};
use pellucid_explain::{Control, Quiet};
use pellucid_models::transformer::node::{Edge, Part, Receiver, Sender};
use pellucid_models::transformer::tap::{Tap, Untouched, View};
use pellucid_models::transformer::{Capture, Hook, Machine, Processing, Site, Transformer, definition};

use proptest::prelude::*;

use crate::inside::{DECODERS, tiny};

const CLEAN: [u32; 6] = [3, 41, 7, 8, 19, 3];
const CORRUPT: [u32; 6] = [3, 41, 12, 8, 25, 3];

fn cases() -> Vec<Case> {
    let metric = Metric::LogitDifference([5, 30]);
    let pool = vec![CLEAN.to_vec(), CORRUPT.to_vec()];
    [Donor::Run(CORRUPT.to_vec()), Donor::Zero, Donor::Mean(pool.clone()), Donor::Resample { pool, seed: 3 }]
        .map(|donor| Case { run: CLEAN.to_vec(), donor, metric })
        .to_vec()
}

/// One edge in 64 bits: what the sender wrote is taken out of what the receiver reads, and other values come in.
struct OneEdge<'e> {
    edge: Edge,
    theirs: &'e Capture<f64>,
    live: Vec<f64>,
    d: usize,
    last: usize,
}

fn site_of(from: Sender) -> Hook {
    match from {
        Sender::Input => Hook::at(Site::ResidPre, 0),
        Sender::Head { layer, .. } => Hook::at(Site::Result, layer),
        Sender::Mlp { layer } => Hook::at(Site::MlpOut, layer),
    }
}

fn written(from: Sender, data: &[f64], d: usize, n_tokens: usize) -> Vec<f64> {
    let width = data.len() / n_tokens;
    let head = if let Sender::Head { head, .. } = from { head } else { 0 };
    data.chunks_exact(width).flat_map(|row| row[head * d..(head + 1) * d].to_vec()).collect()
}

impl OneEdge<'_> {
    fn receives(&self) -> (Hook, usize) {
        match self.edge.to {
            Receiver::Head { layer, part: Part::Query, head } => (Hook::at(Site::QueryInput, layer), head),
            Receiver::Head { layer, part: Part::Key, head } => (Hook::at(Site::KeyInput, layer), head),
            Receiver::Head { layer, part: Part::Value, head } => (Hook::at(Site::ValueInput, layer), head),
            Receiver::Mlp { layer } => (Hook::at(Site::MlpIn, layer), 0),
            Receiver::Logits => (Hook::at(Site::ResidPost, self.last), 0),
        }
    }
}

impl Tap<f64> for OneEdge<'_> {
    fn wants(&self, hook: Hook) -> bool {
        hook == site_of(self.edge.from) || hook == self.receives().0
    }

    fn touch(&mut self, hook: Hook, view: View<'_, f64>) {
        let d = self.d;
        if hook == site_of(self.edge.from) {
            self.live = written(self.edge.from, view.data, d, CLEAN.len());
        }
        let (at, head) = self.receives();
        if hook == at {
            let theirs = &self.theirs.seen[&(0, site_of(self.edge.from))].data;
            let theirs = written(self.edge.from, theirs, d, CLEAN.len());
            let width = view.data.len() / CLEAN.len();
            for (token, row) in view.data.chunks_exact_mut(width).enumerate() {
                for unit in 0..d {
                    row[head * d + unit] += theirs[token * d + unit] - self.live[token * d + unit];
                }
            }
        }
    }
}

#[test]
fn every_edge_is_what_its_definition_says_in_64_bits() {
    let mut n = 0;
    for name in DECODERS {
        let model = tiny(name);
        let spec = &model.spec;
        let edges = Edge::all(spec);
        let case = &cases()[0];
        let found = edge_effects(&model, case, &edges, 1.0, &Control::quiet()).unwrap();
        assert_eq!(found.verified.n, edges.len());
        assert!(found.verified.worst == 0.0, "{name}: off by {:e}", found.verified.worst);
        assert_eq!(found.multiply_adds, found.planned, "{name}");
        assert!(found.planned < found.naive, "{name}");
        let mut theirs = Capture::of(Sender::all(spec).into_iter().map(site_of).collect());
        definition::run(&model, &CORRUPT, &mut theirs).unwrap();
        let mut n_moved = 0;
        for (at, edge) in edges.iter().enumerate() {
            let mut tap = OneEdge {
                edge: *edge,
                theirs: &theirs,
                live: vec![],
                d: spec.d_model,
                last: spec.n_layers - 1,
            };
            let logits = definition::run(&model, &CLEAN, &mut tap).unwrap();
            let last = &logits[CLEAN.len() - 1];
            let slow = last[5] - last[30];
            let off = (slow - found.metrics[at]).abs();
            assert!(off < 2e-4, "{name}: {} is {} and {slow}", edge.name(spec), found.metrics[at]);
            n_moved += usize::from(found.effect(at).abs() > 1e-3);
        }
        assert!(n_moved > edges.len() / 3, "{name}: {n_moved} of {} edges do something", edges.len());
        n += edges.len();
        for case in &cases()[1..] {
            let found = edge_effects(&model, case, &edges, 0.3, &Control::quiet()).unwrap();
            assert!(found.verified.worst == 0.0);
            assert_eq!(found.multiply_adds, found.planned, "{name}: {}", case.donor.name());
        }
    }
    assert!(n > 300, "only {n} edges");
}

#[test]
fn effects_are_patches_and_what_comes_last_has_no_way_around() {
    for name in DECODERS {
        let model = tiny(name);
        let spec = &model.spec;
        for case in cases() {
            let found = effects(&model, &case, 1.0, &Control::quiet()).unwrap();
            assert_eq!(found.parts.len(), 1 + spec.n_layers * (spec.n_heads + 1));
            assert!(found.verified.worst == 0.0 && found.verified.n > found.parts.len());
            let whole = patch(
                &model,
                &case,
                Patching { site: Site::ResidPre, by: By::Layer },
                0.0,
                &Control::quiet(),
            );
            let whole = whole.unwrap();
            assert!((found.parts[0].total - (whole.metrics[0] - whole.own)).abs() < 1e-6);
            if let Some(other) = found.other {
                assert!(
                    (found.parts[0].total - (other - found.own)).abs() < 1e-6,
                    "all of the input is the other run"
                );
            }
            for part in &found.parts {
                let is_last = part.part == Sender::Mlp { layer: spec.n_layers - 1 };
                assert!(!is_last || part.indirect().abs() < 2e-5, "{name}: {part:?}");
            }
            let repair = found.self_repair().unwrap();
            assert!(repair.slope.is_finite() && (0.0..=1.0).contains(&repair.r_squared) && repair.n >= 3);
        }
    }
}

#[test]
fn the_lens_ends_in_the_model_and_ranks_are_counted() {
    for name in DECODERS {
        let model = tiny(name);
        let found = logit_lens(&model, &CLEAN, Some(7), 50, &Control::quiet()).unwrap();
        assert_eq!(found.worst, 0.0, "{name}");
        assert_eq!(found.readings.len(), model.spec.n_layers + 1);
        let logits =
            definition::run(&model, &CLEAN, &mut pellucid_models::transformer::tap::Untouched).unwrap();
        for (row, reading) in logits.iter().zip(found.readings.last().unwrap()) {
            let sum: f64 = row.iter().map(|x| x.exp()).sum();
            let rank = 1 + row.iter().filter(|x| **x > row[7]).count();
            let (probability, found) = reading.followed.unwrap();
            assert!((probability - row[7].exp() / sum).abs() < 1e-5);
            assert_eq!(found, rank, "{name}");
            assert_eq!(reading.top[rank - 1].0, 7);
            assert!(reading.top.is_sorted_by(|a, b| a.1 >= b.1));
            assert!((reading.top.iter().map(|(_, p)| p).sum::<f64>() - 1.0).abs() < 1e-9);
        }
        // The lens before the first block: the stream there, normed and unembedded by hand.
        let mut seen = Capture::of(vec![Hook::at(Site::ResidPre, 0)]);
        definition::run(&model, &CLEAN, &mut seen).unwrap();
        let stream = &seen.seen[&(0, Hook::at(Site::ResidPre, 0))].data[..model.spec.d_model];
        assert!(stream.iter().any(|x| *x != 0.0));
    }
    let told = logit_lens(&tiny("bert"), &CLEAN, None, 1, &Control::quiet()).unwrap_err().to_string();
    assert!(told.contains("have no logits"));
    let told = logit_lens(&tiny("llama"), &CLEAN, Some(50), 1, &Control::quiet()).unwrap_err().to_string();
    assert!(told.contains("token 50"));
}

#[test]
fn shares_of_a_logit_sum_up_to_it_at_every_position() {
    for name in DECODERS {
        for steps in [false, true] {
            let mut model = tiny(name);
            if steps {
                let all = Processing::all(&model);
                model = model.processed(all).unwrap();
            }
            for metric in [Metric::Logit([5]), Metric::LogitDifference([5, 30])] {
                for position in 0..CLEAN.len() {
                    let found =
                        attribute(&model, &CLEAN, metric, position, 10_000, Machine::one_thread()).unwrap();
                    assert!(found.residual.abs() < 2e-5, "{name}: {}", found.residual);
                    let mlps: f64 = found
                        .parts
                        .iter()
                        .filter(|(part, _)| matches!(part, Component::Mlp { .. }))
                        .map(|(_, value)| value)
                        .sum();
                    let neurons: f64 = found.neurons.iter().map(|neuron| neuron.value).sum();
                    assert_eq!(found.neurons.len(), model.spec.n_layers * model.spec.d_mlp);
                    // Neurons are their MLPs, but for biases.
                    let has_bias = model.weights.blocks.iter().any(|block| block.post.bias.is_some());
                    assert!(has_bias || (mlps - neurons).abs() < 1e-4, "{name}: {mlps} and {neurons}");
                }
            }
        }
    }
    let told = |metric, position| {
        attribute(&tiny("llama"), &CLEAN, metric, position, 0, Machine::one_thread()).unwrap_err().to_string()
    };
    assert!(told(Metric::LogProbability([5]), 0).contains("no sum of what parts add"));
    assert!(told(Metric::Logit([5]), 6).contains("no position 6"));
}

#[test]
fn heads_are_scored_by_where_they_attend() {
    // Positions: a b a b. The last one's induction target is the a after the first b; its duplicate the first b.
    let tokens = [4, 9, 4, 9];
    let at = |to: usize, from: usize| {
        let mut pattern = vec![0.0_f32; 16];
        (0..4).for_each(|row| pattern[row * 4 + row] = f32::from(u8::from(row != to)));
        pattern[to * 4 + from] = 1.0;
        HeadKind::ALL.map(|kind| kind.score(&tokens, &pattern))
    };
    // From three positions there is a token before, from two a copy, and what followed it.
    assert_eq!(HeadKind::ALL.map(|kind| kind.n_positions(&tokens)), [3, 2, 2]);
    let third = 1.0 / 3.0;
    assert_eq!(at(3, 2), [Some(third), Some(0.0), Some(0.5)]);
    assert_eq!(at(3, 1), [Some(0.0), Some(0.5), Some(0.0)]);
    assert_eq!(at(2, 1), [Some(third), Some(0.0), Some(0.5)]);
    assert_eq!(at(1, 0), [Some(third), Some(0.0), Some(0.0)]);
    // Where no token comes twice two kinds have nothing to attend to.
    let even = [0.25_f32; 16];
    assert_eq!(HeadKind::ALL.map(|kind| kind.score(&[4, 9, 5, 6], &even)), [Some(0.25), None, None]);
    assert_eq!(HeadKind::ALL.map(|kind| kind.score(&[4], &[1.0])), [None; 3]);
    let found = head_scores(&tiny("llama"), &CLEAN, Machine::one_thread()).unwrap();
    assert_eq!(found.len(), 2 * 4);
    for head in found {
        assert!((head.pattern.iter().sum::<f32>() - 6.0).abs() < 1e-5);
    }
}

/// The parts, positions and tokens of one answer, to be compared to the bit.
fn bits(found: &pellucid_explain::inside::Attribution) -> Vec<(String, u64)> {
    let parts = found.parts.iter().map(|(part, value)| (part.to_string(), value.to_bits()));
    parts.chain([("metric".to_owned(), found.metric.to_bits())]).collect()
}

#[test]
fn a_run_that_is_kept_answers_as_new_runs_do_to_the_bit() {
    for name in DECODERS {
        let model = tiny(name);
        let trace = Trace::of(&model, &CLEAN, &Control::quiet()).unwrap();
        assert_eq!(trace.tokens(), CLEAN);
        assert_eq!(trace.heads(), head_scores(&model, &CLEAN, Machine::one_thread()).unwrap());
        let whole = logit_lens(&model, &CLEAN, Some(7), 5, &Control::quiet()).unwrap();
        let part = trace.lens(&model, 2..5, (Some(7), 5), &Control::quiet()).unwrap();
        assert_eq!((part.worst, part.readings.len()), (0.0, whole.readings.len()));
        for (own, all) in part.readings.iter().zip(&whole.readings) {
            assert_eq!(own[..], all[2..5], "{name}");
        }
        for position in 0..CLEAN.len() {
            let next = trace.next(&model, position, 5, Machine::one_thread()).unwrap();
            assert_eq!(next.top, whole.readings.last().unwrap()[position].top);
            for metric in [Metric::Logit([5]), Metric::LogitDifference([5, 30])] {
                let own = trace.attribute(&model, metric, position, Machine::one_thread()).unwrap();
                let other = attribute(&model, &CLEAN, metric, position, 0, Machine::one_thread()).unwrap();
                assert_eq!(bits(&own), bits(&other), "{name}");
            }
        }
        let told = trace.lens(&model, 4..7, (None, 1), &Control::quiet()).unwrap_err().to_string();
        assert!(told.contains("no position 6"), "{told}");
        assert!(trace.lens(&model, 3..3, (None, 1), &Control::quiet()).is_err());
        assert!(trace.lens(&model, 0..1, (Some(50), 1), &Control::quiet()).is_err());
    }
    let model = tiny("bert");
    let trace = Trace::of(&model, &CLEAN, &Control::quiet()).unwrap();
    assert_eq!(trace.heads().len(), model.spec.n_layers * model.spec.n_heads);
    let told = trace.next(&model, 0, 1, Machine::one_thread()).unwrap_err().to_string();
    assert!(told.contains("have no logits"), "{told}");
}

#[test]
fn how_far_heads_look_is_a_mean_over_their_attention() {
    let model = tiny("llama");
    for head in head_scores(&model, &CLEAN, Machine::one_thread()).unwrap() {
        let n = CLEAN.len();
        let at = |to: usize, from: usize| f64::from(head.pattern[to * n + from]);
        let first: f64 = (0..n).map(|to| at(to, 0)).sum::<f64>() / n as f64;
        let away: f64 = (0..n)
            .flat_map(|to| (0..=to).map(move |from| (to, from)))
            .map(|(to, from)| at(to, from) * (to - from) as f64)
            .sum();
        assert!((head.first_token(n) - first).abs() < 1e-6);
        assert!((head.distance(n) - away / n as f64).abs() < 1e-6);
    }
}

fn run(id: &str, tokens: &[u32]) -> Run {
    Run {
        id: id.to_owned(),
        tokens: tokens.to_vec(),
        edits: Vec::new(),
        edges: Vec::new(),
        capture: Vec::new(),
        metric: Some(RunMetric { of: Measured::Alone(Metric::LogitDifference([5, 30])), position: None }),
    }
}

fn edit(at: &str, selection: Selection, op: Op) -> Edit {
    Edit { at: at.parse().unwrap(), selection, op, allow_noop: false }
}

const MOST: usize = 1 << 30;

#[test]
fn experiments_do_what_patches_and_edges_do() {
    for name in DECODERS {
        let model = tiny(name);
        let case = Case {
            run: CLEAN.to_vec(),
            donor: Donor::Run(CORRUPT.to_vec()),
            metric: Metric::LogitDifference([5, 30]),
        };
        let grid = patch(
            &model,
            &case,
            Patching { site: Site::Mixed, by: By::LayerPositionHead },
            0.0,
            &Control::quiet(),
        );
        let grid = grid.unwrap();
        let edge: Edge = "m0->a1.h1<q>".parse().unwrap();
        let by_edge = edge_effects(&model, &case, &[edge], 0.0, &Control::quiet()).unwrap();
        // The patched run comes first in the file, and takes values of one that comes later.
        let mut patched = run("patched", &CLEAN);
        let one = Selection { positions: Some(vec![4]), heads: Some(vec![1]), ..Selection::default() };
        patched.edits = vec![edit("blocks.1.attn.hook_z", one, Op::Set(Value::Run("other".to_owned())))];
        let mut pathed = run("pathed", &CLEAN);
        pathed.edges = vec![EdgeEdit { edge, value: Value::Run("other".to_owned()), allow_noop: false }];
        pathed.capture = vec![Hook::at(Site::ResidPre, 1)];
        let mut same = run("same", &CLEAN);
        let everything = Op::Set(Value::Run("plain".to_owned()));
        same.edits = vec![edit("blocks.0.hook_resid_post", Selection::default(), everything)];
        let mut becomes = run("becomes", &CLEAN);
        let everything = Op::Set(Value::Run("other".to_owned()));
        becomes.edits = vec![edit("blocks.1.hook_resid_pre", Selection::default(), everything)];
        let sweep = Sweep {
            id: "grid".to_owned(),
            run: "plain".to_owned(),
            asked: grid.asked,
            value: Value::Run("other".to_owned()),
            metric: case.metric,
            position: None,
        };
        let asked = Experiment {
            runs: vec![patched, pathed, same, becomes, run("other", &CORRUPT), run("plain", &CLEAN)],
            sweeps: vec![sweep],
        };
        let found =
            asked.run(&model, MOST, 1.0, &Control { threads: std::num::NonZeroUsize::MIN, watch: &Quiet });
        let found = found.unwrap();
        let metric = |at: usize| found.runs[at].metric.unwrap();
        let cell = grid
            .plan
            .cells
            .iter()
            .position(|cell| cell.layer == 1 && cell.position == Some(4) && cell.head == Some(1));
        assert_eq!(metric(0), grid.metrics[cell.unwrap()], "{name}");
        assert_eq!(found.runs[0].edits, [(1, model.spec.d_head)]);
        assert_eq!(metric(1), by_edge.metrics[0], "{name}");
        assert_eq!(found.runs[1].edges, [4]);
        assert_eq!(found.runs[1].captured.keys().copied().collect::<Vec<_>>(), [Hook::at(Site::ResidPre, 1)]);
        // Patched with itself nothing changes; with all of the other run it is the other run. To the bit.
        assert_eq!(found.runs[2].logits, found.runs[5].logits);
        assert_eq!(found.runs[2].edits, [(6, 0)]);
        assert_eq!(found.runs[3].logits, found.runs[4].logits);
        assert_eq!(metric(4), grid.other.unwrap());
        assert_eq!(found.sweeps[0].patched.metrics, grid.metrics);
        assert!(found.sweeps[0].patched.verified.worst == 0.0);
    }
}

#[test]
fn numbers_can_be_set_added_and_scaled() {
    let model = tiny("gpt2");
    let d = model.spec.d_model;
    let place = Selection { positions: Some(vec![2]), units: Some(vec![1, 3]), ..Selection::default() };
    let with = |op| {
        let mut one = run("one", &CLEAN);
        one.edits = vec![edit("blocks.0.hook_resid_mid", place.clone(), op)];
        one.capture = vec![Hook::at(Site::ResidMid, 0)];
        let found =
            Experiment { runs: vec![one], sweeps: vec![] }.run(&model, MOST, 0.0, &Control::quiet()).unwrap();
        let row = found.runs[0].captured[&Hook::at(Site::ResidMid, 0)].data[2 * d..3 * d].to_vec();
        [row[1], row[3], row[2]]
    };
    let [a, b, c] = with(Op::Scale(1.0));
    assert_eq!(with(Op::Set(Value::Number(0.0))), [0.0, 0.0, c]);
    assert_eq!(with(Op::Set(Value::Numbers(vec![0.5, -2.0]))), [0.5, -2.0, c]);
    assert_eq!(with(Op::Add(Value::Number(1.0), 0.5)), [a + 0.5, b + 0.5, c]);
    assert_eq!(with(Op::Scale(2.0)), [a * 2.0, b * 2.0, c]);
}

#[test]
fn metrics_are_read_at_any_position_and_from_any_run() {
    for name in DECODERS {
        let model = tiny(name);
        let logit = Measured::Alone(Metric::LogProbability([5]));
        let from = |id: &str| Measured::DivergenceFrom(id.to_owned());
        let with = |id: &str, tokens: &[u32], of: Measured, position| Run {
            metric: Some(RunMetric { of, position }),
            ..run(id, tokens)
        };
        let sweep = |id: &str, metric, position| Sweep {
            id: id.to_owned(),
            run: "plain".to_owned(),
            asked: Patching { site: Site::Mixed, by: By::LayerPositionHead },
            value: Value::Run("other".to_owned()),
            metric,
            position,
        };
        let asked = Experiment {
            runs: vec![
                with("same", &CLEAN, from("plain"), None),
                with("far", &CORRUPT, from("plain"), None),
                with("inside", &CLEAN, logit.clone(), Some(3)),
                with("short", &CLEAN[..4], logit, None),
                run("plain", &CLEAN),
                run("other", &CORRUPT),
            ],
            sweeps: vec![
                sweep("far sweep", Metric::Divergence(Compared::Run), None),
                sweep("near sweep", Metric::Divergence(Compared::Donor), Some(4)),
            ],
        };
        let found = asked.run(&model, usize::MAX, 1.0, &Control::quiet()).unwrap();
        let metric = |at: usize| found.runs[at].metric.unwrap();
        assert_eq!(metric(0), 0.0, "{name}: an answer is as far from itself as nothing");
        assert_eq!(metric(2), metric(3), "{name}: later tokens have no say");
        // By the definition: of the slow forward pass, and its softmax.
        let log_softmax = |tokens: &[u32]| -> Vec<f64> {
            let found = definition::run(&model, tokens, &mut Untouched).unwrap();
            let last = &found[tokens.len() - 1];
            let sum: f64 = last.iter().map(|x| x.exp()).sum();
            last.iter().map(|x| x - sum.ln()).collect()
        };
        let [clean, corrupt] = [&CLEAN, &CORRUPT].map(|tokens| log_softmax(&tokens[..]));
        let slow: f64 = clean.iter().zip(&corrupt).map(|(p, q)| p.exp() * (p - q)).sum();
        assert!(slow > 1e-4 && (metric(1) - slow).abs() < 1e-5, "{name}: {} and {slow}", metric(1));
        let [far, near] = &found.sweeps[..] else { panic!("two sweeps") };
        assert_eq!((far.patched.own, far.patched.other), (0.0, Some(metric(1))), "{name}");
        assert_eq!(near.patched.other, Some(0.0), "{name}");
        assert_eq!(near.patched.plan.cells.len(), model.spec.n_layers * 5 * model.spec.n_heads);
        for sweep in [far, near] {
            assert_eq!(sweep.patched.verified.worst, 0.0, "{name}");
            assert!(sweep.patched.metrics.iter().all(|nats| *nats >= -1e-12), "{name}");
        }
        // What is foreseen is what is done.
        let foreseen = asked.plan(&model, usize::MAX, &Control::quiet()).unwrap();
        let planned: Vec<u64> = foreseen.plans.iter().map(|plan| plan.planned).collect();
        let done: Vec<u64> = found.sweeps.iter().map(|sweep| sweep.patched.multiply_adds).collect();
        assert_eq!(planned, done, "{name}");
    }
    // Prompts are drawn before they are cut, and means have to have the position.
    let pool = vec![CORRUPT.to_vec(), vec![9, 8, 7], vec![1, 2, 3, 4, 5, 6]];
    let of = |donor| Case { run: CLEAN.to_vec(), donor, metric: Metric::Logit([5]) };
    let drawn = of(Donor::Resample { pool: pool.clone(), seed: 1 }).until(4).unwrap();
    let Donor::Resample { pool: kept, .. } = &drawn.donor else { panic!("{drawn:?}") };
    assert!(kept.len() == 1 && kept[0].len() == 5 && drawn.run == CLEAN[..5]);
    let ragged = of(Donor::Mean(pool.clone())).until(2).unwrap_err();
    assert!(ragged.to_string().contains("no position in common"));
    let even = of(Donor::Mean(vec![pool[0].clone(), pool[2].clone()])).until(2).unwrap();
    assert_eq!(even.donor, Donor::Mean(vec![CORRUPT[..3].to_vec(), vec![1, 2, 3]]));
    let model = tiny("llama");
    let told = |metric: RunMetric| {
        let run = Run { metric: Some(metric), ..run("a", &CLEAN) };
        Experiment { runs: vec![run], sweeps: vec![] }.check(&model.spec).unwrap_err().to_string()
    };
    let nowhere = RunMetric { of: Measured::DivergenceFrom("b".to_owned()), position: None };
    assert!(told(nowhere).contains("the run `b`, which is not there"));
    let own = RunMetric { of: Measured::DivergenceFrom("a".to_owned()), position: None };
    assert!(told(own).contains("one of them has to come first"));
    let within = RunMetric { of: Measured::DivergenceFrom("a".to_owned()), position: Some(1) };
    assert!(told(within).contains("end both prompts where it is to be measured"));
    let beyond = RunMetric { of: Measured::Alone(Metric::Logit([5])), position: Some(9) };
    assert!(told(beyond).contains("9"));
    let case = Case { run: CLEAN.to_vec(), donor: Donor::Zero, metric: Metric::Divergence(Compared::Donor) };
    let asked = Patching { site: Site::MlpOut, by: By::Layer };
    let alone = patch(&model, &case, asked, 0.0, &Control::quiet()).unwrap_err();
    assert!(alone.to_string().contains("measure it from the run itself"));
}

#[test]
fn experiments_that_make_no_sense_are_told_before_anything_runs() {
    let model = tiny("llama-wide");
    let told = |runs: Vec<Run>| {
        Experiment { runs, sweeps: vec![] }.run(&model, MOST, 0.0, &Control::quiet()).unwrap_err().to_string()
    };
    let with = |at: &str, selection: Selection, op: Op| {
        let mut one = run("one", &CLEAN);
        one.edits = vec![edit(at, selection, op)];
        vec![one, run("other", &CORRUPT[..4])]
    };
    let all = Selection::default;
    let zero = || Op::Set(Value::Number(0.0));
    assert!(told(vec![run("a", &CLEAN), run("a", &CLEAN)]).contains("two runs or sweeps `a`"));
    assert!(told(vec![run("a", &[])]).contains("`a`: the prompt has no tokens"));
    let of = |id: &str| Op::Set(Value::Run(id.to_owned()));
    assert!(told(with("blocks.0.z", all(), of("othr"))).contains("did you mean `other`?"));
    assert!(told(with("blocks.0.z", all(), of("one"))).contains("one of them has to come first"));
    assert!(told(with("blocks.0.z", all(), of("other"))).contains("prompts have to align"));
    assert!(told(with("blocks.9.z", all(), zero())).contains("the model has the blocks 0 to"));
    assert!(told(with("hook_pos_embed", all(), zero())).contains("models with learned positions"));
    let at = |positions: Vec<usize>| Selection { positions: Some(positions), ..all() };
    assert!(told(with("blocks.0.z", at(vec![6]), zero())).contains("no position 6; it has 6"));
    assert!(told(with("blocks.0.z", at(vec![]), zero())).contains("touches no row"));
    let head = Selection { heads: Some(vec![model.spec.n_kv_heads]), ..all() };
    assert!(told(with("blocks.0.k", head.clone(), zero())).contains("has no head"));
    assert!(told(with("blocks.0.hook_resid_pre", head, zero())).contains("has no head to choose from"));
    let numbers = Op::Set(Value::Numbers(vec![1.0]));
    assert!(told(with("blocks.0.z", all(), numbers)).contains("1 numbers for"));
    let mut edge = run("edge", &CLEAN);
    let backward =
        EdgeEdit { edge: "m1->a0.h0<q>".parse().unwrap(), value: Value::Number(0.0), allow_noop: false };
    edge.edges = vec![backward];
    assert!(told(vec![edge]).contains("comes before what writes"));
    // Numbers for an edge are a row of the stream; places are chosen once; what is put in is finite.
    let with_edge = |value: Value| {
        let mut one = run("edge", &CLEAN);
        one.edges = vec![EdgeEdit { edge: "m0->logits".parse().unwrap(), value, allow_noop: false }];
        told(vec![one, run("same", &CLEAN)])
    };
    assert!(with_edge(Value::Numbers(vec![1.0, 2.0])).contains("2 numbers for"));
    assert!(with_edge(Value::Number(f32::NAN)).contains("have to be finite"));
    assert!(with_edge(Value::Run("same".to_owned())).contains("touches no row"));
    assert!(told(with("blocks.0.z", at(vec![1, 1]), zero())).contains("position 1 is chosen twice"));
    assert!(told(with("blocks.0.z", all(), Op::Scale(f32::INFINITY))).contains("have to be finite"));
    assert!(told(with("blocks.0.ln1.scale", all(), zero())).contains("zeros can't be put in there"));
    let two = Selection { sources: Some(vec![0, 1]), ..all() };
    let row = |n: usize| Op::Set(Value::Numbers(vec![0.5; n]));
    assert!(told(with("blocks.0.pattern", two.clone(), row(6))).contains("6 numbers for 2 places"));
    assert!(Edge::of("m0->a1.h1<k>", &model.spec).unwrap_err().to_string().contains("reads those of `a1.kv"));
    let sweep = Sweep {
        id: "sweep".to_owned(),
        run: "plain".to_owned(),
        asked: Patching { site: Site::ResidPre, by: By::LayerHead },
        value: Value::Number(0.0),
        metric: Metric::Logit([5]),
        position: None,
    };
    let asked = Experiment { runs: vec![run("plain", &CLEAN)], sweeps: vec![sweep] };
    assert!(asked.check(&model.spec).unwrap_err().to_string().contains("it has no heads"));
    let none = Op::Set(Value::Mean(Vec::new()));
    assert!(told(with("blocks.0.z", all(), none)).contains("of several runs, and names none"));
    let edge = |value| EdgeEdit { edge: Edge::of("m0->m1", &model.spec).unwrap(), value, allow_noop: true };
    let twice = Run { edges: vec![edge(Value::Number(0.0)), edge(Value::Number(1.0))], ..run("e", &CLEAN) };
    let twice = Experiment { runs: vec![twice], sweeps: vec![] }.check(&model.spec).unwrap_err();
    assert!(twice.to_string().contains("the edge `m0->m1` is there twice"));
    let mut big = run("big", &CLEAN);
    big.capture = model.spec.hooks();
    let few = Experiment { runs: vec![big], sweeps: vec![] }
        .run(&model, 1_000, 0.0, &Control::quiet())
        .unwrap_err();
    assert!(matches!(few, ExperimentError::Memory { .. }), "{few}");
}

#[test]
fn intervals_hold_the_effect_of_several_prompts() {
    let model: Transformer = tiny("gpt2");
    let prompt = |at: u32| -> [Vec<u32>; 2] { [vec![at, 41, 7 + at, 8, 19], vec![at, 41, 12 + at, 8, 19]] };
    let cases: Vec<Case> = (0..8)
        .map(|at| {
            let [run, other] = prompt(at);
            Case { run, donor: Donor::Run(other), metric: Metric::LogitDifference([5, 30]) }
        })
        .collect();
    let asked = Patching { site: Site::ResidPre, by: By::LayerPosition };
    let found = patch_all(&model, &cases, asked, 1.0, &Control::quiet()).unwrap();
    let n_cells = found.each[0].plan.cells.len();
    for cell in 0..n_cells {
        let [low, high] = found.interval(cell).unwrap();
        let effect = found.effect(cell);
        assert!(low <= effect && effect <= high, "{cell}: {effect} in [{low}, {high}]");
    }
    // At the token that differs the first block carries all of it, on every prompt.
    assert_eq!(found.interval(2), Some([1.0, 1.0]));
    assert_eq!(found.interval(1), Some([0.0, 0.0]));
    assert!((n_cells - 4..n_cells).any(|cell| found.interval(cell).is_some_and(|[low, high]| low < high)));
    assert!(patch_all(&model, &cases[..2], asked, 0.0, &Control::quiet()).unwrap().interval(0).is_none());
    let one = patch_all(&model, &cases[..1], asked, 0.0, &Control::quiet()).unwrap();
    assert_eq!(one.effect(7), one.each[0].effect(7));
    // Means over the same prompts are worked out once, and are the same.
    let pool: Vec<Vec<u32>> = cases.iter().map(|case| case.run.clone()).collect();
    let averaged: Vec<Case> =
        cases.iter().map(|case| Case { donor: Donor::Mean(pool.clone()), ..case.clone() }).collect();
    let together = patch_all(&model, &averaged, asked, 1.0, &Control::quiet()).unwrap();
    let planned: Vec<u64> = together.each.iter().map(|one| one.plan.planned).collect();
    for (case, found) in averaged.iter().zip(&together.each) {
        let alone = patch(&model, case, asked, 0.0, &Control::quiet()).unwrap();
        assert_eq!((&alone.metrics, found.verified.worst), (&found.metrics, 0.0));
        assert_eq!(found.multiply_adds, found.plan.planned);
    }
    assert!(planned[1..].iter().all(|later| *later < planned[0]), "{planned:?}");
    let edges = Edge::all(&model.spec);
    let paths = for_all(&model, &averaged[..3], |means, case| {
        edge_effects_with(means, case, &edges, 0.0, &Control::quiet())
    });
    for (case, found) in averaged.iter().zip(paths.unwrap()) {
        let alone = edge_effects(&model, case, &edges, 0.0, &Control::quiet()).unwrap();
        assert_eq!((alone.metrics, found.multiply_adds), (found.metrics, found.planned));
    }
    let ragged =
        [cases[0].clone(), Case { run: vec![1, 2], donor: Donor::Run(vec![1, 3]), ..cases[0].clone() }];
    let told = |cases: &[Case], by| {
        patch_all(&model, cases, Patching { site: Site::ResidPre, by }, 0.0, &Control::quiet())
            .unwrap_err()
            .to_string()
    };
    assert!(told(&ragged, By::LayerPosition).contains("prompt 2 has 2 tokens and the first 5"));
    assert!(told(&[], By::Layer).contains("no prompts"));
    let bad = [cases[0].clone(), Case { run: vec![1, 2], donor: Donor::Run(vec![1, 2]), ..cases[0].clone() }];
    assert!(told(&bad, By::Layer).starts_with("prompt 2: the prompts have the same tokens"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_experiments_make_errors_and_no_more(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), cut in any::<prop::sample::Index>()) {
        let whole = r#"{"schema":"pellucid.experiment/1","runs":[{"id":"a","tokens":[1,2,3],"metric":{"answer":5,"wrong":6},"capture":["resid_post"],
            "edits":[{"at":"blocks.0.z","positions":[-1],"heads":[1],"units":[0],"set":{"run":"b"}},{"at":"blocks.1.attn_scores","sources":[0],"add":0.5,"scale":2.0}],
            "edges":[{"edge":"a0.h1->a1.h3<q>","set":{"mean":["b","c"]}}]},{"id":"b","tokens":[4,2,3]},{"id":"c","tokens":[1,7,3]}],
            "sweeps":[{"id":"s","run":"b","site":"z","by":"layer-head","set":{"resample":["a","c"],"seed":3},"metric":{"answer":5,"log_probability":true}}]}"#;
        let mut bytes = whole.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut.index(4) == 0 {
            bytes.truncate(cut.index(bytes.len()));
        }
        let Ok(file) = serde_json::from_slice::<ExperimentFile>(&bytes) else { return Ok(()) };
        let model = tiny("gpt2");
        // No tokenizer: texts are told, numbers are run.
        if let Ok(asked) = file.resolved(&model.spec, None) {
            let _ = asked.run(&model, 1 << 24, 0.0, &Control::quiet());
        }
    }
}
