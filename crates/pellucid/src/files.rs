//! Where do bytes come from? From paths, mapped where that is possible, unpacked where that is needed.

#[cfg(feature = "transformer")]
mod transformers;

#[cfg(feature = "transformer")]
pub use transformers::{TransformerError, load_experiment, load_tokenizer, load_transformer};

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use pellucid_data::read::{
    ArrowReader, CsvReader, JsonLinesReader, ParquetReader, ReadBatches, ReadError, ReadOptions, Sniffed,
    sniff,
};
use pellucid_models::trees::Ensemble;
use pellucid_models::trees::import::{self, ImportError};

/// Why a file could not be opened or read; the path is always named.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file system said no; its message names the path.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The file's content is no table.
    #[error("{}: {cause}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: ReadError,
    },
    /// The file's content is no model.
    #[error("{}: {cause}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: ImportError,
    },
    /// A model or an archive where rows were expected.
    #[error("{}: this looks like {format}, and rows of data are wanted here: CSV, JSON lines, Parquet or Arrow", path.display())]
    NoTable {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        format: &'static str,
    },
    /// A format that is read from its end came through a pipe inside a compressed stream.
    #[error("{}: a compressed {format} file can't be read; unpack it first", path.display())]
    Packed {
        /// The file.
        path: PathBuf,
        /// What is inside.
        format: &'static str,
    },
}

impl FileError {
    /// Names the file in which a reader found something wrong.
    #[must_use]
    pub fn table(path: &Path, cause: ReadError) -> Self {
        Self::Table { path: path.to_owned(), cause }
    }
}

/// The bytes of a file, mapped into memory. An empty file, or one that can't be mapped (a pipe), is read.
///
/// # Errors
/// When the file can't be opened or read.
pub fn map(path: &Path) -> Result<Bytes, FileError> {
    Ok(Mapped::of(path)?.bytes)
}

/// The bytes of a file, and the map that they are in, if they are.
struct Mapped {
    bytes: Bytes,
    #[cfg_attr(not(feature = "transformer"), expect(dead_code, reason = "only weights are given back"))]
    map: Option<Arc<memmap2::Mmap>>,
}

/// What keeps a map while its bytes are there.
struct Owner(Arc<memmap2::Mmap>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Mapped {
    fn of(path: &Path) -> Result<Self, FileError> {
        let mut file = fs_err::File::open(path)?;
        let is_plain = file.metadata()?.is_file() && file.metadata()?.len() > 0;
        if is_plain {
            #[expect(
                unsafe_code,
                reason = "mapping is how models and tables of any size are read without a copy"
            )]
            // SAFETY: the map is read only. If another program shortens the file meanwhile, reading past its
            // new end ends this process with a signal, as it does for every program that maps files; nothing
            // is written and no reference outlives the map, which `Bytes` owns.
            let mapped = unsafe { memmap2::Mmap::map(file.file()) };
            if let Ok(mapped) = mapped {
                let map = Arc::new(mapped);
                return Ok(Self { bytes: Bytes::from_owner(Owner(Arc::clone(&map))), map: Some(map) });
            }
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Self { bytes: bytes.into(), map: None })
    }

    /// Gives memory back that holds a part of the file; whoever looks there again has it read once more. Other bytes are left alone.
    #[cfg(feature = "transformer")]
    fn release(&self, part: &[u8]) {
        let Some(map) = &self.map else { return };
        let (all, own) = (map.as_ptr_range(), part.as_ptr_range());
        if part.is_empty() || own.start < all.start || own.end > all.end {
            return;
        }
        #[cfg(unix)]
        {
            let offset = own.start.addr() - all.start.addr();
            #[expect(unsafe_code, reason = "pages of a map are given back")]
            // SAFETY: the map is of a file, shared and read only: pages that are given back are read from the file again.
            let given =
                unsafe { map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, offset, part.len()) };
            // It is a hint; nothing depends on it.
            drop(given);
        }
    }
}

/// Reads a saved model.
///
/// # Errors
/// When the file can't be read or is no model, see [`ImportError`].
pub fn load_model(path: &Path) -> Result<Ensemble, FileError> {
    let bytes = map(path)?;
    import::import(&bytes).map_err(|cause| FileError::Model { path: path.to_owned(), cause })
}

/// Opens a table: CSV, JSON lines (both also packed with gzip or Zstandard), Parquet or Arrow IPC, told
/// from the first bytes. `-` is standard input.
///
/// # Errors
/// When the file can't be opened, or its first batch can't be read.
pub fn open_table(path: &Path, options: &ReadOptions) -> Result<Box<dyn ReadBatches>, FileError> {
    let wrong = |cause| FileError::table(path, cause);
    let source: Box<dyn Read> =
        if path == Path::new("-") { Box::new(std::io::stdin()) } else { Box::new(fs_err::File::open(path)?) };
    let (format, stream) = peek(path, source)?;
    match format {
        Sniffed::Parquet | Sniffed::ArrowFile | Sniffed::ArrowStream => {
            // These are read from their end or at random; through a pipe they must be held whole.
            let bytes = if path == Path::new("-") { whole(stream)? } else { map(path)? };
            Ok(match format {
                Sniffed::Parquet => Box::new(ParquetReader::new(bytes, options).map_err(wrong)?),
                Sniffed::ArrowFile => Box::new(ArrowReader::file(bytes).map_err(wrong)?),
                _ => Box::new(ArrowReader::stream(bytes).map_err(wrong)?),
            })
        }
        Sniffed::Gzip => text(path, Box::new(flate2::read::MultiGzDecoder::new(stream)), options),
        Sniffed::Zstd => text(path, Box::new(zstd::Decoder::new(stream)?), options),
        _ => text_of(path, format, stream, options),
    }
}

/// Unpacked text; what else may be packed is refused.
fn text(
    path: &Path,
    unpacked: Box<dyn Read>,
    options: &ReadOptions,
) -> Result<Box<dyn ReadBatches>, FileError> {
    let (format, stream) = peek(path, unpacked)?;
    text_of(path, format, stream, options)
}

fn text_of(
    path: &Path,
    format: Sniffed,
    stream: Box<dyn Read>,
    options: &ReadOptions,
) -> Result<Box<dyn ReadBatches>, FileError> {
    let wrong = |cause| FileError::table(path, cause);
    let packed = |format| Err(FileError::Packed { path: path.to_owned(), format });
    match format {
        Sniffed::JsonLines => Ok(Box::new(JsonLinesReader::new(stream, options.clone()).map_err(wrong)?)),
        Sniffed::Parquet => packed("Parquet"),
        Sniffed::ArrowFile | Sniffed::ArrowStream => packed("Arrow"),
        Sniffed::Gzip | Sniffed::Zstd => packed("twice packed"),
        _ => {
            let mut options = options.clone();
            if options.delimiter.is_none() && path.extension().is_some_and(|e| e == "tsv") {
                options.delimiter = Some(b'\t');
            }
            Ok(Box::new(CsvReader::new(stream, options).map_err(wrong)?))
        }
    }
}

/// Tells the format from the first bytes and puts them back; what can only be a model is refused.
fn peek(path: &Path, mut source: Box<dyn Read>) -> Result<(Sniffed, Box<dyn Read>), FileError> {
    let mut head = Vec::new();
    source.by_ref().take(64).read_to_end(&mut head)?;
    // JSON may be rows; a column may be called `tree`; and keys without quotes are no UBJSON, which has its lengths in bytes.
    let model = match import::Format::sniff(&head) {
        Some(import::Format::XgboostUbj) if head.iter().any(|byte| *byte < b'\t') => {
            Some("a saved model (XGBoost UBJSON)")
        }
        Some(import::Format::LightgbmText) if head.windows(9).any(|key| key == b"\nversion=") => {
            Some("a saved model (LightGBM text)")
        }
        Some(import::Format::Skops) => Some("a zip archive (a model by skops, or a spreadsheet)"),
        _ => None,
    };
    if let Some(format) = model {
        return Err(FileError::NoTable { path: path.to_owned(), format });
    }
    Ok((sniff(&head), Box::new(BufReader::new(std::io::Cursor::new(head).chain(source)))))
}

fn whole(mut stream: Box<dyn Read>) -> Result<Bytes, FileError> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    Ok(bytes.into())
}
