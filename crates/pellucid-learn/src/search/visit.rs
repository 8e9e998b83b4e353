//! What is done with the rule sets that a search comes to?
//!
//! Sets come in bunches: many that differ in their last rule only, or one that any of the rules which change nothing
//! may join. A visitor counts a bunch at once, or takes it apart.

use super::lane::Lane;
use super::problem::Thresholds;

/// The rules of the node at hand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Path {
    /// Rules chosen, in the order of choice.
    pub(crate) chosen: Vec<u32>,
    /// Rules that change nothing once the chosen ones are there; any of them may join.
    pub(crate) nulls: Vec<u32>,
}

/// Bunches of sets, each set in one bunch only.
pub(crate) trait Visit: Send {
    /// Whether thresholds may fall while the search runs, see [`Self::tightened`]. Then every set comes in [`Self::singles`],
    /// and the nulls that may join a set do not come, except at the start.
    const TIGHTENS: bool = false;

    /// The chosen rules and one rule more out of `lanes`, whose errors cost `errors + deltas[rule]`.
    fn singles<L: Lane>(&mut self, path: &Path, lanes: &[u64], deltas: &[L], errors: i64);

    /// The chosen rules with `least..=most` of the nulls; the errors cost `errors` whichever they are.
    fn pool(&mut self, path: &Path, least: usize, most: usize, errors: i64);

    /// A rule was put on the path; what comes until [`Self::leave`] contains it.
    fn enter(&mut self, _rule: u32) {}

    /// The last chosen rule is about to leave, and with it the last `n_nulls` nulls.
    fn leave(&mut self, _path: &Path, _n_nulls: usize) {}

    /// A part of the search begins below this path.
    fn begin(&mut self, _path: &Path) {}

    /// The part that began last is done.
    fn end(&mut self, _path: &Path) {}

    /// Thresholds that are lower than before.
    fn tightened(&mut self) -> Option<Thresholds> {
        None
    }

    /// Whether it wants no more.
    fn is_full(&self) -> bool {
        false
    }
}
