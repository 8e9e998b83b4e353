//! What is asked of activation patching: a site, and what a cell of the grid stands for.
//!
//! Activation patching (Meng et al. 2022, causal tracing; the terms are those of Heimersheim and Nanda 2024, arXiv 2404.15255): the
//! prompt that is run takes the values of the other one at one place, and the answer tells what that place carries.

use pellucid_models::transformer::{Axis, Hook, Site, Spec};

use super::error::PatchError;

/// What a cell of the grid stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A block, at all positions and heads.
    Layer,
    /// A block and a position.
    LayerPosition,
    /// A block and a head, at all positions.
    LayerHead,
    /// A block, a position and a head.
    LayerPositionHead,
}

/// A place whose values are put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The block.
    pub layer: usize,
    /// The position, of scores and patterns that which attends; `None` for all.
    pub position: Option<usize>,
    /// The head (of keys and values, one of those); `None` for all.
    pub head: Option<usize>,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patching {
    /// Where values are put in.
    pub site: Site,
    /// What a cell stands for.
    pub by: By,
}

impl std::fmt::Display for By {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Layer => "layer",
            Self::LayerPosition => "layer-position",
            Self::LayerHead => "layer-head",
            Self::LayerPositionHead => "layer-position-head",
        })
    }
}

impl Patching {
    /// Whether that can be asked of a model.
    ///
    /// # Errors
    /// When the model has no such site, or the site no such axes.
    pub fn check(&self, spec: &Spec) -> Result<(), PatchError> {
        let hook = if self.site.is_in_blocks() { Hook::at(self.site, 0) } else { Hook::whole(self.site) };
        spec.check(hook)?;
        let not = |why| Err(PatchError::NotBy { site: self.site, by: self.by, why });
        if !self.site.is_in_blocks() {
            return not("is no site of blocks");
        }
        let axes = self.site.axes();
        let has_heads = axes.iter().any(|axis| matches!(axis, Axis::Head | Axis::KeyValueHead));
        match self.by {
            By::LayerHead | By::LayerPositionHead if !has_heads => not("has no heads"),
            _ => Ok(()),
        }
    }

    /// All cells, block by block.
    #[must_use]
    pub fn cells(&self, spec: &Spec, n_tokens: usize) -> Vec<Cell> {
        let axes = self.site.axes();
        let n_heads = if axes.contains(&Axis::KeyValueHead) { spec.n_kv_heads } else { spec.n_heads };
        let some = |n: usize, is: bool| -> Vec<Option<usize>> {
            if is { (0..n).map(Some).collect() } else { vec![None] }
        };
        let positions = some(n_tokens, !matches!(self.by, By::Layer | By::LayerHead));
        let heads = some(n_heads, matches!(self.by, By::LayerHead | By::LayerPositionHead));
        let mut cells = Vec::with_capacity(spec.n_layers * positions.len() * heads.len());
        for layer in 0..spec.n_layers {
            for &position in &positions {
                cells.extend(heads.iter().map(|&head| Cell { layer, position, head }));
            }
        }
        cells
    }
}

impl Cell {
    /// The ranges of a site's numbers that the cell means, in a view whose first row is at position `first`; `shape` is the view's.
    pub(super) fn ranges(self, site: Site, shape: &[usize], first: usize) -> Vec<std::ops::Range<usize>> {
        let by_head = matches!(site.axes()[0], Axis::Head);
        // The slowest axis, the next one, and what is left.
        let (outer, inner) = (shape[0], if shape.len() > 2 { shape[1] } else { 1 });
        let width: usize = shape.iter().product::<usize>() / (outer * inner).max(1);
        let whole = |n: usize, one: Option<usize>| match one {
            Some(one) if one < n => one..one + 1,
            Some(_) => 0..0,
            None => 0..n,
        };
        let position = self.position.map(|position| position.wrapping_sub(first));
        let (rows, heads) = if by_head {
            (whole(outer, self.head), whole(inner, position))
        } else {
            (whole(outer, position), whole(inner, self.head))
        };
        rows.map(|row| (row * inner + heads.start) * width..(row * inner + heads.end) * width)
            .filter(|range| !range.is_empty())
            .collect()
    }
}
