//! A transformer as Python holds it: read once, run often, with one engine call for each thing that is asked.
//!
//! What users type is checked in `pellucid/transformer.py` and by the engine. Activations are handed over where they lie: NumPy takes
//! the memory, and nothing is copied.

mod kept;
mod logits;
mod patch;
mod prompts;
mod run;

use std::path::PathBuf;

use numpy::ndarray::{ArrayD, IxDyn, ShapeError};
use numpy::{Element, IntoPyArray, PyArrayDyn};
use pellucid::explain::inside::experiment::format::hooks;
use pellucid::explain::inside::{Cut, embed};
use pellucid::files::{TransformerError, load_tokenizer, load_transformer};
use pellucid::models::transformer::{Hook, Processing, Token, Tokens, Transformer as Model};
use pellucid::told::{self, ids};
use pellucid::views::View;
use pellucid::views::render::svg;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::calls::{run, threads};
use crate::errors::Failure;
use prompts::{Asked, Sweep, Texts};

/// A transformer with its tokenizer.
#[pyclass(frozen, module = "pellucid._native")]
pub(crate) struct Transformer {
    model: Model,
    tokens: Tokens,
}

/// A picture that was made ready, and is drawn when somebody looks.
#[pyclass(frozen, module = "pellucid._native")]
pub(crate) struct Drawing(Box<dyn View + Send + Sync>);

#[pymethods]
impl Drawing {
    /// The picture as SVG, so many pixels wide.
    fn svg(&self, py: Python<'_>, width: f64) -> PyResult<String> {
        run(py, |_| Ok(svg::file(&self.0.scene(width))))
    }

    /// What the picture says, as one sentence.
    #[getter]
    fn sentence(&self) -> String {
        self.0.sentence()
    }
}

impl Drawing {
    fn of(view: impl View + Send + Sync + 'static) -> Self {
        Self(Box::new(view))
    }
}

#[pymethods]
impl Transformer {
    /// Reads a folder as Hugging Face keeps it, or a GGUF file; `process` names what is done to the weights.
    #[staticmethod]
    fn load(
        py: Python<'_>,
        path: PathBuf,
        tokenizer: Option<PathBuf>,
        process: Vec<String>,
    ) -> PyResult<Self> {
        run(py, |_| {
            let model = load_transformer(&path)?;
            let asked = Processing::of(process.iter().map(String::as_str), &model)
                .map_err(|cause| Failure::usage(format!("process: {cause}")))?;
            let model = if asked == Processing::default() {
                model
            } else {
                let wrong = |cause| TransformerError::Processing { path: path.clone(), cause };
                model.processed(asked).map_err(wrong)?
            };
            let tokens = load_tokenizer(&model, &path, tokenizer.as_deref())?;
            Ok(Self { model, tokens })
        })
    }

    /// What it is made of, under the names of `pellucid lens info --json`.
    #[getter]
    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (spec, origin) = (&self.model.spec, &self.model.origin);
        let info = PyDict::new(py);
        info.set_item("name", origin.name.as_deref())?;
        info.set_item("family", spec.family.name())?;
        info.set_item("format", origin.format)?;
        info.set_item("dtype", origin.usual())?;
        info.set_item("compute", "f32")?;
        info.set_item("layers", spec.n_layers)?;
        info.set_item("d_model", spec.d_model)?;
        info.set_item("heads", spec.n_heads)?;
        info.set_item("kv_heads", spec.n_kv_heads)?;
        info.set_item("d_head", spec.d_head)?;
        info.set_item("d_mlp", spec.d_mlp)?;
        info.set_item("vocabulary", spec.d_vocab)?;
        info.set_item("context", spec.n_ctx)?;
        info.set_item("parameters", self.model.weights.n_numbers())?;
        info.set_item("bytes", self.model.weights.n_bytes())?;
        info.set_item("causal", spec.is_decoder)?;
        info.set_item("gated_mlp", spec.is_gated)?;
        let processing = PyDict::new(py);
        for (step, is_done) in self.model.processing.named() {
            processing.set_item(step, is_done)?;
        }
        info.set_item("processing", processing)?;
        Ok(info)
    }

    /// Every place that can be looked at, in the order of the forward pass.
    #[getter]
    fn sites(&self) -> Vec<String> {
        self.model.spec.hooks().iter().map(ToString::to_string).collect()
    }

    /// The places that a name means, whatever its spelling: one, or one a block.
    fn named(&self, name: &str) -> PyResult<Vec<String>> {
        Ok(self.hooks(name)?.iter().map(ToString::to_string).collect())
    }

    /// The tokens of a text: number, text, first byte, last byte.
    fn tokens(&self, text: &str) -> PyResult<Vec<Piece>> {
        Ok(pieces(&self.of_text("the text", text)?))
    }

    /// Runs a text: its tokens, activations by site, and what it answers.
    #[pyo3(signature = (text, *, capture, positions, top, threads))]
    fn run<'py>(
        &self,
        py: Python<'py>,
        text: &str,
        capture: Vec<String>,
        positions: Option<Vec<i64>>,
        top: usize,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let threads = self::threads(threads)?;
        let seen = run(py, |interrupt| {
            run::seen(self, text, &capture, (positions.as_deref(), top), &interrupt.control(threads))
        })?;
        seen.told(py)
    }

    /// Vectors of texts: of texts, of windows, and of each window its text, its bytes and its tokens.
    #[pyo3(signature = (texts, *, clauses, window_tokens, threads))]
    fn embed<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<String>,
        clauses: bool,
        window_tokens: usize,
        threads: Option<usize>,
    ) -> PyResult<(Floats<'py>, Floats<'py>, Vec<Window>)> {
        let threads = self::threads(threads)?;
        let found = run(py, |interrupt| {
            let cut = if clauses { Cut::Clauses } else { Cut::Texts };
            let all: Vec<&str> = texts.iter().map(String::as_str).collect();
            let control = interrupt.control(threads);
            Ok(embed(&self.model, &self.tokens, &all, (cut, window_tokens), &control)?)
        })?;
        let windows = found.windows.iter();
        let windows = windows.map(|one| (one.text, one.bytes.start, one.bytes.end, one.n_tokens)).collect();
        let n = found.windows.len();
        Ok((
            array(py, vec![texts.len(), found.width], found.of_texts)?,
            array(py, vec![n, found.width], found.of_windows)?,
            windows,
        ))
    }

    /// What the model would say after every block, and which parts write a logit; with a picture of each.
    #[pyo3(signature = (text, *, answer, wrong, position, top, neurons, threads))]
    #[expect(clippy::too_many_arguments, reason = "arguments of Python's, by name")]
    fn logits<'py>(
        &self,
        py: Python<'py>,
        text: &str,
        answer: Option<String>,
        wrong: Option<String>,
        position: i64,
        top: usize,
        neurons: usize,
        threads: Option<usize>,
    ) -> PyResult<(Bound<'py, PyDict>, Drawing, Drawing)> {
        let threads = self::threads(threads)?;
        let asked = logits::Asked {
            text,
            answer: answer.as_deref(),
            wrong: wrong.as_deref(),
            position,
            top,
            neurons,
        };
        let found = run(py, |interrupt| logits::found(self, &asked, &interrupt.control(threads)))?;
        Ok((found.told(py, self)?, Drawing::of(found.lens(self)), Drawing::of(found.parts(self))))
    }

    /// Of every head how much of its attention goes where heads that have names look; with a picture of their patterns.
    #[pyo3(signature = (text, *, threads))]
    fn heads<'py>(
        &self,
        py: Python<'py>,
        text: &str,
        threads: Option<usize>,
    ) -> PyResult<(Bound<'py, PyDict>, Drawing)> {
        let threads = self::threads(threads)?;
        let found = run(py, |interrupt| run::heads(self, text, &interrupt.control(threads)))?;
        Ok((found.told(py, self)?, Drawing::of(found.view(self))))
    }

    /// Puts other values into prompts' runs, place by place; with a picture. `alone` tells whether the prompt stands in the call by
    /// itself, where whatever has no part in the metric is a mistake.
    #[pyo3(signature = (prompts, *, alone, sweep, verify, threads))]
    fn patch<'py>(
        &self,
        py: Python<'py>,
        prompts: Vec<Texts>,
        alone: bool,
        sweep: Sweep,
        verify: f64,
        threads: Option<usize>,
    ) -> PyResult<(Bound<'py, PyDict>, Drawing)> {
        let threads = self::threads(threads)?;
        let (asked, found) = run(py, |interrupt| {
            let asked = Asked::of(self, &prompts, alone, &sweep)?;
            let found = patch::found(self, &asked, verify, &interrupt.control(threads))?;
            Ok((asked, found))
        })?;
        Ok((patch::told(py, self, &asked, &found)?, Drawing::of(asked.sweep(self).grid(&found).0)))
    }

    /// What that would cost.
    #[pyo3(signature = (prompts, *, alone, sweep, threads))]
    fn plan<'py>(
        &self,
        py: Python<'py>,
        prompts: Vec<Texts>,
        alone: bool,
        sweep: Sweep,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let threads = self::threads(threads)?;
        let costs = run(py, |interrupt| {
            let asked = Asked::of(self, &prompts, alone, &sweep)?;
            patch::costs(self, &asked, interrupt, threads)
        })?;
        costs.told(py)
    }
}

impl Transformer {
    fn hooks(&self, name: &str) -> Result<Vec<Hook>, Failure> {
        let found = hooks(name, &self.model.spec).map_err(|cause| Failure::Said("SiteError", cause))?;
        for hook in &found {
            self.model.spec.check(*hook)?;
        }
        Ok(found)
    }

    /// The tokens of a text that can be run.
    fn of_text(&self, what: &str, text: &str) -> Result<Vec<Token>, Failure> {
        let wrong = |cause: &dyn std::fmt::Display| Failure::Said("PromptError", format!("{what}: {cause}"));
        let found = self.tokens.of(text).map_err(|cause| wrong(&cause))?;
        self.model.spec.check_tokens(&ids(&found)).map_err(|cause| wrong(&cause))?;
        Ok(found)
    }

    /// The one token that a text is.
    fn one(&self, what: &str, text: &str) -> Result<u32, Failure> {
        let wrong = |cause| Failure::Said("PromptError", format!("{what}: {cause}"));
        self.tokens.one(text).map_err(wrong)
    }
}

/// A token for Python.
type Piece = (u32, String, usize, usize);

/// A window of a text for Python: which text, first byte, last byte, tokens.
type Window = (usize, usize, usize, usize);

/// An array of activations.
type Floats<'py> = Bound<'py, PyArrayDyn<f32>>;

fn pieces(tokens: &[Token]) -> Vec<Piece> {
    tokens.iter().map(|token| (token.id, token.text.clone(), token.bytes.start, token.bytes.end)).collect()
}

/// A position of a prompt, counted from the end where negative.
fn position(number: i64, n_tokens: usize) -> Result<usize, Failure> {
    told::position(number, n_tokens).ok_or_else(|| {
        Failure::Said(
            "PromptError",
            format!("there is no position {number} in a prompt of {n_tokens} tokens"),
        )
    })
}

/// Whether so many bytes of activations fit, before they are made.
fn check_memory(needed: usize, advice: &str) -> Result<(), Failure> {
    match pellucid_cli::memory_left() {
        Some(most) if needed > most => Err(Failure::Said(
            "LimitError",
            format!(
                "this holds {} MB of activations at once, and {} MB may be used; {advice}",
                needed.div_ceil(1_000_000),
                most / 1_000_000
            ),
        )),
        _ => Ok(()),
    }
}

/// Numbers as NumPy holds them: the same memory, with a shape.
fn array<'py, T: Element>(
    py: Python<'py>,
    shape: Vec<usize>,
    numbers: Vec<T>,
) -> PyResult<Bound<'py, PyArrayDyn<T>>> {
    Ok(ArrayD::from_shape_vec(IxDyn(&shape), numbers).map_err(bug)?.into_pyarray(py))
}

/// Numbers that have not the shape that they should.
fn bug(cause: ShapeError) -> Failure {
    Failure::Said("BugError", format!("this is a bug in Pellucid: {cause}"))
}
