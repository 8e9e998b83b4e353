//! How well does a profile fit a posting? The analysis of `pellucid position`, from files, checkouts and texts that Python holds.

use std::path::{Path, PathBuf};

use pellucid::files::map;
use pellucid_position::months::{Day, Month};
use pellucid_position::read::{Input, MOST_BYTES};
use pellucid_position::report::{Report, compose, docx, html, json, markdown};
use pellucid_position::{Analysis, Request, analyze};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::calls::run;
use crate::errors::Failure;

/// A document: a file, a folder, or what is called by a name.
#[derive(FromPyObject)]
pub(crate) enum Document {
    /// A name, and what stands in it.
    #[pyo3(transparent)]
    Held((String, Vec<u8>)),
    /// A file or a folder.
    #[pyo3(transparent)]
    Path(PathBuf),
}

impl Document {
    fn input(self) -> Result<Input, Failure> {
        match self {
            Self::Held((name, bytes)) => Ok(Input { name, bytes }),
            Self::Path(path) => file(&path),
        }
    }
}

fn file(path: &Path) -> Result<Input, Failure> {
    let bytes = map(path)?;
    // What would be refused for its size is not copied.
    if bytes.len() > MOST_BYTES {
        let (found, most) = (bytes.len() >> 20, MOST_BYTES >> 20);
        return Err(Failure::Said(
            "DataError",
            format!("{}: it has {found} MB; at most {most} are read", path.display()),
        ));
    }
    Ok(Input { name: path.display().to_string(), bytes: bytes.to_vec() })
}

/// An analysis with its report, which is written as often as somebody asks.
#[pyclass(frozen, module = "pellucid._native")]
pub(crate) struct PositionReport {
    analysis: Analysis,
    report: Report,
}

#[pymethods]
impl PositionReport {
    /// Analyses, as of a day; without one of a month as of its last.
    #[staticmethod]
    fn analyze(
        py: Python<'_>,
        profile: Vec<Document>,
        posting: Document,
        notes: Vec<Document>,
        as_of: (i32, i32, Option<u8>),
    ) -> PyResult<Self> {
        let as_of = day(as_of)?;
        run(py, |_| {
            let mut request = Request::default();
            for document in profile {
                match document {
                    Document::Path(path) if path.is_dir() => {
                        let checkout = pellucid_cli::checkout(&path).map_err(PyErr::from)?;
                        request.repositories.push(checkout);
                    }
                    other => request.profile.push(other.input()?),
                }
            }
            request.notes = notes.into_iter().map(Document::input).collect::<Result<_, _>>()?;
            request.posting = Some(posting.input()?);
            let analysis = analyze(&request, as_of)?;
            let report = compose(&analysis);
            Ok(Self { analysis, report })
        })
    }

    /// What `-o FILE.json` holds.
    fn json(&self) -> String {
        format!("{:#}\n", json(&self.analysis, &self.report))
    }

    fn markdown(&self) -> String {
        markdown(&self.analysis, &self.report)
    }

    fn html(&self) -> String {
        html(&self.analysis, &self.report)
    }

    fn docx<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &docx(&self.analysis, &self.report))
    }

    /// The least and the most, as fractions.
    #[getter]
    fn interval(&self) -> [String; 2] {
        self.analysis.fit.interval.map(|end| end.to_string())
    }

    /// What is odd, with its place where it has one, as the command line notes it.
    #[getter]
    fn findings(&self) -> Vec<String> {
        let one = |finding: &pellucid_position::model::Finding| {
            let place = finding.span.as_ref();
            let place = place.map_or(String::new(), |span| format!("{}: ", self.analysis.cite(span)));
            format!("{place}{}", finding.text)
        };
        self.analysis.findings.iter().map(one).collect()
    }
}

fn day((year, month, day): (i32, i32, Option<u8>)) -> Result<Day, Failure> {
    let found = match day {
        Some(day) => Day::new(year, month, day),
        None if (1..=12).contains(&month) => Some(Day::end_of(Month::new(year, month))),
        None => None,
    };
    found.ok_or_else(|| Failure::usage("as_of: there is no such day"))
}
