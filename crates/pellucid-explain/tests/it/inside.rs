//! Is a planned sweep the naive one, to the bit, and does it cost what the plan says?

use std::num::NonZeroUsize;
use std::sync::Arc;

use pellucid_explain::inside::{
    By, Case, Cell, Compared, Donor, Means, Metric, PatchError, Patching, Prepared, patch, prepare,
};
use pellucid_explain::{Control, Quiet};
use pellucid_fixtures::fixtures;
use pellucid_models::transformer::{Axis, Site, Transformer, from_hugging_face};
use proptest::prelude::*;

pub(crate) fn tiny(name: &str) -> Transformer {
    let folder = fixtures().join("transformers-5.24.0").join(name);
    let config = fs_err::read(folder.join("config.json")).unwrap();
    let weights = fs_err::read(folder.join("model.safetensors")).unwrap();
    from_hugging_face(&config, vec![&weights]).unwrap()
}

pub(crate) const DECODERS: [&str; 5] = ["gpt2", "llama", "mistral", "qwen2", "llama-wide"];

/// Sites with the ways in which they can be asked.
fn ways(model: &Transformer) -> Vec<(Site, By)> {
    let mut ways = Vec::new();
    for hook in model.spec.hooks().into_iter().filter(|hook| hook.layer == Some(0)) {
        let axes = hook.site.axes();
        let has_heads = axes.iter().any(|axis| matches!(axis, Axis::Head | Axis::KeyValueHead));
        ways.extend([By::Layer, By::LayerPosition].map(|by| (hook.site, by)));
        if has_heads {
            ways.extend([By::LayerHead, By::LayerPositionHead].map(|by| (hook.site, by)));
        }
    }
    ways
}

#[test]
fn every_site_can_be_patched_and_is_what_whole_runs_say() {
    let prompts = [vec![3, 41, 7, 8, 19, 3], vec![3, 41, 12, 8, 25, 3]];
    let metric = Metric::LogitDifference([5, 30]);
    let [here, there] = prompts.clone();
    let cases = [
        Case { run: there.clone(), donor: Donor::Run(here.clone()), metric },
        Case { run: here.clone(), donor: Donor::Run(there.clone()), metric: Metric::LogProbability([5]) },
        Case { run: here.clone(), donor: Donor::Run(there), metric: Metric::Divergence(Compared::Donor) },
        Case { run: here.clone(), donor: Donor::Zero, metric: Metric::Logit([7]) },
        Case {
            run: here.clone(),
            donor: Donor::Mean(prompts.to_vec()),
            metric: Metric::Divergence(Compared::Run),
        },
        Case { run: here, donor: Donor::Resample { pool: prompts.to_vec(), seed: 4 }, metric },
    ];
    let two = Control { threads: NonZeroUsize::new(2).unwrap(), watch: &Quiet };
    let mut n = 0;
    for name in DECODERS {
        let model = tiny(name);
        for (site, by) in ways(&model) {
            for case in &cases {
                let asked = Patching { site, by };
                let found = match patch(&model, case, asked, 1.0, &two) {
                    Err(PatchError::ZeroScale { site }) if case.donor == Donor::Zero => {
                        assert!(site.short().ends_with(".scale"));
                        continue;
                    }
                    found => found.unwrap(),
                };
                assert_eq!(found.verified.n, found.plan.cells.len());
                assert!(
                    found.verified.worst == 0.0,
                    "{name}: {site} by {by} is off by {:e}",
                    found.verified.worst
                );
                assert_eq!(found.multiply_adds, found.plan.planned, "{name}: {site} by {by}");
                let alone = patch(&model, case, asked, 0.0, &Control::quiet()).unwrap();
                assert_eq!(alone.metrics, found.metrics, "threads change nothing");
                n += found.plan.cells.len();
            }
        }
    }
    assert!(n > 20_000, "only {n} cells");
}

#[test]
fn a_place_alone_is_what_the_sweep_says_of_it() {
    let (clean, corrupt) = (vec![3, 41, 7, 8, 19, 3], vec![3, 41, 12, 8, 25, 3]);
    for name in DECODERS {
        let model = tiny(name);
        for (site, by) in ways(&model) {
            for metric in [Metric::LogitDifference([5, 30]), Metric::Divergence(Compared::Donor)] {
                let case = Case { run: corrupt.clone(), donor: Donor::Run(clean.clone()), metric };
                let asked = Patching { site, by };
                let prepared = prepare(&Means::of(&model), &case, asked, &Control::quiet()).unwrap();
                let known = prepared.known();
                let swept = prepared.run(0.0, &Control::quiet()).unwrap();
                // Kept without the model, and taken up later.
                let again = Prepared::again(&model, Arc::clone(&known), &Control::quiet());
                let mut n_skipped = 0;
                for (at, &cell) in swept.plan.cells.iter().enumerate() {
                    let placed = again.place(cell).unwrap();
                    n_skipped += usize::from(placed.is_none());
                    let logits = placed.unwrap_or_else(|| again.unchanged());
                    assert_eq!(logits.len(), model.spec.d_vocab);
                    let metric = known.metric(&logits);
                    assert!(
                        metric.to_bits() == swept.metrics[at].to_bits(),
                        "{name}: {site} by {by}, {cell:?}"
                    );
                    assert!(known.effect(metric).to_bits() == swept.effect(at).to_bits());
                }
                assert_eq!(n_skipped, swept.plan.n_skipped);
                let nowhere = Cell { layer: model.spec.n_layers, position: None, head: None };
                assert_eq!(again.place(nowhere), Err(PatchError::NoCell { cell: nowhere }));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn planned_is_naive(
        which in 0usize..5,
        way in any::<prop::sample::Index>(),
        clean in prop::collection::vec(0u32..50, 1..24),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0u32..50), 1..4),
        kind in 0u32..6,
        answers in (0u32..50, 0u32..50).prop_filter("two answers", |(a, b)| a != b),
    ) {
        let model = tiny(DECODERS[which]);
        let mut corrupt = clean.clone();
        for (at, token) in changes {
            let at = at.index(corrupt.len());
            corrupt[at] = token;
        }
        prop_assume!(clean != corrupt);
        let ways = ways(&model);
        let (site, by) = ways[way.index(ways.len())];
        let donor = match kind {
            0..3 => Donor::Run(corrupt),
            3 => Donor::Zero,
            4 => Donor::Mean(vec![clean.clone(), corrupt]),
            _ => Donor::Resample { pool: vec![corrupt], seed: 1 },
        };
        let case = Case { run: clean, donor, metric: Metric::LogitDifference([answers.0, answers.1]) };
        let asked = Patching { site, by };
        let found = match patch(&model, &case, asked, 1.0, &Control::quiet()) {
            // A change further back than all windows together reaches has no effect.
            Err(PatchError::NoDifference { .. } | PatchError::ZeroScale { .. }) => return Ok(()),
            found => found.unwrap(),
        };
        prop_assert_eq!(found.verified.worst, 0.0);
        prop_assert_eq!(found.multiply_adds, found.plan.planned);
        prop_assert!(found.plan.planned <= found.plan.naive);
    }
}

#[test]
fn the_residual_stream_at_the_start_carries_all_of_the_difference() {
    for name in DECODERS {
        let model = tiny(name);
        let (clean, corrupt) = (vec![3, 41, 7, 8, 19, 3], vec![3, 41, 12, 8, 19, 3]);
        for (run, other) in [(&clean, &corrupt), (&corrupt, &clean)] {
            let metric = Metric::LogitDifference([5, 30]);
            let case = Case { run: run.clone(), donor: Donor::Run(other.clone()), metric };
            let asked = Patching { site: Site::ResidPre, by: By::LayerPosition };
            let found = patch(&model, &case, asked, 1.0, &Control::quiet()).unwrap();
            let effects: Vec<f64> = (0..6).map(|position| found.effect(position)).collect();
            assert_eq!(effects, [0.0, 0.0, 1.0, 0.0, 0.0, 0.0], "{name}");
            // Before the token that differs nothing can be changed, in any block.
            for (at, cell) in found.plan.cells.iter().enumerate() {
                if cell.position.is_some_and(|position| position < 2) {
                    assert_eq!(found.effect(at), 0.0, "{name}: {cell:?}");
                }
            }
            let last = found.plan.cells.len() - 6;
            assert!((0..5).all(|position| found.effect(last + position) != 1.0 || name == "none"));
        }
    }
}

#[test]
fn what_cannot_be_patched_is_told() {
    let model = tiny("llama");
    let asked = |site, by| Patching { site, by };
    let metric = Metric::LogitDifference([1, 2]);
    let pair =
        |run: &[u32], other: &[u32]| Case { run: run.to_vec(), donor: Donor::Run(other.to_vec()), metric };
    let told = |asked: Patching, case: &Case| {
        patch(&model, case, asked, 0.0, &Control::quiet()).unwrap_err().to_string()
    };
    let good = pair(&[1, 2, 3], &[1, 4, 3]);
    let plain = asked(Site::ResidPre, By::LayerPosition);
    let with = |donor| Case { donor, ..good.clone() };
    assert!(told(plain, &pair(&[1, 2], &[1])).contains("has 2 tokens and the one whose values are put in 1"));
    assert!(told(plain, &pair(&[1, 2], &[1, 2])).contains("same tokens"));
    assert!(told(plain, &pair(&[1, 2], &[1, 50])).contains("values are put in: token 1 is number 50"));
    assert!(told(plain, &with(Donor::Mean(Vec::new()))).contains("no prompts whose values"));
    let pool = vec![vec![1, 2]];
    let resampled = with(Donor::Resample { pool: pool.clone(), seed: 0 });
    assert!(told(plain, &resampled).contains("none of 1 prompts has 3 tokens"));
    let pattern = asked(Site::Pattern, By::LayerHead);
    assert!(told(pattern, &with(Donor::Mean(pool))).contains("`pattern` has a row for every pair of tokens"));
    assert!(
        told(asked(Site::ResidPre, By::LayerHead), &good)
            .contains("`resid_pre` can't be patched by layer-head: it has no heads")
    );
    assert!(told(asked(Site::PosEmbed, By::LayerPosition), &good).contains("models with learned positions"));
    assert!(told(asked(Site::Embed, By::LayerPosition), &good).contains("no site of blocks"));
    let measured = |tokens| Case { metric: Metric::LogitDifference(tokens), ..good.clone() };
    assert!(told(plain, &measured([1, 99])).contains("token 99"));
    assert!(told(plain, &measured([7, 7])).contains("same metric"));
    let encoder = tiny("bert");
    let found = patch(&encoder, &good, plain, 0.0, &Control::quiet()).unwrap_err();
    assert!(found.to_string().contains("bert models have no logits"));
}
