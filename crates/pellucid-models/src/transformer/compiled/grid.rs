//! How are weights written down before they are packed? Rows of 64-bit numbers that can be added to and
//! multiplied.

use crate::transformer::weights::Packed;

/// Rows of one length.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grid {
    rows: Vec<Vec<f64>>,
    n_columns: usize,
}

impl Grid {
    pub(super) fn zeros(n_rows: usize, n_columns: usize) -> Self {
        Self { rows: vec![vec![0.0; n_columns]; n_rows], n_columns }
    }

    /// Of rows that are `n_columns` long.
    pub(super) fn of(rows: Vec<Vec<f64>>, n_columns: usize) -> Self {
        Self { rows, n_columns }
    }

    pub(super) fn add(&mut self, row: usize, column: usize, x: f64) {
        self.rows[row][column] += x;
    }

    /// This one times another.
    pub(super) fn times(&self, other: &Self) -> Self {
        let rows = self.rows.iter().map(|row| other.after_row(row)).collect();
        Self { rows, n_columns: other.n_columns }
    }

    /// A row times this.
    pub(super) fn after_row(&self, left: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.n_columns];
        for (x, row) in left.iter().zip(&self.rows) {
            sum.iter_mut().zip(row).for_each(|(sum, y)| *sum += x * y);
        }
        sum
    }

    pub(super) fn transposed(&self) -> Self {
        let column = |at: usize| self.rows.iter().map(|row| row[at]).collect();
        Self { rows: (0..self.n_columns).map(column).collect(), n_columns: self.rows.len() }
    }

    /// Rows are inputs.
    pub(super) fn packed(&self) -> Packed {
        Packed::from_fn(self.rows.len(), self.n_columns, |input, output| self.rows[input][output] as f32)
    }

    /// All numbers, row by row.
    pub(super) fn numbers(&self) -> Vec<f32> {
        self.rows.iter().flatten().map(|x| *x as f32).collect()
    }
}
