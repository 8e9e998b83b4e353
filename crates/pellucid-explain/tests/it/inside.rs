//! Is a planned sweep the naive one, to the bit, and does it cost what the plan says?

use std::num::NonZeroUsize;

use pellucid_explain::inside::{By, Direction, Pair, PatchError, Patching, patch};
use pellucid_explain::{Control, Quiet};
use pellucid_fixtures::fixtures;
use pellucid_models::transformer::{Axis, Site, Transformer, from_hugging_face};
use proptest::prelude::*;

fn tiny(name: &str) -> Transformer {
    let folder = fixtures().join("transformers-5.24.0").join(name);
    let config = fs_err::read(folder.join("config.json")).unwrap();
    let weights = fs_err::read(folder.join("model.safetensors")).unwrap();
    from_hugging_face(&config, vec![&weights]).unwrap()
}

const DECODERS: [&str; 5] = ["gpt2", "llama", "mistral", "qwen2", "llama-wide"];

/// Sites with the ways in which they can be asked.
fn ways(model: &Transformer) -> Vec<(Site, By)> {
    let mut ways = Vec::new();
    for hook in model.spec.hooks().into_iter().filter(|hook| hook.layer == Some(0)) {
        let axes = hook.site.axes();
        let has_heads = axes.iter().any(|axis| matches!(axis, Axis::Head | Axis::KeyValueHead));
        if axes[0] == Axis::Position {
            ways.push((hook.site, By::LayerPosition));
        }
        if has_heads {
            ways.push((hook.site, By::LayerHead));
        }
        if has_heads && axes[0] == Axis::Position {
            ways.push((hook.site, By::LayerPositionHead));
        }
    }
    ways
}

#[test]
fn every_site_can_be_patched_and_is_what_whole_runs_say() {
    let pair = Pair { clean: vec![3, 41, 7, 8, 19, 3], corrupt: vec![3, 41, 12, 8, 25, 3] };
    let two = Control { threads: NonZeroUsize::new(2).unwrap(), watch: &Quiet };
    let mut n = 0;
    for name in DECODERS {
        let model = tiny(name);
        for (site, by) in ways(&model) {
            for direction in [Direction::Denoise, Direction::Noise] {
                let asked = Patching { site, by, direction, answers: [5, 30] };
                let found = patch(&model, &pair, asked, 1.0, &two).unwrap();
                assert_eq!(found.verified.n, found.plan.cells.len());
                assert!(
                    found.verified.worst == 0.0,
                    "{name}: {site} by {by} is off by {:e}",
                    found.verified.worst
                );
                assert_eq!(found.multiply_adds, found.plan.planned, "{name}: {site} by {by}");
                let alone = patch(&model, &pair, asked, 0.0, &Control::quiet()).unwrap();
                assert_eq!(alone.metrics, found.metrics, "threads change nothing");
                n += found.plan.cells.len();
            }
        }
    }
    assert!(n > 7_000, "only {n} cells");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn planned_is_naive(
        which in 0usize..5,
        way in any::<prop::sample::Index>(),
        clean in prop::collection::vec(0u32..50, 1..14),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0u32..50), 1..4),
        is_noise in any::<bool>(),
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
        let direction = if is_noise { Direction::Noise } else { Direction::Denoise };
        let pair = Pair { clean, corrupt };
        let asked = Patching { site, by, direction, answers: [answers.0, answers.1] };
        let found = match patch(&model, &pair, asked, 1.0, &Control::quiet()) {
            // A change further back than all windows together reaches has no effect.
            Err(PatchError::NoDifference { .. }) => return Ok(()),
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
        let pair = Pair { clean: vec![3, 41, 7, 8, 19, 3], corrupt: vec![3, 41, 12, 8, 19, 3] };
        for direction in [Direction::Denoise, Direction::Noise] {
            let asked = Patching { site: Site::ResidPre, by: By::LayerPosition, direction, answers: [5, 30] };
            let found = patch(&model, &pair, asked, 1.0, &Control::quiet()).unwrap();
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
    let asked = |site, by| Patching { site, by, direction: Direction::Denoise, answers: [1, 2] };
    let pair = |clean: &[u32], corrupt: &[u32]| Pair { clean: clean.to_vec(), corrupt: corrupt.to_vec() };
    let told = |asked: Patching, pair: &Pair| {
        patch(&model, pair, asked, 0.0, &Control::quiet()).unwrap_err().to_string()
    };
    let good = pair(&[1, 2, 3], &[1, 4, 3]);
    let plain = asked(Site::ResidPre, By::LayerPosition);
    assert!(told(plain, &pair(&[1, 2], &[1])).contains("2 tokens and the corrupt one 1"));
    assert!(told(plain, &pair(&[1, 2], &[1, 2])).contains("same tokens"));
    assert!(told(plain, &pair(&[1, 2], &[1, 50])).contains("the corrupt prompt: token 1 is number 50"));
    assert!(
        told(asked(Site::ResidPre, By::LayerHead), &good)
            .contains("`resid_pre` can't be patched by layer-head: it has no heads")
    );
    assert!(told(asked(Site::Pattern, By::LayerPosition), &good).contains("no row a position"));
    assert!(told(asked(Site::PosEmbed, By::LayerPosition), &good).contains("models with learned positions"));
    assert!(told(asked(Site::Embed, By::LayerPosition), &good).contains("no site of blocks"));
    assert!(told(Patching { answers: [1, 99], ..plain }, &good).contains("token 99"));
    assert!(told(Patching { answers: [7, 7], ..plain }, &good).contains("same logit difference"));
    let encoder = tiny("bert");
    let found = patch(&encoder, &good, plain, 0.0, &Control::quiet()).unwrap_err();
    assert!(found.to_string().contains("bert models have no logits"));
}
