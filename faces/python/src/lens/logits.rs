//! What would the model say after every block, and which parts write the answer's logit? For `pellucid.Transformer.logits`.

use pellucid::data::Control;
use pellucid::explain::inside::{Attribution, LogitLens, Metric, Reading, attribute, logit_lens};
use pellucid::looked;
use pellucid::models::transformer::{Machine, Token};
use pellucid::views::contributions::Contributions;
use pellucid::views::lens_table::LensTable;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{Transformer, array, ids, pieces, position};
use crate::errors::Failure;

/// What is asked.
pub(super) struct Asked<'a> {
    pub(super) text: &'a str,
    /// The token that is followed; without, what the model says.
    pub(super) answer: Option<&'a str>,
    pub(super) wrong: Option<&'a str>,
    pub(super) position: i64,
    /// Tokens of each reading.
    pub(super) top: usize,
    pub(super) neurons: usize,
}

/// What was found.
pub(super) struct Found {
    tokens: Vec<Token>,
    followed: Option<String>,
    answer: u32,
    wrong: Option<u32>,
    position: usize,
    top: usize,
    lens: LogitLens,
    shares: Attribution,
}

/// Bars that are drawn.
const BARS: usize = 16;

pub(super) fn found(of: &Transformer, asked: &Asked<'_>, control: &Control<'_>) -> Result<Found, Failure> {
    let tokens = of.of_text("the text", asked.text)?;
    let one = |key, text: Option<&str>| text.map(|text| of.one(key, text)).transpose();
    let (followed, wrong) = (one("answer", asked.answer)?, one("wrong", asked.wrong)?);
    if wrong.is_some() && followed.is_none() {
        return Err(Failure::usage("wrong is taken away from an answer; give that, too"));
    }
    if wrong.is_some() && followed == wrong {
        return Err(Failure::usage("answer and wrong are the same token"));
    }
    let position = position(asked.position, tokens.len())?;
    let prompt = ids(&tokens);
    // One reading at least says what comes next.
    let top = asked.top.max(1);
    let lens = logit_lens(&of.model, &prompt, followed, top, control)?;
    let says = lens.readings.last().and_then(|row| row.get(position)).and_then(|one| one.top.first());
    let answer = followed.or(says.map(|(token, _)| *token)).unwrap_or_default();
    let metric = match wrong {
        Some(wrong) => Metric::LogitDifference([answer, wrong]),
        None => Metric::Logit([answer]),
    };
    let shares = attribute(&of.model, &prompt, metric, position, asked.neurons, Machine::of(control))?;
    let followed = asked.answer.map(str::to_owned);
    Ok(Found { tokens, followed, answer, wrong, position, top, lens, shares })
}

impl Found {
    fn all(&self) -> impl Iterator<Item = &Reading> {
        self.lens.readings.iter().flatten()
    }

    pub(super) fn told<'py>(&self, py: Python<'py>, of: &Transformer) -> PyResult<Bound<'py, PyDict>> {
        let [n_layers, n] = [self.lens.readings.len(), self.tokens.len()];
        let n_top = self.all().map(|one| one.top.len()).min().unwrap_or(0).min(self.top);
        let tops = || self.all().flat_map(|one| &one.top[..n_top]);
        let told = PyDict::new(py);
        told.set_item("tokens", pieces(&self.tokens))?;
        told.set_item("ids", array(py, vec![n_layers, n, n_top], tops().map(|top| top.0).collect())?)?;
        told.set_item("texts", tops().map(|top| of.tokens.text(top.0)).collect::<Vec<_>>())?;
        let probabilities = tops().map(|top| top.1).collect();
        told.set_item("probabilities", array(py, vec![n_layers, n, n_top], probabilities)?)?;
        let followed: Option<Vec<(f64, usize)>> = self.all().map(|one| one.followed).collect();
        if let Some(followed) = followed {
            let (shares, ranks): (Vec<f64>, Vec<i64>) =
                followed.iter().map(|(p, rank)| (*p, *rank as i64)).unzip();
            told.set_item("followed", array(py, vec![n_layers, n], shares)?)?;
            told.set_item("ranks", array(py, vec![n_layers, n], ranks)?)?;
        }
        told.set_item("lens_residual", self.lens.worst)?;
        told.set_item("answer", of.tokens.text(self.answer))?;
        told.set_item("wrong", self.wrong.map(|wrong| of.tokens.text(wrong)))?;
        told.set_item("position", self.position)?;
        told.set_item("value", self.shares.metric)?;
        told.set_item("residual", self.shares.residual)?;
        let parts = self.shares.parts.iter();
        told.set_item("parts", parts.clone().map(|(part, _)| part.to_string()).collect::<Vec<_>>())?;
        told.set_item("shares", array(py, vec![parts.len()], parts.map(|(_, value)| *value).collect())?)?;
        let neurons = self.shares.neurons.iter().map(|one| (one.layer, one.neuron, one.value));
        told.set_item("neurons", neurons.collect::<Vec<_>>())?;
        Ok(told)
    }

    pub(super) fn lens(&self, of: &Transformer) -> LensTable {
        looked::lens(&of.model, &of.tokens, &self.tokens, &self.lens, self.followed.as_deref())
    }

    pub(super) fn parts(&self, of: &Transformer) -> Contributions {
        let what = looked::measured(&of.tokens, self.answer, self.wrong);
        looked::parts(what, (self.tokens.as_slice(), self.position), &self.shares, BARS)
    }
}
