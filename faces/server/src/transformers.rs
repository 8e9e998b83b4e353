//! What is inside of a transformer that was opened? Its weights and its tokenizer, read once a page asks for them.

use std::path::Path;
use std::sync::Arc;

use pellucid::example_circuit;
use pellucid::files::{load_tokenizer, load_transformer};
use pellucid::models::transformer::{Tokens, Transformer, is_decoder};

use crate::address::Address;
use crate::failure::Failure;
use crate::memo::Found;
use crate::opened::{Source, Thing, What};
use crate::workbench::{Workbench, pick};

/// A transformer with its tokenizer.
pub(crate) struct Inside {
    pub(crate) model: Transformer,
    pub(crate) tokens: Tokens,
}

/// A folder as Hugging Face keeps transformers.
pub(crate) fn folder(path: &Path) -> Result<What, Failure> {
    let shown = path.display();
    if !path.join("config.json").is_file() {
        let text = "a folder that is opened holds a transformer, with config.json, model.safetensors and tokenizer.json; this one has no config.json";
        return Err(Failure::input(format!("{shown}: {text}")));
    }
    let all = fs_err::read_dir(path).map_err(Failure::input)?;
    let sizes = all.flatten().filter(|entry| entry.path().extension().is_some_and(|e| e == "safetensors"));
    let n_bytes: u64 = sizes.filter_map(|entry| Some(entry.metadata().ok()?.len())).sum();
    if n_bytes == 0 {
        return Err(Failure::input(format!(
            "{shown}: the folder has a config.json and no model.safetensors"
        )));
    }
    let config = fs_err::read(path.join("config.json")).map_err(Failure::input)?;
    Ok(What::Transformer {
        format: "safetensors",
        n_bytes: Some(n_bytes),
        // What can't be told from a config is told when its weights are read.
        is_decoder: is_decoder(&config).unwrap_or(true),
    })
}

impl Inside {
    fn read(source: &Source) -> Result<Self, Failure> {
        match source {
            Source::File(path) => {
                let model = load_transformer(path).map_err(Failure::input)?;
                let tokens = load_tokenizer(&model, path, None).map_err(Failure::input)?;
                Ok(Self { model, tokens })
            }
            Source::Circuit => {
                let made = example_circuit::made().map_err(Failure::input)?;
                let tokens = example_circuit::tokens(&made).map_err(Failure::input)?;
                Ok(Self { model: made.model, tokens })
            }
            Source::Example { name, .. } => Err(Failure::input(format!("{name} is no transformer"))),
        }
    }
}

impl Workbench {
    /// All transformers that were opened.
    pub(crate) fn transformers_opened(&self) -> impl Iterator<Item = &Thing> + Clone {
        self.things.iter().filter(|thing| matches!(thing.what, What::Transformer { .. }))
    }

    /// The transformer of an address (`transformer=`), or the first one.
    pub(crate) fn transformer(&self, address: &Address) -> Result<&Thing, Failure> {
        pick(self.transformers_opened(), address.one("transformer")?, "transformer", |of| &of.id)
    }

    /// What is inside of it.
    pub(crate) fn inside(self: &Arc<Self>, thing: &Thing) -> Result<Found<Inside>, Failure> {
        thing.unchanged()?;
        let source = thing.source.clone();
        self.transformers
            .get(&self.jobs, &thing.id, &format!("Reading {}", thing.title), move |_| Inside::read(&source))
    }
}
