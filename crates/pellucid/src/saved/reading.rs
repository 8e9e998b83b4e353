//! What do all rows sum up to, and which are drawn? One pass over the file, its row groups side by side.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use pellucid_data::Watch;
use pellucid_data::read::{ReadBatches, ReadError, Shard};
use pellucid_data::table::{Column, Table};
use pellucid_views::sample::Chosen;
use pellucid_views::subject::Totals;

use super::{Saved, SavedError};

/// Parts that a file is read in, at most; so many that sums do not depend on the threads.
const PARTS: usize = 32;
/// More rows than anybody has in one file.
const MOST_ROWS: usize = 1 << 32;
/// A residual above this share of a row's size is more than rounding.
const ROUNDING: f64 = 1e-9;

/// How the file is opened, once for every part.
pub type Opener<'o> = dyn Fn() -> Result<Box<dyn ReadBatches>, SavedError> + Sync + 'o;

/// All rows of a saved explanation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summed {
    /// Expected answers, one an output.
    pub base: Vec<f64>,
    /// Sums over all rows, one an output.
    pub totals: Vec<Totals>,
    /// Which rows are drawn, by number in the file.
    pub rows: Vec<usize>,
    /// The number in the table of each row that is drawn, where the file says it.
    pub(super) numbers: Vec<usize>,
    /// The numbers of the first and of the last row.
    ends: Option<[usize; 2]>,
    /// The first row whose residual is more than rounding.
    pub doubtful: Option<usize>,
    /// By output and feature: the values of the rows that are drawn.
    pub(super) values: Vec<Vec<f64>>,
    n_rows: usize,
}

impl Saved {
    /// Sums up all rows, and keeps those that are drawn: the same as if the model explained them now.
    ///
    /// # Errors
    /// When the file can't be read, or was changed.
    pub fn summed(
        &self,
        open: &Opener<'_>,
        threads: NonZeroUsize,
        watch: &dyn Watch,
    ) -> Result<Summed, SavedError> {
        let n_rows = match open()?.n_rows() {
            Some(n) => usize::try_from(n).unwrap_or(usize::MAX),
            None => counted(open()?.as_mut(), watch)?,
        };
        if n_rows == 0 {
            return Err(SavedError::Changed("it has no rows".to_owned()));
        }
        if n_rows > MOST_ROWS {
            return Err(SavedError::Open(format!("more than {MOST_ROWS} rows are not summed up here")));
        }
        let chosen = Chosen::of(n_rows, self.features.len(), self.n_outputs);
        let n_parts = match open()?.take_shard(Shard { at: 0, of: usize::MAX }) {
            Err(ReadError::NoShards { found }) => found.clamp(1, PARTS),
            _ => 1,
        };
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<(usize, Result<Summed, SavedError>)>> = Mutex::new(Vec::new());
        let work = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= n_parts {
                    break;
                }
                let part = self.part(open, Shard { at, of: n_parts }, chosen, watch);
                // What is wrong in one part ends the others.
                if part.is_err() {
                    next.store(n_parts, Ordering::Relaxed);
                }
                done.lock().unwrap_or_else(PoisonError::into_inner).push((at, part));
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads.get().min(n_parts) {
                // Where no thread can be had, this one does it all.
                let _ = std::thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
        let mut parts = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        parts.sort_by_key(|part| part.0);
        let mut all: Option<Summed> = None;
        for (_, part) in parts {
            let part = part?;
            match &mut all {
                None => all = Some(part),
                Some(all) => all.append(part)?,
            }
        }
        all.filter(|all| all.n_rows == n_rows)
            .ok_or_else(|| SavedError::Changed("it has fewer rows than it says".to_owned()))
    }

    /// One row alone, as if the file had no others; nothing where it has not so many. What stands before it is not converted.
    ///
    /// # Errors
    /// When the file can't be read, or the row was changed.
    pub fn row(&self, reader: &mut dyn ReadBatches, row: usize) -> Result<Option<Summed>, SavedError> {
        let mut first = usize::try_from(reader.skip_to(row as u64)?).unwrap_or(usize::MAX);
        while let Some(table) = reader.next_batch()? {
            let n = table.n_rows();
            if let Some(inside) = row.checked_sub(first).filter(|inside| *inside < n) {
                let mut one = self.nothing();
                let all = Chosen::of(1, self.features.len(), self.n_outputs);
                self.add(&mut one, row, &table.slice(inside..inside + 1), all)?;
                return Ok(Some(one));
            }
            first += n;
        }
        Ok(None)
    }

    /// The sums of no row.
    fn nothing(&self) -> Summed {
        let n = self.features.len();
        let none = Totals { absolute: vec![0.0; n], signed: vec![0.0; n], ..Totals::default() };
        Summed {
            totals: vec![none; self.n_outputs],
            values: vec![Vec::new(); n * self.n_outputs],
            ..Summed::default()
        }
    }

    fn part(
        &self,
        open: &Opener<'_>,
        shard: Shard,
        chosen: Chosen,
        watch: &dyn Watch,
    ) -> Result<Summed, SavedError> {
        let mut reader = open()?;
        let mut first = 0;
        if shard.of > 1 {
            first = usize::try_from(reader.take_shard(shard)?).unwrap_or(usize::MAX);
        }
        let mut part = self.nothing();
        while let Some(table) = reader.next_batch()? {
            if watch.should_stop() {
                return Err(SavedError::Stopped);
            }
            self.add(&mut part, first, &table, chosen)?;
            first += table.n_rows();
            watch.advance(table.n_rows());
        }
        Ok(part)
    }

    /// Adds rows, `first` being the number of the first of them.
    fn add(&self, part: &mut Summed, first: usize, table: &Table, chosen: Chosen) -> Result<(), SavedError> {
        let n = self.features.len();
        let rows: Vec<usize> = (0..table.n_rows()).filter(|&row| chosen.has(first + row)).collect();
        for (output, own) in table.columns().chunks(self.width()).take(self.n_outputs).enumerate() {
            let mut numbers = Vec::with_capacity(own.len());
            for (at, column) in own.iter().enumerate() {
                match column {
                    Column::Number(values) => numbers.push(values.as_slice()),
                    Column::Category(_) => {
                        return Err(SavedError::Changed(format!("its column {} holds text", at + 1)));
                    }
                }
            }
            let (values, [base, residuals]) = (&numbers[..n], [numbers[n], numbers[n + 1]]);
            let totals = &mut part.totals[output];
            for (feature, values) in values.iter().enumerate() {
                let (mut absolute, mut signed) = (totals.absolute[feature], totals.signed[feature]);
                for value in *values {
                    absolute += value.abs();
                    signed += value;
                }
                if !absolute.is_finite() {
                    let row = values.iter().position(|value| !value.is_finite()).unwrap_or(0);
                    let (row, name) = (first + row, &self.features[feature]);
                    return Err(SavedError::Changed(format!("row {row} has no value of `{name}`")));
                }
                (totals.absolute[feature], totals.signed[feature]) = (absolute, signed);
                part.values[output * n + feature].extend(rows.iter().map(|&row| values[row]));
            }
            if part.base.len() == output {
                part.base.extend(base.first());
            }
            let expected = part.base.get(output).copied();
            if let Some(row) = base.iter().position(|base| Some(*base) != expected) {
                let row = first + row;
                return Err(SavedError::Changed(format!("row {row} has another base than the rows before")));
            }
            for (row, &residual) in residuals.iter().enumerate() {
                if !residual.is_finite() || residual < 0.0 {
                    return Err(SavedError::Changed(format!("row {} has no residual", first + row)));
                }
                totals.worst_residual = totals.worst_residual.max(residual);
                if residual > ROUNDING && part.doubtful.is_none_or(|before| first + row < before) {
                    let margin = base[row] + values.iter().map(|values| values[row]).sum::<f64>();
                    let is_doubtful = residual > ROUNDING * (margin.abs() + base[row].abs() + 1.0);
                    part.doubtful = if is_doubtful { Some(first + row) } else { part.doubtful };
                }
            }
            totals.n_rows += table.n_rows();
        }
        if let Some(n) = self.table_rows {
            let own = numbers(table, (first, n), part.ends.map(|[_, last]| last))?;
            part.numbers.extend(rows.iter().map(|&row| own[row]));
            if let (Some(&first), Some(&last)) = (own.first(), own.last()) {
                part.ends = Some([part.ends.map_or(first, |[first, _]| first), last]);
            }
        }
        part.rows.extend(rows.into_iter().map(|row| first + row));
        part.n_rows += table.n_rows();
        Ok(())
    }
}

/// The numbers that rows have in their table of `n` rows, which grow; `first` is the place of the first row in the file, `before` the number of
/// the row before it.
fn numbers(
    table: &Table,
    (first, n): (usize, usize),
    before: Option<usize>,
) -> Result<Vec<usize>, SavedError> {
    let Some(Column::Number(written)) = table.columns().last() else {
        return Err(SavedError::Changed("its last column holds text and no numbers of rows".to_owned()));
    };
    let mut before = before;
    let number = |(row, &x): (usize, &f64)| {
        let row = first + row;
        if !(x >= 0.0 && x.fract() == 0.0 && x < n as f64) {
            let text = format!("its row {row} is said to be row {x} of a table of {n} rows");
            return Err(SavedError::Changed(text));
        }
        follows(before, x as usize)?;
        before = Some(x as usize);
        Ok(x as usize)
    };
    written.iter().enumerate().map(number).collect()
}

/// That a row has another number than those before it, as rows of a table have.
fn follows(before: Option<usize>, next: usize) -> Result<(), SavedError> {
    match before {
        Some(before) if next <= before => Err(SavedError::Changed(format!(
            "its rows do not stand in the table's order: {next} follows {before}"
        ))),
        _ => Ok(()),
    }
}

impl Summed {
    /// Which row of the table each one that is drawn is, in their order: by number where the file says it, else by place.
    #[must_use]
    pub fn in_table(&self) -> &[usize] {
        if self.numbers.is_empty() { &self.rows } else { &self.numbers }
    }

    /// Adds the rows that follow.
    fn append(&mut self, other: Self) -> Result<(), SavedError> {
        if other.n_rows == 0 {
            return Ok(());
        }
        if self.n_rows == 0 {
            *self = other;
            return Ok(());
        }
        if self.base != other.base {
            return Err(SavedError::Changed("its rows have different bases".to_owned()));
        }
        for (own, more) in self.totals.iter_mut().zip(other.totals) {
            own.absolute.iter_mut().zip(more.absolute).for_each(|(own, more)| *own += more);
            own.signed.iter_mut().zip(more.signed).for_each(|(own, more)| *own += more);
            own.worst_residual = own.worst_residual.max(more.worst_residual);
            own.n_rows += more.n_rows;
        }
        self.values.iter_mut().zip(other.values).for_each(|(own, more)| own.extend(more));
        if let (Some([first, before]), Some([next, last])) = (self.ends, other.ends) {
            follows(Some(before), next)?;
            self.ends = Some([first, last]);
        }
        self.rows.extend(other.rows);
        self.numbers.extend(other.numbers);
        self.doubtful = self.doubtful.or(other.doubtful);
        self.n_rows += other.n_rows;
        Ok(())
    }
}

/// How many rows there are, where only reading tells.
fn counted(reader: &mut dyn ReadBatches, watch: &dyn Watch) -> Result<usize, SavedError> {
    let mut n = 0;
    while let Some(table) = reader.next_batch()? {
        if watch.should_stop() {
            return Err(SavedError::Stopped);
        }
        n += table.n_rows();
    }
    Ok(n)
}
