//! What is there to look at? Explanations as values that can be drawn, read and spoken.
//!
//! A view sorts, groups, rounds and bins, and computes nothing else. Each is a value first; [`render`]
//! turns it into text, SVG, PNG or a page. Colors and fonts live in [`theme`] and nowhere else.

pub mod attention_heads;
pub mod bar;
pub mod beeswarm;
pub mod cohorts;
mod column_names;
pub mod contributions;
pub mod decision;
pub mod disagreement;
pub mod fairness_scatter;
pub mod force;
pub mod gap_curve;
pub mod head_matrix;
pub mod heatmap;
pub mod histogram;
pub mod importance_ranges;
pub mod lens_table;
pub mod matrix;
pub mod number;
pub mod partial;
pub mod patch_grid;
pub mod rashomon_map;
pub mod render;
pub mod report;
pub mod rule_table;
pub mod sample;
pub mod scatter;
pub mod subject;
pub mod theme;
pub mod tree;
pub mod tree_steps;
pub mod use_matrix;
pub mod waterfall;

pub use sample::Sample;
pub use subject::{FeatureValues, Subject, Totals};

use render::scene::Scene;

/// Something to look at.
pub trait View {
    /// The picture, laid out for a width in pixels (at least 360).
    fn scene(&self, width: f64) -> Scene;

    /// The picture for a terminal of so many columns.
    fn text(&self, columns: usize) -> String;

    /// What the picture says, as one sentence.
    fn sentence(&self) -> String;

    /// The numbers behind the picture: column names, then rows.
    fn table(&self) -> (Vec<String>, Vec<Vec<String>>);
}

#[cfg(test)]
mod tests;
