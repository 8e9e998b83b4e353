//! How are a run's edits made? At every site in the order of the pass: edits first, then what edges carry, then what is kept.

use std::collections::BTreeMap;

use pellucid_models::transformer::node::{Receiver, Sender};
use pellucid_models::transformer::tap::{Array, Tap, View};
use pellucid_models::transformer::{Capture, Hook, Site, Spec};

use super::super::edges::{add, read, rows_of, written};
use super::{Op, Selection, word};

/// An edit with the numbers that it puts in.
pub(super) struct ReadyEdit {
    pub(super) at: Hook,
    pub(super) selection: Selection,
    pub(super) op: Op,
    /// Values of the whole site, or of the places that are meant along the last axis.
    pub(super) values: Values,
    /// Rows that were touched.
    pub(super) rows: usize,
    /// Numbers that became others.
    pub(super) changed: usize,
}

/// Numbers that are put in.
pub(super) enum Values {
    None,
    One(f32),
    Along(Vec<f32>),
    Whole(Array<f32>),
}

/// An edge with what its sender writes instead.
pub(super) struct ReadyEdge {
    pub(super) from: Sender,
    pub(super) to: Receiver,
    pub(super) rows: Vec<f32>,
    /// Rows that were touched.
    pub(super) touched: usize,
}

/// The tap of one run.
pub(super) struct RunTap<'r> {
    pub(super) spec: &'r Spec,
    pub(super) edits: Vec<ReadyEdit>,
    pub(super) edges: Vec<ReadyEdge>,
    /// What senders wrote in this run, edits included.
    pub(super) live: BTreeMap<Sender, Vec<f32>>,
    pub(super) kept: Capture<f32>,
}

impl Tap<f32> for RunTap<'_> {
    fn wants(&self, hook: Hook) -> bool {
        self.edits.iter().any(|edit| edit.at == hook)
            || self.edges.iter().any(|edge| written(edge.from) == hook || read(edge.to, self.spec) == hook)
            || self.kept.wants(hook)
    }

    fn touch(&mut self, hook: Hook, view: View<'_, f32>) {
        let View { prompt, first, shape, data } = view;
        for edit in self.edits.iter_mut().filter(|edit| edit.at == hook) {
            edit.apply(&shape, data);
        }
        for edge in self.edges.iter().filter(|edge| written(edge.from) == hook) {
            let seen = Array { shape: shape.clone(), data: data.to_vec() };
            self.live.insert(edge.from, rows_of(edge.from, &seen));
        }
        // What the logits read is no site of its own: what is kept of the stream is what the last block wrote.
        let is_last = hook == read(Receiver::Logits, self.spec);
        if is_last && self.kept.wants(hook) {
            self.kept.touch(hook, View { prompt, first, shape: shape.clone(), data });
        }
        for edge in self.edges.iter_mut().filter(|edge| read(edge.to, self.spec) == hook) {
            let Some(live) = self.live.get(&edge.from) else { continue };
            let delta: Vec<f32> = edge.rows.iter().zip(live).map(|(theirs, ours)| theirs - ours).collect();
            edge.touched += add(edge.to, &delta, View { prompt, first, shape: shape.clone(), data });
        }
        if !is_last && self.kept.wants(hook) {
            self.kept.touch(hook, View { prompt, first, shape, data });
        }
    }
}

impl ReadyEdit {
    fn apply(&mut self, shape: &[usize], data: &mut [f32]) {
        let axes = self.at.site.axes();
        let chosen = |axis: usize| -> Vec<usize> {
            let places = match word(axes[axis]) {
                "position" => &self.selection.positions,
                "source" => &self.selection.sources,
                "head" => &self.selection.heads,
                _ => &self.selection.units,
            };
            places.clone().unwrap_or_else(|| (0..shape[axis]).collect())
        };
        let all: Vec<Vec<usize>> = (0..axes.len()).map(chosen).collect();
        let rows_axis = usize::from(matches!(self.at.site, Site::Scores | Site::Pattern));
        let (n_rows, along) = (all[rows_axis].len(), all[axes.len() - 1].len());
        let n: usize = all.iter().map(Vec::len).product();
        for at in 0..n {
            // The place, axis by axis, the last one fastest.
            let (mut left, mut place, mut stride) = (at, 0, 1);
            for axis in (0..axes.len()).rev() {
                place += all[axis][left % all[axis].len()] * stride;
                left /= all[axis].len();
                stride *= shape[axis];
            }
            let value = match &self.values {
                Values::None => 0.0,
                Values::One(value) => *value,
                Values::Along(values) => values[at % along],
                Values::Whole(array) => array.data[place],
            };
            let x = &mut data[place];
            let before = x.to_bits();
            // What may not be seen stays unseen.
            if *x == f32::NEG_INFINITY {
                continue;
            }
            match self.op {
                Op::Set(_) => *x = value,
                Op::Add(_, factor) => *x += factor * value,
                Op::Scale(factor) => *x *= factor,
            }
            self.changed += usize::from(x.to_bits() != before);
        }
        self.rows += if n == 0 { 0 } else { n_rows };
    }
}
