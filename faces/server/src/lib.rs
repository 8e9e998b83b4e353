//! What does a browser see of models, data and their explanations? Pages, and the answers behind them.
//!
//! An answer is a function of its address ([`Address`]) and of what was opened ([`Workbench`]). What takes long is a [`Job`](jobs::Job): the
//! caller hears of its progress, may cancel it, and asks the same address again when it is done. [`http`] puts this on a socket,
//! [`export`] into a file.

mod address;
mod bounded;
mod cohort;
mod documents;
mod embedded;
pub mod export;
mod failure;
mod figure;
pub mod http;
pub mod jobs;
mod memo;
mod opened;
mod pages;
mod paired;
mod runs;
mod saved;
mod transformers;
mod workbench;

pub use address::Address;
pub use failure::{Code, Failure};
pub use opened::{Source, Thing};
pub use workbench::{Answer, Options, Workbench};
