//! How is a circuit hidden? The residual stream is turned, and heads and neurons are added that nobody
//! listens to.

use super::assemble::Parts;
use super::grid::Grid;
use super::plan::Plan;

/// Coordinates of the residual stream that no step has: what distracts is written there.
pub(super) const N_PADDING: usize = 8;
/// Neurons of each block that distract, where heads do.
pub(super) const N_NEURONS: usize = 4;

/// What is done to a compiled model that changes none of its answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disguise {
    /// Turns the whole residual stream by a random rotation, so that no coordinate means anything.
    pub rotate: bool,
    /// Heads of every block that attend at random and write what nobody reads; where there are some, other
    /// heads that no step has do so too, a few neurons as well, and the heads of steps stand in a random
    /// order.
    pub distractor_heads: usize,
    /// The same number, the same model.
    pub seed: u64,
}

impl Disguise {
    pub(super) fn has_distractors(self) -> bool {
        self.distractor_heads > 0
    }

    /// Hides the circuit.
    pub(super) fn apply(self, plan: &Plan, parts: &mut Parts, random: &mut Random) {
        if self.has_distractors() {
            distract(plan, parts, random);
        }
        if self.rotate {
            parts.turn(&rotation(plan.d_model, random));
        }
    }
}

/// Random numbers, the same everywhere: `SplitMix64` (Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub(super) struct Random(pub(super) u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between 0 and 1, neither of the two.
    fn uniform(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Of a normal distribution (Box and Muller 1958). `libm` is the same on every machine.
    fn normal(&mut self) -> f64 {
        let size = (-2.0 * libm::log(self.uniform())).sqrt();
        size * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    pub(super) fn shuffle(&mut self, list: &mut [usize]) {
        for end in (1..list.len()).rev() {
            let other = (self.bits() % (end as u64 + 1)) as usize;
            list.swap(end, other);
        }
    }
}

/// A random rotation or reflection: rows of normal numbers, each freed of those before it and made of length
/// 1.
fn rotation(n: usize, random: &mut Random) -> Grid {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(n);
    while rows.len() < n {
        let mut row: Vec<f64> = (0..n).map(|_| random.normal()).collect();
        // Twice: what rounding left of the others the first time goes the second time.
        for _ in 0..2 {
            for other in &rows {
                let share = dot(&row, other);
                row.iter_mut().zip(other).for_each(|(x, y)| *x -= share * y);
            }
        }
        let length = dot(&row, &row).sqrt();
        // A row that all but lies among the others is drawn again.
        if length > 1e-6 {
            row.iter_mut().for_each(|x| *x /= length);
            rows.push(row);
        }
    }
    Grid::of(rows, n)
}

fn distract(plan: &Plan, parts: &mut Parts, random: &mut Random) {
    let (d, e) = (plan.d_model, plan.d_head);
    let small = 0.5 / (e as f64).sqrt();
    for (layer, block) in parts.blocks.iter_mut().enumerate() {
        for head in (0..plan.n_heads).filter(|head| !plan.is_taken[layer][*head]) {
            for place in head * e..(head + 1) * e {
                for input in 0..d {
                    block.query.add(input, place, 0.5 * random.normal());
                    block.key.add(input, place, 0.5 * random.normal());
                    block.value.add(input, place, small * random.normal());
                }
                for output in plan.padding.clone() {
                    block.output.add(place, output, small * random.normal());
                }
            }
        }
        // Behind the neurons of steps there is room for some in every block.
        for neuron in block.n_neurons..(block.n_neurons + N_NEURONS).min(plan.d_mlp) {
            for input in 0..d {
                block.pre.add(input, neuron, 0.25 * random.normal());
            }
            for output in plan.padding.clone() {
                block.post.add(neuron, output, 0.25 * random.normal());
            }
        }
    }
}
