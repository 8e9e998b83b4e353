//! What follows from a system over GF(2)? Reduced row echelon form: which rules are free, and which follow from them.

/// A consistent system in reduced row echelon form, its free rules in the order of the search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reduced {
    /// The free rules.
    pub(super) free: Vec<u32>,
    /// Column of each free rule, as they are ordered.
    pub(super) columns: Vec<u128>,
    /// Rows that no free rule from this place on is in: `determined[j]` holds once the first j are decided.
    pub(super) determined: Vec<u128>,
    /// The rule that each row determines, by row; rows that said nothing new have none.
    pub(super) pivots: Vec<Option<u32>>,
    /// b, in the rows with a pivot.
    pub(super) right: u128,
    /// Rows with a pivot.
    pub(super) used: u128,
    /// Columns of free rules with their places, rising.
    by_column: Vec<(u128, u32)>,
}

/// Reduces A x = b; `order` is the order of the search, and pivots are taken from its end. `None` where nothing satisfies
/// it.
pub(super) fn reduce(columns: &[u128], right: u128, order: &[u32]) -> Option<Reduced> {
    let (mut columns, mut right) = (columns.to_vec(), right);
    let mut pivots = vec![None; 128];
    let (mut used, mut free) = (0_u128, Vec::new());
    for &rule in order.iter().rev() {
        let column = columns[rule as usize];
        let open = column & !used;
        if open == 0 {
            free.push(rule);
            continue;
        }
        let row = open.trailing_zeros();
        // The row of the pivot is added to every other row that the rule is in.
        let others = column & !(1 << row);
        for word in columns.iter_mut().chain([&mut right]).filter(|word| **word >> row & 1 == 1) {
            *word ^= others;
        }
        used |= 1 << row;
        pivots[row as usize] = Some(rule);
    }
    if right & !used != 0 {
        return None;
    }
    free.reverse();
    let columns: Vec<u128> = free.iter().map(|&rule| columns[rule as usize]).collect();
    let mut determined = vec![used; free.len() + 1];
    let mut seen = 0;
    for (at, column) in columns.iter().enumerate().rev() {
        seen |= column;
        determined[at] = used & !seen;
    }
    let mut by_column: Vec<(u128, u32)> = columns.iter().copied().zip(0..).collect();
    by_column.sort_unstable();
    Some(Reduced { free, columns, determined, pivots, right, used, by_column })
}

impl Reduced {
    /// Places from `from` on of the free rules with exactly this column.
    pub(super) fn places(&self, column: u128, from: usize) -> impl Iterator<Item = usize> + '_ {
        let first = self.by_column.partition_point(|&held| held < (column, from as u32));
        self.by_column[first..]
            .iter()
            .take_while(move |(held, _)| *held == column)
            .map(|(_, place)| *place as usize)
    }

    /// The pivots of some rows.
    pub(super) fn pivots_of(&self, rows: u128) -> impl Iterator<Item = u32> + '_ {
        let mut rest = rows;
        std::iter::from_fn(move || {
            let row = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some(self.pivots[row])
        })
        .flatten()
    }
}
