//! Which few models show how different good models can be? Farthest first by their predictions.
//!
//! Starting with the best, each choice is the member of the pool whose predictions differ most from the nearest one chosen
//! (Gonzalez 1985): at least half as spread as the best choice out of the same pool.

use super::subject::{Subject, weigh};
use crate::rashomon::Member;

/// A chosen member.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// The member.
    pub member: Member,
    /// The weight of rows on which it differs from the nearest one chosen before it; 0 for the first.
    pub differs_on: u64,
}

/// Chooses at most `k` members of a pool; `best` comes first. Members that predict as one chosen do are not chosen.
#[must_use]
pub fn diverse(subject: &Subject, best: &Member, pool: &[Member], k: usize) -> Vec<Choice> {
    let predictions: Vec<Vec<u64>> = pool.iter().map(|member| subject.predict(&member.rules)).collect();
    let distance = |a: &[u64], b: &[u64]| {
        let differ: Vec<u64> = a.iter().zip(b).map(|(a, b)| a ^ b).collect();
        weigh(&differ, &subject.weights)
    };
    let mut chosen = vec![Choice { member: best.clone(), differs_on: 0 }];
    let first = subject.predict(&best.rules);
    let mut nearest: Vec<u64> = predictions.iter().map(|own| distance(own, &first)).collect();
    while chosen.len() < k {
        // Ties go to the better one, then to the first by rules.
        let offer =
            (0..pool.len()).max_by(|&a, &b| nearest[a].cmp(&nearest[b]).then_with(|| pool[b].cmp(&pool[a])));
        let Some(at) = offer.filter(|&at| nearest[at] > 0) else { break };
        chosen.push(Choice { member: pool[at].clone(), differs_on: nearest[at] });
        for (held, own) in nearest.iter_mut().zip(&predictions) {
            *held = (*held).min(distance(own, &predictions[at]));
        }
    }
    chosen
}
