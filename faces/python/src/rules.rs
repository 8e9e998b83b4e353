//! Rules as Python holds them: learned with their proof, applied, checked, and written as code.

use numpy::{IntoPyArray, PyArray1};
use pellucid::data::binarize::rows_equal;
use pellucid::data::table::Column;
use pellucid::data::{Quiet, RowSet};
use pellucid::learn::certificate::format::{Held, certificate_to_json, read, rules_to_json};
use pellucid::learn::certificate::verify::{self, Verdict};
use pellucid::learn::certificate::{Conditions, RulesFile};
use pellucid::learn::task::{
    Learned, TaskError, check_required, decided, learned, one_vs_rest, position, prepare, rules_file, values,
};
use pellucid::models::rules::export;
use pyo3::prelude::*;

use crate::asked::{Asked, Beside, Limits, table, word};
use crate::calls::run;
use crate::errors::Failure;
use crate::frames::Frame;

/// A rule set with its certificates.
#[pyclass(frozen, module = "pellucid._native")]
pub(crate) struct Rules {
    file: RulesFile,
}

/// What a learned set must satisfy.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Wished {
    require: Vec<String>,
    max_size: Option<u64>,
    max_total_conditions: Option<u64>,
    exclude_empty: bool,
}

/// Words for a verdict of a check.
const PROVEN: &str = "proven";
const REFUTED: &str = "refuted";
const UNPROVEN: &str = "unproven";

#[pymethods]
impl Rules {
    /// Learns the best rules; of more than two classes, unless one of them is named, each against the rest. Answers them, what a
    /// user should know, how rows of each class are decided (for each class in the order of decision and last for the default
    /// the weight of the rows of each class, in the same order), the names of all columns, and whether the target holds numbers.
    #[expect(clippy::type_complexity, reason = "what was learned, and three lists and a flag beside it")]
    #[staticmethod]
    fn learn(
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        beside: Vec<Bound<'_, PyAny>>,
        asked: Asked,
        wished: Wished,
        limits: Limits,
    ) -> PyResult<(Self, Vec<String>, Vec<Vec<u64>>, Vec<String>, bool)> {
        let options = asked.options()?;
        let conditions = Conditions {
            max_size: wished.max_size,
            max_total_conditions: wished.max_total_conditions,
            required: wished.require,
            not_empty: wished.exclude_empty,
        };
        let mut frame = Frame::of(data)?;
        let beside = Beside::all(&beside)?;
        let source = frame.open();
        run(py, |interrupt| {
            let watch = limits.until(interrupt)?;
            let searching = limits.searching(&watch)?;
            check_required(&options, &conditions)?;
            let table = table(source, beside, &watch)?;
            let target = position(&table, &options.target, "the target")?;
            let column = &table.columns()[target];
            let several = options.positive.is_none() && values(column).len() > 2;
            let (tasks, default) = if several {
                let (tasks, default) = one_vs_rest(&table, &options)?;
                (tasks, Some(default))
            } else {
                (vec![options.clone()], None)
            };
            let mut notes = Vec::new();
            let mut all: Vec<Learned> = Vec::new();
            for options in &tasks {
                let task = prepare(table.clone(), options, &watch, &mut notes)?;
                task.check(&conditions)?;
                all.push(learned(task, conditions.clone(), &searching, &mut |_| {})?);
            }
            let version = env!("CARGO_PKG_VERSION");
            let file = rules_file(&all.iter().collect::<Vec<_>>(), default, version)
                .ok_or_else(|| TaskError::NoTwoValues { target: options.target.clone() })?;
            let mut classes: Vec<RowSet> =
                file.decision.classes.iter().map(|class| rows_equal(column, &class.positive)).collect();
            let others = classes.iter().fold(RowSet::empty(table.n_rows()), |all, rows| all.or(rows)).not();
            classes.push(others);
            let weights = all.first().map_or(&[][..], |one| one.task.instance.weights());
            let decided = decided(&file.decision, &table, &classes, weights)?;
            notes.dedup();
            let names = table.schema().names().map(str::to_owned).collect();
            let is_number = matches!(column, Column::Number(_));
            Ok((Self { file }, notes, decided, names, is_number))
        })
    }

    /// Reads the text of a rules file.
    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str) -> PyResult<Self> {
        run(py, |_| match read(text.as_bytes())? {
            Held::Rules(file) => Ok(Self { file: *file }),
            _ => Err(Failure::Said("ModelError", "it holds a certified count, no rules".to_owned())),
        })
    }

    /// Pickled as its file.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((py.import("pellucid._native")?.getattr("Rules")?.getattr("from_json")?, (self.json(),)))
    }

    /// The text of the rules file, as the command line writes it.
    fn json(&self) -> String {
        rules_to_json(&self.file)
    }

    /// The rules as code in `python`, `sql` or `json`.
    fn export(&self, language: &str) -> PyResult<String> {
        type Write = fn(&RulesFile) -> String;
        let languages: [(&str, Write); 3] = [
            ("python", |file| export::python(&file.decision)),
            ("sql", |file| export::sql(&file.decision)),
            ("json", rules_to_json),
        ];
        Ok(word("language", language, &languages)?(&self.file))
    }

    /// The rules and what is proven of them, for people.
    fn text(&self) -> String {
        let default = &self.file.decision.default;
        let all = self.file.certificates.iter();
        all.map(|certificate| pellucid::laid::in_words(certificate, default)).collect()
    }

    /// The column that is predicted.
    #[getter]
    fn target(&self) -> &str {
        &self.file.decision.target
    }

    /// What is predicted where no rule holds.
    #[getter]
    fn default(&self) -> &str {
        &self.file.decision.default
    }

    /// Classes in the order in which they are asked, each with its rules.
    #[getter]
    fn classes(&self) -> Vec<(&str, Vec<String>)> {
        let classes = self.file.decision.classes.iter();
        classes
            .map(|class| (class.positive.as_str(), class.rules.iter().map(ToString::to_string).collect()))
            .collect()
    }

    /// One certificate a class, as JSON.
    #[getter]
    fn certificates(&self) -> Vec<String> {
        self.file.certificates.iter().map(|one| certificate_to_json(one).to_string()).collect()
    }

    /// For each row the place of its class in the order of decision; one past the last for the default.
    fn predict<'py>(&self, py: Python<'py>, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let mut frame = Frame::of(data)?;
        let source = frame.open();
        let places = run(py, |interrupt| {
            let table = table(source, Vec::new(), interrupt)?;
            let given = self.file.decision.predict(&table)?;
            let mut places = vec![given.len() as i64; table.n_rows()];
            for (at, rows) in given.iter().enumerate() {
                rows.iter().for_each(|row| places[row] = at as i64);
            }
            Ok(places)
        })?;
        Ok(places.into_pyarray(py))
    }

    /// Checks the certificates against data by an independent path: a verdict (`proven`, `refuted`, `unproven`) and its reason
    /// for each class.
    fn verify(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        beside: Vec<Bound<'_, PyAny>>,
        limits: Limits,
    ) -> PyResult<Vec<(&'static str, String)>> {
        let mut frame = Frame::of(data)?;
        let beside = Beside::all(&beside)?;
        let source = frame.open();
        let verdicts = run(py, |interrupt| {
            let watch = limits.until(interrupt)?;
            let table = table(source, beside, &Quiet)?;
            Ok(verify::rules(&self.file, &table, &watch))
        })?;
        let told = |verdict| match verdict {
            Verdict::Proven(text) => (PROVEN, text),
            Verdict::Refuted(text) => (REFUTED, text),
            Verdict::Unproven(text) => (UNPROVEN, text),
        };
        Ok(verdicts.into_iter().map(told).collect())
    }
}
