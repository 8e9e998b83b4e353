//! Does everything that runs a transformer stop between two blocks when the caller says so?

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use pellucid_explain::inside::{
    By, Case, Donor, Means, Metric, PatchError, Patching, Trace, effects, head_scores, logit_lens, patch,
    prepare,
};
use pellucid_explain::{Control, Watch};
use pellucid_models::transformer::{Machine, Site};

use crate::inside::tiny;

const CLEAN: [u32; 6] = [3, 41, 7, 8, 19, 3];
const CORRUPT: [u32; 6] = [3, 41, 12, 8, 25, 3];

/// Says stop when it is asked for the n-th time.
struct At(AtomicUsize);

impl Watch for At {
    fn should_stop(&self) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |left| Some(left.saturating_sub(1))) == Ok(0)
    }
}

#[test]
fn whatever_is_asked_of_the_inside_can_be_stopped_at_every_block() {
    let model = tiny("llama");
    let n_layers = model.spec.n_layers;
    let (donor, metric) = (Donor::Run(CORRUPT.to_vec()), Metric::LogitDifference([5, 30]));
    let case = Case { run: CLEAN.to_vec(), donor, metric };
    let asked = Patching { site: Site::MlpOut, by: By::LayerPosition };
    // Of what takes long, each is asked at every block of every run; `least` is how often, at least.
    type Ask<'a> = (&'a str, usize, Box<dyn Fn(&Control<'_>) -> Result<(), PatchError> + 'a>);
    let all: [Ask<'_>; 6] = [
        ("trace", n_layers, Box::new(|control| Trace::of(&model, &CLEAN, control).map(drop))),
        ("lens", n_layers, Box::new(|control| logit_lens(&model, &CLEAN, None, 1, control).map(drop))),
        ("heads", n_layers, Box::new(|control| head_scores(&model, &CLEAN, Machine::of(control)).map(drop))),
        (
            "plan",
            2 * n_layers,
            Box::new(|control| prepare(&Means::of(&model), &case, asked, control).map(drop)),
        ),
        ("sweep", 3 * n_layers, Box::new(|control| patch(&model, &case, asked, 0.0, control).map(drop))),
        ("effects", 6 * n_layers, Box::new(|control| effects(&model, &case, 0.5, control).map(drop))),
    ];
    for (name, least, ask) in &all {
        let stopped = |n: usize| {
            let watch = At(n.into());
            let control = Control { threads: NonZeroUsize::MIN, watch: &watch };
            match ask(&control) {
                Ok(()) => false,
                Err(PatchError::Stopped) => true,
                Err(other) => panic!("{name}, stopped at {n}: {other}"),
            }
        };
        let n_asked = (0..10_000).find(|n| !stopped(*n)).unwrap();
        assert!(n_asked >= *least, "{name} asks {n_asked} times, and has {least} blocks at least");
    }
}
