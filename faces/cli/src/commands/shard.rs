//! What does a shard say of itself, so that `merge` joins the parts of one job and nothing else?
//!
//! In the metadata of a file, or in `about` of an aggregate, under keys that begin with `shard`. What is joined does not say them.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use pellucid::data::Level;
use pellucid_runs::Artifact;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::args::Explain;
use crate::explaining::Feed;
use crate::failure::Failure;

/// Under which keys.
const SHARD: &str = "shard";
const ROWS: &str = "shard.rows";
const INSTRUCTIONS: &str = "shard.instructions";

/// What the part of a job that was asked for says of itself; nothing where the whole was asked for.
pub(super) fn said(feed: &Feed, args: &Explain) -> Result<Vec<(String, String)>, Failure> {
    let Some(shard) = args.shard else { return Ok(Vec::new()) };
    let mut said = vec![
        (SHARD, format!("{}/{}", shard.at + 1, shard.of)),
        (ROWS, feed.rows.n_rows().unwrap_or_default().to_string()),
        // Parts may be explained on different machines, whose last digits differ.
        (INSTRUCTIONS, Level::detect().name().to_owned()),
        ("shard.data", footer(&args.about.data)?),
        ("shard.reading", json!([args.about.drop, args.about.reading.missing]).to_string()),
    ];
    if let Some(path) = &args.background {
        let hash = Artifact::of("background", path)?.sha256.unwrap_or_default();
        said.push(("shard.background", hash));
        said.push(("shard.background_weights", args.background_weights.clone().unwrap_or_default()));
    }
    Ok(said.into_iter().map(|(key, value)| (format!("pellucid.{key}"), value)).collect())
}

/// SHA-256 of a Parquet file's length and footer, which tells where everything stands and what its extremes are: a large
/// file is not read for every part of it.
fn footer(path: &Path) -> Result<String, Failure> {
    let mut file = fs_err::File::open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let mut end = [0; 8];
    file.seek(SeekFrom::Start(length.saturating_sub(8)))?;
    file.read_exact(&mut end)?;
    let [a, b, c, d, ..] = end;
    let footer = u64::from(u32::from_le_bytes([a, b, c, d])).saturating_add(8).min(length);
    file.seek(SeekFrom::Start(length - footer))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let mut hash = Sha256::new_with_prefix(length.to_le_bytes());
    hash.update(&bytes);
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What a part said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    /// Which shard it is, from 0, and of how many.
    pub(super) shard: (usize, usize),
    /// How many rows it has.
    pub(super) n_rows: u64,
    /// With which instructions it was explained.
    pub(super) instructions: String,
    /// What is the same for all parts of a job.
    pub(super) job: BTreeMap<String, String>,
}

impl Said {
    /// Takes it out of what a file says of itself; `None` of what is no shard.
    pub(super) fn take(about: &mut Map<String, Value>) -> Option<Self> {
        let keys: Vec<String> = about.keys().filter(|key| key.starts_with(SHARD)).cloned().collect();
        let mut job: BTreeMap<String, String> = keys
            .into_iter()
            .filter_map(|key| Some((about.remove(&key)?.as_str()?.to_owned(), key)))
            .map(|(value, key)| (key, value))
            .collect();
        let (at, of) = job.remove(SHARD)?.split_once('/').map(|(at, of)| (at.to_owned(), of.to_owned()))?;
        let (at, of): (usize, usize) = (at.parse().ok()?, of.parse().ok()?);
        let n_rows = job.remove(ROWS)?.parse().ok()?;
        let instructions = job.remove(INSTRUCTIONS).unwrap_or_default();
        (1..=of).contains(&at).then(|| Self { shard: (at - 1, of), n_rows, instructions, job })
    }
}
