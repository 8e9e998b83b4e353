//! Where a transformer's files are: a folder as Hugging Face keeps it, or a GGUF file; mapped, read, and let go.

use std::path::{Path, PathBuf};

use pellucid_explain::inside::experiment::format::ExperimentFile;
use pellucid_models::transformer::weights::{Gguf, Release};
use pellucid_models::transformer::{
    ProcessingError, TokenError, Tokens, Transformer, WeightsError, read_gguf, read_hugging_face,
};

use super::{FileError, Mapped, map};

/// Why no transformer was read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransformerError {
    /// Not one of the kinds of places that are read.
    #[error("{}: neither a folder with config.json and model.safetensors nor a GGUF file", .0.display())]
    Unknown(PathBuf),
    /// A file that a folder should have.
    #[error("{}: the folder has no {missing}", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
        /// The file.
        missing: String,
    },
    /// A file that can't be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A model that can't be.
    #[error("{}: {cause}", path.display())]
    Model {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        cause: WeightsError,
    },
    /// Weights that can't be processed as asked.
    #[error("{}: {cause}", path.display())]
    Processing {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        cause: ProcessingError,
    },
    /// A file that holds no experiment.
    #[error("{}: {cause}", path.display())]
    Experiment {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// A tokenizer that can't be.
    #[error("{}: {cause}", path.display())]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: TokenError,
    },
}

/// Reads a transformer's weights.
///
/// # Errors
/// When files are missing, damaged, or hold an architecture that is not read.
pub fn load_transformer(path: &Path) -> Result<Transformer, TransformerError> {
    let wrong = |cause| TransformerError::Model { path: path.to_owned(), cause };
    if !path.is_dir() {
        let file = Mapped::of(path)?;
        if !Gguf::is_one(&file.bytes) {
            return Err(TransformerError::Unknown(path.to_owned()));
        }
        let release = |part: &[u8]| file.release(part);
        return read_gguf(&file.bytes, Release::to(&release)).map_err(wrong);
    }
    let missing =
        |missing: &str| TransformerError::Missing { path: path.to_owned(), missing: missing.to_owned() };
    let config = path.join("config.json");
    if !config.is_file() {
        return Err(missing("config.json"));
    }
    let index = path.join("model.safetensors.index.json");
    let names = if index.is_file() {
        shards(&map(&index)?).ok_or_else(|| missing("weight_map in model.safetensors.index.json"))?
    } else {
        vec!["model.safetensors".to_owned()]
    };
    let mut files = Vec::with_capacity(names.len());
    for name in names {
        // A name that leads out of the folder is none of its files.
        let file = path.join(&name);
        if Path::new(&name).components().count() != 1 || !file.is_file() {
            return Err(missing(&name));
        }
        files.push(Mapped::of(&file)?);
    }
    let release = |part: &[u8]| files.iter().for_each(|file| file.release(part));
    let bytes = files.iter().map(|file| &file.bytes[..]).collect();
    read_hugging_face(&map(&config)?, bytes, Release::to(&release)).map_err(wrong)
}

/// The files that an index names, each once.
fn shards(index: &[u8]) -> Option<Vec<String>> {
    let index: serde_json::Value = serde_json::from_slice(index).ok()?;
    let names = index.get("weight_map")?.as_object()?.values();
    let mut names: Vec<String> = names.map(|name| name.as_str().map(str::to_owned)).collect::<Option<_>>()?;
    names.sort_unstable();
    names.dedup();
    Some(names)
}

/// Reads the tokenizer of a transformer's files, or another file's.
///
/// # Errors
/// When there is none, it is damaged, or belongs to another model.
pub fn load_tokenizer(
    model: &Transformer,
    path: &Path,
    other: Option<&Path>,
) -> Result<Tokens, TransformerError> {
    let wrong = |path: &Path, cause| TransformerError::Tokenizer { path: path.to_owned(), cause };
    if other.is_none() && !path.is_dir() {
        let bytes = map(path)?;
        let file =
            Gguf::open(&bytes).map_err(|cause| TransformerError::Model { path: path.to_owned(), cause })?;
        return Tokens::from_gguf(&file, &model.spec).map_err(|cause| wrong(path, cause));
    }
    let file = other.map_or_else(|| path.join("tokenizer.json"), Path::to_owned);
    if other.is_none() && !file.is_file() {
        let missing = "tokenizer.json; name one with --tokenizer".to_owned();
        return Err(TransformerError::Missing { path: path.to_owned(), missing });
    }
    Tokens::from_json(&map(&file)?, &model.spec).map_err(|cause| wrong(&file, cause))
}

/// Reads an experiment as it is written down: JSON if the file's ending says so, else TOML.
///
/// # Errors
/// When the file can't be read, or holds something else; then where is told.
pub fn load_experiment(path: &Path) -> Result<ExperimentFile, TransformerError> {
    let wrong = |cause: String| TransformerError::Experiment { path: path.to_owned(), cause };
    let bytes = map(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("this is no text".to_owned()))?;
    let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    if is_json {
        return serde_json::from_str(text).map_err(|cause| wrong(cause.to_string()));
    }
    toml::from_str(text).map_err(|cause| wrong(cause.to_string().trim_end().to_owned()))
}
