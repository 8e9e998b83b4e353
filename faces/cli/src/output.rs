//! Where does a result go? Its format follows from the file's ending; a file appears whole or not at all.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use pellucid::data::write::csv::CsvWriter;
use pellucid::data::write::ipc::IpcWriter;
use pellucid::data::write::jsonl::JsonLinesWriter;
use pellucid::data::write::parquet::ParquetWriter;
use pellucid::data::write::{Heading, Regular, WriteBatches, WriteError};

use crate::failure::Failure;

/// A file that is written beside its place and moved there at the end.
pub(crate) struct NewFile {
    path: PathBuf,
    beside: PathBuf,
    kept: bool,
}

impl NewFile {
    pub(crate) fn create(path: &Path) -> Result<(Self, fs_err::File), Failure> {
        check_place(path)?;
        let name =
            path.file_name().ok_or_else(|| Failure::Usage(format!("`{}` names no file", path.display())))?;
        let beside = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
        let file = fs_err::File::create(&beside)?;
        Ok((Self { path: path.to_owned(), beside, kept: false }, file))
    }

    pub(crate) fn keep(mut self) -> Result<(), Failure> {
        fs_err::rename(&self.beside, &self.path)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs_err::remove_file(&self.beside);
        }
    }
}

/// Whether a file can be written there: a folder can't be replaced, and no folder is made on the way.
pub(crate) fn check_place(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::Usage(format!("`{}` is a folder", path.display())));
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    match parent.filter(|parent| !parent.is_dir()) {
        Some(parent) => Err(Failure::Input(format!(
            "`{}`: No such file or directory; make the folder first",
            parent.display()
        ))),
        None => Ok(()),
    }
}

/// Whether a run's folder can be there: neither it nor what it stands in is a file, and that is to be known before the work.
pub(crate) fn check_run(folder: Option<&Path>) -> Result<(), Failure> {
    let Some(folder) = folder else { return Ok(()) };
    match folder.ancestors().find(|part| part.symlink_metadata().is_ok()).filter(|part| !part.is_dir()) {
        Some(file) => Err(Failure::Usage(format!(
            "--run {}: `{}` is no folder; name one that is there or can be made",
            folder.display(),
            file.display()
        ))),
        None => Ok(()),
    }
}

/// Refuses to write a result over one of its inputs.
pub(crate) fn check_distinct(out: &Path, inputs: &[&Path]) -> Result<(), Failure> {
    let same = |input: &&&Path| matches!((fs_err::canonicalize(out), fs_err::canonicalize(input)), (Ok(a), Ok(b)) if a == b);
    match inputs.iter().find(same) {
        Some(input) => {
            Err(Failure::Usage(format!("`{}` is an input; the result would replace it", input.display())))
        }
        None => Ok(()),
    }
}

/// Writes bytes to a new file.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let (file, mut out) = NewFile::create(path)?;
    out.write_all(bytes)?;
    drop(out);
    file.keep()
}

/// Formats of tables of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableFormat {
    Csv,
    Parquet,
    Arrow,
    JsonLines,
    /// One JSON object with rows as arrays; explanations only.
    Json,
}

/// What a file's ending asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Table(TableFormat),
    Html,
    Svg,
    Png,
}

impl Format {
    pub(crate) fn of(path: &Path) -> Result<Self, Failure> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        Ok(match ending.as_str() {
            "csv" => Self::Table(TableFormat::Csv),
            "parquet" | "pq" => Self::Table(TableFormat::Parquet),
            "arrow" | "feather" | "ipc" => Self::Table(TableFormat::Arrow),
            "jsonl" | "ndjson" => Self::Table(TableFormat::JsonLines),
            "json" => Self::Table(TableFormat::Json),
            "html" | "htm" => Self::Html,
            "svg" => Self::Svg,
            "png" => Self::Png,
            other => {
                let known = ["csv", "parquet", "arrow", "jsonl", "json", "html", "svg", "png"];
                let near = pellucid::data::closest(other, known);
                let hint = near.map_or(String::new(), |near| format!(" (did you mean `.{near}`?)"));
                return Err(Failure::Usage(format!(
                    "`{}`: the ending `{other}` names no format{hint}; known are .{}",
                    path.display(),
                    known.join(" .")
                )));
            }
        })
    }
}

/// A writer of one of the row formats.
pub(crate) fn table_writer<'w>(
    format: TableFormat,
    out: impl Write + Send + 'w,
    headings: Vec<Heading>,
    metadata: &[(String, String)],
) -> Result<Box<dyn WriteBatches + 'w>, WriteError> {
    let n = headings.len();
    let out = BufWriter::with_capacity(1 << 16, out);
    Ok(match format {
        TableFormat::Csv => Box::new(CsvWriter::new(out, headings)?),
        TableFormat::Parquet => Box::new(Regular::new(ParquetWriter::new(out, headings, metadata)?, n)),
        TableFormat::Arrow => Box::new(Regular::new(IpcWriter::new(out, headings, metadata)?, n)),
        TableFormat::JsonLines | TableFormat::Json => Box::new(JsonLinesWriter::new(out, headings)),
    })
}
