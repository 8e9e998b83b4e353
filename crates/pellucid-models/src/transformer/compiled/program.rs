//! What is to be computed? A program: a list of steps, each of which has one of finitely many values at every
//! position.
//!
//! The language is a small RASP (Weiss et al. 2021, arXiv 2106.06981). A prompt begins with token 0, and what
//! heads look for is looked for behind it: the first position is what a head falls back on, and counts for
//! nothing. So the value of every step at the first position is known beforehand.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::transformer::RunError;

/// The step of the tokens.
pub(super) const TOKENS: usize = 0;
/// The step of the positions.
pub(super) const INDICES: usize = 1;

/// Which keys a query selects: a row a value of the keys, a column a value of the queries.
pub type Predicate = Vec<Vec<bool>>;

/// What a step does; steps before it are meant by their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// The token at each position.
    Tokens,
    /// The number of each position, from 0.
    Indices,
    /// The value that a table has for another step's.
    Map {
        /// The other step.
        of: usize,
        /// A value for each of its values.
        table: Vec<usize>,
    },
    /// The value that a table has for those of two other steps.
    Zip {
        /// One of them.
        a: usize,
        /// The other.
        b: usize,
        /// A row a value of the one, a column a value of the other.
        table: Vec<Vec<usize>>,
    },
    /// The value at the position that is selected, of those behind the first and not behind one's own; at the
    /// first one where none is. Of several positions it is the mean, whose largest share is taken where a
    /// value is asked for.
    Aggregate {
        /// What is looked at.
        keys: usize,
        /// What looks.
        queries: usize,
        /// What it selects.
        predicate: Predicate,
        /// What is carried.
        values: usize,
    },
    /// How many positions are selected, of those behind the first and not behind one's own.
    Count {
        /// What is looked at.
        keys: usize,
        /// What looks.
        queries: usize,
        /// What it selects.
        predicate: Predicate,
    },
}

/// A step of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op {
    at: usize,
    /// Of all steps up to it: what has the same mark means the same.
    mark: u64,
}

/// Why something is no program, or a prompt none for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// Nothing there.
    #[error("{what} is 0; at least 1 makes sense")]
    Empty {
        /// What of it.
        what: &'static str,
    },
    /// A step of another program.
    #[error("a step of another program is used")]
    Stranger,
    /// A table of another size.
    #[error("{what} has {found} rows or columns where the values are {expected}")]
    Size {
        /// Which table.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many are needed.
        expected: usize,
    },
    /// A value beyond those that a step has.
    #[error("a table says {found}; the values are 0 to {last}")]
    Value {
        /// What it says.
        found: usize,
        /// The last value that there is.
        last: usize,
    },
    /// A table for nothing: a circuit that read it would be none.
    #[error("{what} says the same whatever it is given; leave it out")]
    Heedless {
        /// Which table.
        what: &'static str,
    },
    /// A prompt that can't be run.
    #[error(transparent)]
    Prompt(#[from] RunError),
    /// A prompt that begins with something else.
    #[error("the prompt begins with token {found}; programs are written for prompts that begin with token 0")]
    First {
        /// The token.
        found: u32,
    },
}

/// A program that is being written.
#[derive(Debug, Clone)]
pub struct Draft {
    n_tokens: usize,
    n_ctx: usize,
    steps: Vec<Step>,
    sizes: Vec<usize>,
    marks: Vec<u64>,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    pub(super) n_tokens: usize,
    pub(super) n_ctx: usize,
    pub(super) steps: Vec<Step>,
    pub(super) sizes: Vec<usize>,
    /// Steps that the output is made of.
    pub(super) is_needed: Vec<bool>,
    pub(super) output: usize,
}

impl Draft {
    /// Nothing but tokens and positions.
    ///
    /// # Errors
    /// When there are none.
    pub fn new(n_tokens: usize, n_ctx: usize) -> Result<Self, ProgramError> {
        for (what, n) in [("the vocabulary", n_tokens), ("the length of the context", n_ctx)] {
            if n == 0 {
                return Err(ProgramError::Empty { what });
            }
        }
        let (steps, sizes, marks) = (Vec::new(), Vec::new(), Vec::new());
        let mut draft = Self { n_tokens, n_ctx, steps, sizes, marks };
        draft.push(Step::Tokens, n_tokens);
        draft.push(Step::Indices, n_ctx);
        Ok(draft)
    }

    /// The tokens.
    #[must_use]
    pub fn tokens(&self) -> Op {
        Op { at: TOKENS, mark: self.marks[TOKENS] }
    }

    /// The positions.
    #[must_use]
    pub fn indices(&self) -> Op {
        Op { at: INDICES, mark: self.marks[INDICES] }
    }

    /// How many values a step has.
    ///
    /// # Errors
    /// When it is another program's.
    pub fn size(&self, op: Op) -> Result<usize, ProgramError> {
        self.place(op).map(|at| self.sizes[at])
    }

    /// Looks values up: `table` has one of `size` values for each value of `of`.
    ///
    /// # Errors
    /// When the step is another program's, or the table too short or long, beyond `size`, or everywhere the
    /// same.
    pub fn map(&mut self, of: Op, size: usize, table: Vec<usize>) -> Result<Op, ProgramError> {
        let what = "the table of a map";
        let of = self.place(of)?;
        long(what, table.len(), self.sizes[of])?;
        within(&table, size)?;
        if table.windows(2).all(|pair| pair[0] == pair[1]) {
            return Err(ProgramError::Heedless { what });
        }
        Ok(self.push(Step::Map { of, table }, size))
    }

    /// Looks pairs of values up: `table` has a row for each value of `a`, with one of `size` values for each
    /// value of `b`.
    ///
    /// # Errors
    /// As [`Draft::map`], and when the table heeds but one of the two.
    pub fn zip(&mut self, a: Op, b: Op, size: usize, table: Vec<Vec<usize>>) -> Result<Op, ProgramError> {
        let what = "the table of a zip";
        let (a, b) = (self.place(a)?, self.place(b)?);
        shaped(what, &table, self.sizes[a], self.sizes[b])?;
        table.iter().try_for_each(|row| within(row, size))?;
        if !(heeds_row(&table) && heeds_column(&table)) {
            return Err(ProgramError::Heedless { what });
        }
        Ok(self.push(Step::Zip { a, b, table }, size))
    }

    /// Carries the value of the one position that is selected, see [`Step::Aggregate`].
    ///
    /// # Errors
    /// When a step is another program's, or the predicate too small or large.
    pub fn aggregate(
        &mut self,
        keys: Op,
        queries: Op,
        predicate: Predicate,
        values: Op,
    ) -> Result<Op, ProgramError> {
        let (keys, queries, values) = (self.place(keys)?, self.place(queries)?, self.place(values)?);
        shaped("a predicate", &predicate, self.sizes[keys], self.sizes[queries])?;
        let size = self.sizes[values];
        Ok(self.push(Step::Aggregate { keys, queries, predicate, values }, size))
    }

    /// Counts positions that are selected, see [`Step::Count`]; the values are 0 to the length of the context
    /// less one.
    ///
    /// # Errors
    /// When a step is another program's, or the predicate too small or large.
    pub fn count(&mut self, keys: Op, queries: Op, predicate: Predicate) -> Result<Op, ProgramError> {
        let (keys, queries) = (self.place(keys)?, self.place(queries)?);
        shaped("a predicate", &predicate, self.sizes[keys], self.sizes[queries])?;
        Ok(self.push(Step::Count { keys, queries, predicate }, self.n_ctx))
    }

    /// The program that answers a step's values. Steps that it is not made of stay out of its model.
    ///
    /// # Errors
    /// When the step is another program's.
    pub fn finish(self, output: Op) -> Result<Program, ProgramError> {
        let output = self.place(output)?;
        let Self { n_tokens, n_ctx, steps, sizes, .. } = self;
        let is_needed = vec![false; steps.len()];
        let mut program = Program { n_tokens, n_ctx, steps, sizes, is_needed, output };
        program.is_needed[output] = true;
        for at in (0..=output).rev() {
            if program.is_needed[at] {
                program.reads(at).into_iter().for_each(|read| program.is_needed[read] = true);
            }
        }
        Ok(program)
    }

    fn place(&self, op: Op) -> Result<usize, ProgramError> {
        match self.marks.get(op.at) {
            Some(mark) if *mark == op.mark => Ok(op.at),
            _ => Err(ProgramError::Stranger),
        }
    }

    fn push(&mut self, step: Step, size: usize) -> Op {
        let mut hasher = DefaultHasher::new();
        (self.marks.last(), &step, size).hash(&mut hasher);
        let op = Op { at: self.steps.len(), mark: hasher.finish() };
        self.steps.push(step);
        self.sizes.push(size);
        self.marks.push(op.mark);
        op
    }
}

impl Program {
    /// How many tokens there are.
    #[must_use]
    pub fn n_tokens(&self) -> usize {
        self.n_tokens
    }

    /// Most tokens of a prompt.
    #[must_use]
    pub fn n_ctx(&self) -> usize {
        self.n_ctx
    }

    /// How many values the output has.
    #[must_use]
    pub fn n_out(&self) -> usize {
        self.sizes[self.output]
    }

    /// The steps, in an order in which they can be taken.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Steps whose values a step depends on, as far as its tables tell.
    pub(super) fn reads(&self, at: usize) -> Vec<usize> {
        let selected = |keys: usize, queries: usize, predicate: &Predicate| {
            let queries = heeds_column(predicate).then_some(queries);
            queries.into_iter().chain(heeds_row(predicate).then_some(keys)).collect::<Vec<usize>>()
        };
        match &self.steps[at] {
            Step::Tokens | Step::Indices => Vec::new(),
            Step::Map { of, .. } => vec![*of],
            Step::Zip { a, b, .. } => vec![*a, *b],
            Step::Aggregate { keys, queries, predicate, values } => {
                let mut reads = selected(*keys, *queries, predicate);
                reads.push(*values);
                reads
            }
            Step::Count { keys, queries, predicate } => selected(*keys, *queries, predicate),
        }
    }

    /// Whether a step's values follow from the position alone.
    pub(super) fn is_still(&self, at: usize) -> bool {
        at != TOKENS && self.reads(at).into_iter().all(|read| self.is_still(read))
    }
}

/// Whether it matters which row is read.
pub(super) fn heeds_row<T: PartialEq>(table: &[Vec<T>]) -> bool {
    table.windows(2).any(|pair| pair[0] != pair[1])
}

/// Whether it matters which column is read.
pub(super) fn heeds_column<T: PartialEq>(table: &[Vec<T>]) -> bool {
    table.iter().any(|row| row.windows(2).any(|pair| pair[0] != pair[1]))
}

fn long(what: &'static str, found: usize, expected: usize) -> Result<(), ProgramError> {
    if found == expected { Ok(()) } else { Err(ProgramError::Size { what, found, expected }) }
}

fn shaped<T>(
    what: &'static str,
    table: &[Vec<T>],
    n_rows: usize,
    n_columns: usize,
) -> Result<(), ProgramError> {
    long(what, table.len(), n_rows)?;
    table.iter().try_for_each(|row| long(what, row.len(), n_columns))
}

fn within(values: &[usize], size: usize) -> Result<(), ProgramError> {
    let Some(last) = size.checked_sub(1) else {
        return Err(ProgramError::Empty { what: "the number of a step's values" });
    };
    match values.iter().find(|value| **value > last) {
        Some(&found) => Err(ProgramError::Value { found, last }),
        None => Ok(()),
    }
}
