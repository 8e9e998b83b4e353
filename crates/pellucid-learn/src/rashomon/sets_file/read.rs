//! Which sets does a file hold? One after the other, however many there are.

use std::io::{self, BufRead, Read};

use pellucid_data::Ratio;

use super::{Header, MAGIC, MOST_HEADER, MOST_RULES, SetsError};
use crate::{Instance, Objective};

/// Reads the sets of a file.
#[derive(Debug)]
pub struct SetsReader<R> {
    from: R,
    header: Header,
    bound: Bound,
    /// Whether the set at hand has each rule.
    taken: Vec<bool>,
    /// The rules of the set at hand, in the order of choice.
    rules: Vec<u32>,
    n: u64,
    ended: bool,
}

impl<R: BufRead> SetsReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When it is no such file, or damaged.
    pub fn open(mut from: R) -> Result<Self, SetsError> {
        let mut magic = [0; MAGIC.len()];
        read(&mut from, &mut magic, "it is too short")?;
        if &magic != MAGIC {
            return Err(SetsError::Format("it does not begin with PSET2".to_owned()));
        }
        let mut length = [0; 4];
        read(&mut from, &mut length, "it ends in its header")?;
        let length = u32::from_le_bytes(length);
        if length > MOST_HEADER {
            return Err(SetsError::Format(format!("its header has {length} bytes, more than {MOST_HEADER}")));
        }
        // As it comes, so that a wrong length does not ask for memory.
        let mut text = Vec::new();
        from.by_ref().take(length.into()).read_to_end(&mut text)?;
        if text.len() < length as usize {
            return Err(SetsError::Format("it ends in its header".to_owned()));
        }
        let header: Header =
            serde_json::from_slice(&text).map_err(|error| SetsError::Format(error.to_string()))?;
        let bound = Bound::of(&header)?;
        let taken = vec![false; header.rules.len()];
        Ok(Self { from, header, bound, taken, rules: Vec::new(), n: 0, ended: false })
    }

    /// What the sets are about.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next set: its rules in no order, and the cost of its errors; `None` after the last one.
    ///
    /// # Errors
    /// When the file can't be read, ends too early, or holds a set that can't be.
    pub fn next_set(&mut self) -> Result<Option<(&[u32], u32)>, SetsError> {
        if self.ended {
            return Ok(None);
        }
        let wrong = |set, what| SetsError::Damaged { set, what };
        let n = self.n;
        let mut head = [0; 2];
        read(&mut self.from, &mut head, "the file ends before its last set")?;
        let [shared, more] = head.map(usize::from);
        if [shared, more] == [255, 255] {
            let mut count = [0; 8];
            read(&mut self.from, &mut count, "the file ends before its number of sets")?;
            if u64::from_le_bytes(count) != n {
                return Err(wrong(n, "the file says that it holds another number of sets"));
            }
            if !self.from.fill_buf()?.is_empty() {
                return Err(wrong(n, "something follows after the end"));
            }
            self.ended = true;
            return Ok(None);
        }
        if shared > self.rules.len() {
            return Err(wrong(n, "it shares more rules with the set before than that has"));
        }
        if shared + more > MOST_RULES {
            return Err(wrong(n, "it has too many rules"));
        }
        self.rules.drain(shared..).for_each(|rule| self.taken[rule as usize] = false);
        let mut body = [0; 2 * MOST_RULES + 4];
        let body = &mut body[..2 * more + 4];
        read(&mut self.from, body, "the file ends in a set")?;
        let (rules, errors) = body.split_at(2 * more);
        for pair in rules.chunks_exact(2) {
            let rule = u16::from_le_bytes([pair[0], pair[1]]);
            if usize::from(rule) >= self.header.rules.len() {
                return Err(wrong(n, "it has a rule that the header does not name"));
            }
            if std::mem::replace(&mut self.taken[usize::from(rule)], true) {
                return Err(wrong(n, "it has a rule twice"));
            }
            self.rules.push(rule.into());
        }
        let errors = errors.iter().rev().fold(0, |sum, &byte| sum << 8 | u32::from(byte));
        if !self.bound.holds(self.rules.len(), errors)? {
            return Err(wrong(n, "its objective is above the bound of the header"));
        }
        self.n += 1;
        Ok(Some((&self.rules, errors)))
    }
}

/// What the errors of a set may cost, by its size, as far as was asked.
#[derive(Debug)]
struct Bound {
    objective: Objective,
    theta: Ratio,
    weight: u64,
    most: Vec<i64>,
}

impl Bound {
    fn of(header: &Header) -> Result<Self, SetsError> {
        let wrong = |what: &str| SetsError::Format(format!("its header has a {what} that makes no sense"));
        let lambda = header.lambda.parse().map_err(|_| wrong("λ"))?;
        let [positive, negative] = header.costs;
        let objective = Objective::with_costs(lambda, positive, negative).map_err(|_| wrong("λ or cost"))?;
        let theta = header.theta.parse().map_err(|_| wrong("θ"))?;
        if header.weight == 0 || header.weight > Instance::MOST_WEIGHT {
            return Err(wrong("weight"));
        }
        if header.rules.len() > Instance::MOST_RULES {
            return Err(wrong("number of rules"));
        }
        Ok(Self { objective, theta, weight: header.weight, most: Vec::new() })
    }

    fn holds(&mut self, size: usize, errors: u32) -> Result<bool, SetsError> {
        while self.most.len() <= size {
            let most = self.objective.most_errors(self.theta, self.most.len(), self.weight);
            self.most.push(most.map_err(|error| SetsError::Format(error.to_string()))?);
        }
        Ok(i64::from(errors) <= self.most[size])
    }
}

fn read(from: &mut impl Read, into: &mut [u8], too_short: &str) -> Result<(), SetsError> {
    from.read_exact(into).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => SetsError::Format(too_short.to_owned()),
        _ => error.into(),
    })
}
