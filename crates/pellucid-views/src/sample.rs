//! Which rows are drawn? All of them at first; past a limit every second one, chosen by its number and not by its place, so
//! that no order of the data shows through.

use pellucid_data::{FeatureId, OutputId};
use pellucid_explain::shapley::Interactions;
use pellucid_explain::{Attributions, Kind, Space};
use pellucid_models::trees::{Ensemble, Feature, FeatureKind, FeatureMatrix};

use crate::subject::{FeatureValues, Subject, Totals};

/// Rows that pictures are drawn from, at most.
const SHOWN: usize = 20_000;
/// Values that are held for pictures, at most.
const CELLS: usize = 6_000_000;

/// Explained rows that are kept for pictures, with sums over all of them.
#[derive(Debug, Clone)]
pub struct Sample {
    features: Vec<Feature>,
    /// Rows whose hash is a multiple of it are kept.
    stride: u64,
    most: usize,
    rows: Vec<usize>,
    /// Feature by feature.
    data: Vec<Vec<f64>>,
    /// Row by row: outputs × features.
    values: Vec<Vec<f64>>,
    margins: Vec<Vec<f64>>,
    base: Vec<f64>,
    totals: Vec<Totals>,
    method: String,
    kind: Kind,
    space: Space,
    /// See [`Subject::only`].
    only: Option<String>,
    /// By output: see [`Subject::partners`].
    partners: Option<Vec<Vec<Option<usize>>>>,
}

/// SplitMix64's mixing: neighbours get unrelated numbers.
fn mixed(row: usize) -> u64 {
    let mut z = (row as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Rows that pictures are drawn from, of so many features and outputs, at most.
fn most(n_features: usize, k: usize) -> usize {
    (CELLS / (n_features * (k + 1)).max(1)).clamp(100, SHOWN)
}

/// Which rows a sample keeps in the end, where it is known beforehand how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    stride: u64,
}

impl Chosen {
    /// Of so many rows, of so many features and outputs.
    #[must_use]
    pub fn of(n_rows: usize, n_features: usize, k: usize) -> Self {
        let most = most(n_features, k);
        // Nearly half of what will be needed: fewer rows than that are never kept, and there may be billions to count.
        let mut chosen = Self { stride: (n_rows / most / 4).max(1).next_power_of_two() as u64 };
        while (0..n_rows).filter(|&row| chosen.has(row)).count() > most {
            chosen.stride *= 2;
        }
        chosen
    }

    /// Whether a row is kept.
    #[must_use]
    pub fn has(self, row: usize) -> bool {
        mixed(row).is_multiple_of(self.stride)
    }
}

impl Sample {
    /// An empty sample.
    #[must_use]
    pub fn new(model: &Ensemble) -> Self {
        Self::of(model.features.clone(), model.base.len())
    }

    /// An empty sample of values of these features, for so many outputs.
    #[must_use]
    pub fn of(features: Vec<Feature>, k: usize) -> Self {
        let n_features = features.len();
        Self {
            features,
            stride: 1,
            most: most(n_features, k),
            rows: Vec::new(),
            data: vec![Vec::new(); n_features],
            values: Vec::new(),
            margins: Vec::new(),
            base: Vec::new(),
            totals: vec![Totals::default(); k],
            method: String::new(),
            kind: Kind::Shapley,
            space: Space::Margin,
            only: None,
            partners: None,
        }
    }

    /// Says in words which rows of the data are taken, where it is not all.
    #[must_use]
    pub fn of_rows(self, only: Option<String>) -> Self {
        Self { only, ..self }
    }

    /// Takes explained rows in; `first` is the number of the first of them in the data.
    pub fn add(&mut self, first: usize, rows: &FeatureMatrix, found: &Attributions) {
        self.add_numbered(|row| first + row, rows, found);
    }

    /// Takes explained rows in that do not follow one another in the data: `number` says which each of them is there.
    pub fn add_numbered(
        &mut self,
        number: impl Fn(usize) -> usize,
        rows: &FeatureMatrix,
        found: &Attributions,
    ) {
        let outputs = || (0..found.n_outputs()).map(OutputId::at);
        if self.base.is_empty() {
            self.base = outputs().map(|output| found.base(output)).collect();
            self.method = found.described();
            self.kind = found.kind();
            self.space = found.space();
        }
        outputs().zip(&mut self.totals).for_each(|(output, totals)| totals.add(found, output));
        for row in 0..found.n_rows() {
            let own = number(row);
            if !mixed(own).is_multiple_of(self.stride) {
                continue;
            }
            if self.rows.len() == self.most {
                self.halve();
                if !mixed(own).is_multiple_of(self.stride) {
                    continue;
                }
            }
            self.rows.push(own);
            self.data.iter_mut().zip(rows.columns()).for_each(|(kept, column)| kept.push(column[row]));
            self.values.push(outputs().flat_map(|output| found.values(row, output).to_vec()).collect());
            self.margins.push(found.margins(row).to_vec());
        }
    }

    /// Up to `n` of the rows that are kept, evenly spread over them; `None` without rows.
    #[must_use]
    pub fn matrix(&self, model: &Ensemble, n: usize) -> Option<FeatureMatrix> {
        let stride = self.rows.len().div_ceil(n.max(1)).max(1);
        let columns: Vec<Vec<f64>> =
            self.data.iter().map(|column| column.iter().copied().step_by(stride).collect()).collect();
        FeatureMatrix::new(columns, self.rows.len().div_ceil(stride), model.cast)
    }

    /// Takes in which features act together, as exact interactions of some rows say.
    pub fn set_partners(&mut self, model: &Ensemble, found: &Interactions) {
        let n = model.features.len();
        let strength = |output, one, other| -> f64 {
            (0..found.values().n_rows()).map(|row| found.at(row, output, one, other).abs()).sum()
        };
        let partner = |output: OutputId, one: usize| {
            let numbers =
                (0..n).filter(|&other| other != one && model.features[other].kind == FeatureKind::Number);
            let all =
                numbers.map(|other| (other, strength(output, FeatureId::at(one), FeatureId::at(other))));
            let best = all.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
            best.filter(|best| best.1 > 0.0).map(|best| best.0)
        };
        let of_output = |output| (0..n).map(|one| partner(output, one)).collect();
        self.partners = Some((0..model.base.len()).map(OutputId::at).map(of_output).collect());
    }

    /// Which rows are kept, by number in the data.
    #[must_use]
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    fn halve(&mut self) {
        self.stride *= 2;
        let stays: Vec<bool> = self.rows.iter().map(|&row| mixed(row).is_multiple_of(self.stride)).collect();
        fn keep<T>(all: &mut Vec<T>, stays: &[bool]) {
            let mut stays = stays.iter();
            all.retain(|_| stays.next().copied().unwrap_or(false));
        }
        keep(&mut self.rows, &stays);
        self.data.iter_mut().for_each(|column| keep(column, &stays));
        keep(&mut self.values, &stays);
        keep(&mut self.margins, &stays);
    }

    /// Expected margins, one an output; empty before any row.
    #[must_use]
    pub fn base(&self) -> &[f64] {
        &self.base
    }

    /// Sums over all rows, one an output.
    #[must_use]
    pub fn totals(&self) -> &[Totals] {
        &self.totals
    }

    /// The explanation of one output, ready to be looked at.
    #[must_use]
    pub fn subject(&self, model: &Ensemble, output: usize) -> Subject {
        let (n_features, k) = (self.features.len(), model.base.len());
        let features = self.features.iter().zip(&self.data).map(|(feature, numbers)| FeatureValues {
            name: feature.name.clone(),
            numbers: numbers.clone(),
            levels: match &feature.kind {
                FeatureKind::Level { levels, .. } => Some(levels.to_vec()),
                FeatureKind::Number | FeatureKind::Code => None,
            },
        });
        let is_margin = self.space == Space::Margin;
        let probability = |margins: &[f64]| model.predictions(margins).get(output).copied();
        let values = self.values.iter().flat_map(|row| row[output * n_features..][..n_features].to_vec());
        Subject {
            model: format!("{}, {}", model.origin.library, parts(model)),
            method: self.method.clone(),
            kind: self.kind,
            unit: if is_margin { model.link.margin_unit() } else { "probability" }.to_owned(),
            output: (k > 1).then(|| output.to_string()),
            base: self.base.get(output).copied().unwrap_or(f64::NAN),
            features: features.collect(),
            values: values.collect(),
            margins: self.margins.iter().map(|row| row[output]).collect(),
            probabilities: (is_margin && model.link.is_probability())
                .then(|| self.margins.iter().filter_map(|row| probability(row)).collect()),
            rows: self.rows.clone(),
            totals: self.totals[output].clone(),
            only: self.only.clone(),
            partners: self.partners.as_ref().map(|partners| partners[output].clone()),
        }
    }
}

/// What a model is a sum of, for people.
#[must_use]
pub fn parts(model: &Ensemble) -> String {
    if model.linear.is_some() && model.trees.is_empty() {
        return "linear".to_owned();
    }
    format!("{} trees", crate::number::count(model.trees.len()))
}
