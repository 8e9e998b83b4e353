//! What is a good rule set, fast? Add what helps most, then exchange one rule at a time; no promise, but a place to start.

use crate::search::Lane;
use crate::search::problem::{AnyProblem, Problem};
use crate::{Objective, Searching};

/// A rule set with the cost of its errors.
pub(super) fn greedy(
    problem: &AnyProblem,
    objective: &Objective,
    total_weight: u64,
    max_size: usize,
    searching: &Searching<'_>,
) -> (Vec<u32>, i64) {
    match problem {
        AnyProblem::Narrow(problem) => improve(problem, objective, total_weight, max_size, searching),
        AnyProblem::Wide(problem) => improve(problem, objective, total_weight, max_size, searching),
    }
}

/// How much of each class is covered, by how many of the chosen rules.
struct State<'p, L> {
    problem: &'p Problem<L>,
    /// The net weight of each class, and the classes of each rule.
    nets: Vec<i64>,
    members: Vec<Vec<u32>>,
    times: Vec<u32>,
    chosen: Vec<u32>,
    errors: i64,
}

impl<'p, L: Lane> State<'p, L> {
    fn new(problem: &'p Problem<L>) -> Self {
        let n_classes = problem.rows.len() / problem.lanes;
        let members: Vec<Vec<u32>> = (0..problem.n_rules as u32)
            .map(|rule| {
                crate::search::problem::bits(problem.classes_of(rule)).map(|class| class as u32).collect()
            })
            .collect();
        let mut nets = vec![0; n_classes];
        for (rule, classes) in members.iter().enumerate() {
            classes.iter().for_each(|&class| {
                nets[class as usize] = problem.rows[class as usize * problem.lanes + rule].wide()
            });
        }
        Self { problem, nets, members, times: vec![0; n_classes], chosen: Vec::new(), errors: problem.errors }
    }

    /// By how much a rule that is not there would change the errors.
    fn delta(&self, rule: u32) -> i64 {
        let open = self.members[rule as usize].iter().filter(|&&class| self.times[class as usize] == 0);
        -open.map(|&class| self.nets[class as usize]).sum::<i64>()
    }

    fn add(&mut self, rule: u32) {
        self.errors += self.delta(rule);
        self.members[rule as usize].iter().for_each(|&class| self.times[class as usize] += 1);
        self.chosen.push(rule);
    }

    fn remove(&mut self, rule: u32) {
        self.chosen.retain(|&other| other != rule);
        self.members[rule as usize].iter().for_each(|&class| self.times[class as usize] -= 1);
        self.errors -= self.delta(rule);
    }

    /// The rule that lowers the errors most, ties to the first.
    fn best(&self) -> Option<(u32, i64)> {
        let rules = (0..self.problem.n_rules as u32).filter(|rule| !self.chosen.contains(rule));
        rules.map(|rule| (rule, self.delta(rule))).min_by_key(|&(rule, delta)| (delta, rule))
    }
}

fn improve<L: Lane>(
    problem: &Problem<L>,
    objective: &Objective,
    total_weight: u64,
    max_size: usize,
    searching: &Searching<'_>,
) -> (Vec<u32>, i64) {
    // A rule pays when it saves more than λ·W: in integers, q·saved > p·W.
    let (p, q) = (objective.lambda.numerator(), objective.lambda.denominator());
    let price = |rules: usize| p.saturating_mul(i128::from(total_weight)).saturating_mul(rules as i128);
    let value = |errors: i64, size: usize| i128::from(errors).saturating_mul(q).saturating_add(price(size));
    let mut state = State::new(problem);
    let (mut best, mut best_errors) = (Vec::new(), state.errors);
    loop {
        while state.chosen.len() < max_size
            && let Some((rule, delta)) = state.best()
            && value(state.errors + delta, state.chosen.len() + 1) < value(state.errors, state.chosen.len())
        {
            state.add(rule);
        }
        if value(state.errors, state.chosen.len()) < value(best_errors, best.len()) {
            (best, best_errors) = (state.chosen.clone(), state.errors);
        } else if !best.is_empty() {
            break;
        }
        // The exchange of one rule for another, or for none, that helps most.
        let now = value(state.errors, state.chosen.len());
        let mut found: Option<(i128, u32, Option<u32>)> = None;
        for rule in state.chosen.clone() {
            if searching.control.watch.should_stop() {
                break;
            }
            state.remove(rule);
            let size = state.chosen.len();
            let without = (value(state.errors, size), None);
            let with =
                state.best().map(|(other, delta)| (value(state.errors + delta, size + 1), Some(other)));
            for (offer, other) in std::iter::once(without).chain(with) {
                if offer < found.map_or(now, |(least, ..)| least) {
                    found = Some((offer, rule, other));
                }
            }
            state.add(rule);
        }
        let Some((_, out, into)) = found else { break };
        state.remove(out);
        if let Some(rule) = into {
            state.add(rule);
        }
    }
    best.sort_unstable();
    (best, best_errors)
}
