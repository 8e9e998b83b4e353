//! The arguments of `pellucid inspect MODEL --tree N`, as text.

use std::path::PathBuf;

use clap::Args;

/// Which tree of a model is drawn, and which row is followed through it.
#[derive(Debug, Args)]
pub(crate) struct TreeAsked {
    /// Draw this tree of a model, from 0
    #[arg(long, value_name = "N", conflicts_with = "conditions")]
    pub(crate) tree: Option<usize>,
    /// With --tree: begin at this node of it, from 0
    #[arg(long, value_name = "NODE", requires = "tree", default_value_t = 0)]
    pub(crate) node: usize,
    /// With --tree: levels below the top, 1 to 10
    #[arg(long, value_name = "LEVELS", requires = "tree", default_value_t = pellucid::trees_shown::LEVELS)]
    pub(crate) depth: usize,
    /// With --tree: the output (class) that leaves add to, from 0
    #[arg(long, value_name = "K", requires = "tree")]
    pub(crate) class: Option<usize>,
    /// With --tree and --row: the table of the row that is followed
    #[arg(long, value_name = "FILE", requires = "row")]
    pub(crate) data: Option<PathBuf>,
    /// With --tree and --data: follow this row, from 0, and say what each tree adds for it
    #[arg(long, value_name = "N", requires_all = ["tree", "data"])]
    pub(crate) row: Option<usize>,
    /// With --data: leave a column out (may be repeated)
    #[arg(long, value_name = "COL", requires = "data")]
    pub(crate) drop: Vec<String>,
    /// With --tree: the picture, .svg or .png [default: text on standard output]
    #[arg(short, long, value_name = "OUT", requires = "tree")]
    pub(crate) out: Option<PathBuf>,
}
