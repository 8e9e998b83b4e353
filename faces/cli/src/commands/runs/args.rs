//! The arguments of `pellucid runs`, before they mean anything.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use pellucid_runs::Order;

/// What the verbs have in common.
pub(crate) const ABOUT_STORES: &str = "A store is a directory with a folder for each run. Its index.db finds them fast and may be deleted: it is made of the folders again.\n\
    Runs come into a store by `runs add`, and by --run with the store's directory.\n\
    Without --store it is that of PELLUCID_RUNS, else .pellucid/runs if it is here, else pellucid/runs among your data ($XDG_DATA_HOME, ~/.local/share).";

/// Where the store is.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// The store [default: see `pellucid runs --help`]
    #[arg(long, value_name = "DIR")]
    pub(super) store: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Runs {
    /// Runs, the newest first or as --sort says
    List(List),
    /// One run: what went in, what came out, and how to do it again
    Show(Show),
    /// What one run did that another did not: words, files by their hashes, options, results
    Diff(Diff),
    /// Copy folders that --run wrote into the store, with those outputs that lie in them
    Add(Add),
    /// Give a run words to find it by, or take them away
    Tag(Tag),
    /// Write a note beside a run, in the place of the one before
    Note(Note),
    /// Read all folders anew, and remove what killed writers left; the index itself may be deleted at any time
    Reindex(Reindex),
    /// Make a store; `--run` with a store's directory makes a folder in it for each run
    Init(Init),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// In the id, the note, the name of a file that went in or came out, or the beginning of its hash
    pub(super) text: Option<String>,
    /// Only of this verb, as `explain`
    #[arg(long)]
    pub(super) verb: Option<String>,
    /// Only with this tag
    #[arg(long)]
    pub(super) tag: Option<String>,
    /// Only those begun then or later, in UTC, as 2026-11, 2026-11-27 or 2026-11-27T22:13
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub(super) since: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value = "20")]
    pub(super) limit: NonZeroUsize,
    /// Without the first so many
    #[arg(long, value_name = "N", default_value = "0")]
    pub(super) skip: usize,
    /// Which come first
    #[arg(long, value_enum, default_value = "newest")]
    pub(super) sort: Sort,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Sort {
    /// Those that began last
    Newest,
    /// Those that began first
    Oldest,
    /// Those that took longest
    Longest,
}

impl From<Sort> for Order {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Newest => Self::Newest,
            Sort::Oldest => Self::Oldest,
            Sort::Longest => Self::Longest,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A run's folder, or as much of an id as is enough
    #[arg(value_name = "ID|DIR")]
    pub(super) run: String,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// A run's folder, or as much of an id as is enough
    #[arg(value_name = "ID|DIR")]
    pub(super) left: String,
    /// The other
    #[arg(value_name = "ID|DIR")]
    pub(super) right: String,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Folders with a run.json
    #[arg(value_name = "DIR", required = true)]
    pub(super) folders: Vec<PathBuf>,
    /// Words to find them by (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub(super) tag: Vec<String>,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Tag {
    /// As much of an id as is enough
    pub(super) id: String,
    /// The words
    #[arg(value_name = "TAG", required = true)]
    pub(super) tags: Vec<String>,
    /// Take them away
    #[arg(long)]
    pub(super) remove: bool,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Note {
    /// As much of an id as is enough
    pub(super) id: String,
    /// The note; an empty one is none
    pub(super) text: String,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Reindex {
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The directory
    #[arg(value_name = "DIR", default_value = pellucid_runs::LOCAL_STORE)]
    pub(super) dir: PathBuf,
}

/// The beginning of a moment, as runs have it.
fn moment(text: &str) -> Result<String, String> {
    if pellucid_runs::is_moment(text) { Ok(text.to_owned()) } else { Err(pellucid_runs::MOMENTS.to_owned()) }
}
