//! Which weights compute the same and are easier to read? Norms folded into what reads them, means that nothing sees taken away.
//!
//! The steps, their formulas and their order are those of TransformerLens's `process_weights` (3.9). Answers stay what they were, but
//! for what [`Processing::center_unembed`] takes from all logits of a position alike; what is seen inside does not. Sums are of 64 bits.

use super::Transformer;
use super::spec::NormKind;
use super::weights::{Linear, NormWeights, Packed};

/// What is done to the weights; nothing, unless asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Processing {
    /// Weights and biases of norms go into the matrices that read them; of layer norms the reading matrices are centred.
    pub fold_ln: bool,
    /// What writes to the residual stream has no mean, which layer norms take away anyway.
    pub center_writing_weights: bool,
    /// The unembedding has no mean over the vocabulary, which the softmax takes away anyway.
    pub center_unembed: bool,
    /// Biases of values go into that of the output: what a token attends to sums up to one.
    pub fold_value_biases: bool,
}

/// Why weights can't be processed so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessingError {
    /// A model for which the step would change the answer.
    #[error("`{step}` would change what {family} models compute: {why}")]
    Changes {
        /// The step.
        step: &'static str,
        /// The model's family.
        family: &'static str,
        /// Why.
        why: &'static str,
    },
    /// No such step.
    #[error(
        "there is no step `{name}`; steps are fold_ln, center_writing_weights, center_unembed, fold_value_biases, and all"
    )]
    Unknown {
        /// What was given.
        name: String,
    },
}

/// The steps by their names.
const STEPS: [&str; 4] = ["fold_ln", "center_writing_weights", "center_unembed", "fold_value_biases"];

impl Processing {
    /// The steps that are done, by name.
    #[must_use]
    pub fn steps(self) -> Vec<&'static str> {
        STEPS.into_iter().zip(self.flags()).filter(|(_, is_done)| *is_done).map(|(name, _)| name).collect()
    }

    /// Every step with whether it is done.
    #[must_use]
    pub fn named(self) -> [(&'static str, bool); 4] {
        let flags = self.flags();
        std::array::from_fn(|at| (STEPS[at], flags[at]))
    }

    fn flags(self) -> [bool; 4] {
        [self.fold_ln, self.center_writing_weights, self.center_unembed, self.fold_value_biases]
    }

    /// What all of these steps do together; `all` is every step that leaves the model's answers as they are.
    ///
    /// # Errors
    /// When there is no such step.
    pub fn of<'n>(
        names: impl IntoIterator<Item = &'n str>,
        model: &Transformer,
    ) -> Result<Self, ProcessingError> {
        let mut steps = Self::default();
        for name in names {
            match name.trim().replace('-', "_").as_str() {
                "fold_ln" => steps.fold_ln = true,
                "center_writing_weights" => steps.center_writing_weights = true,
                "center_unembed" => steps.center_unembed = true,
                "fold_value_biases" => steps.fold_value_biases = true,
                "all" => steps = Self::all(model),
                "none" => steps = Self::default(),
                other => return Err(ProcessingError::Unknown { name: other.to_owned() }),
            }
        }
        Ok(steps)
    }

    /// Every step that leaves a model's answers as they are.
    #[must_use]
    pub fn all(model: &Transformer) -> Self {
        let spec = &model.spec;
        Self {
            fold_ln: spec.is_decoder && spec.norm != NormKind::None,
            center_writing_weights: spec.is_decoder && spec.norm == NormKind::Layer,
            center_unembed: spec.is_decoder,
            fold_value_biases: true,
        }
    }
}

impl Transformer {
    /// The same model with other weights.
    ///
    /// # Errors
    /// When a step would change its answers.
    pub fn processed(mut self, asked: Processing) -> Result<Self, ProcessingError> {
        let family = self.spec.family.name();
        let refused = |step, why| Err(ProcessingError::Changes { step, family, why });
        if !self.spec.is_decoder {
            let why = "their norms stand after what they follow";
            if asked.fold_ln {
                return refused(STEPS[0], why);
            }
            if asked.center_writing_weights {
                return refused(STEPS[1], why);
            }
            if asked.center_unembed {
                return refused(STEPS[2], "they have no unembedding");
            }
        }
        let is_centred = self.spec.norm == NormKind::Layer;
        if asked.center_writing_weights && !is_centred {
            return refused(STEPS[1], "their norms do not take the mean away");
        }
        // A second time nothing is left to do.
        if asked.fold_ln {
            self.fold_norms(is_centred);
        }
        if asked.center_writing_weights {
            self.center_writing();
        }
        if asked.center_unembed
            && let Some(unembed) = &mut self.weights.unembed
        {
            let n = unembed.n_out();
            *unembed = minus_means(unembed, false);
            if let Some(bias) = &mut self.weights.unembed_bias {
                let mean = mean(bias.iter().copied(), n);
                bias.iter_mut().for_each(|x| *x = (f64::from(*x) - mean) as f32);
            }
        }
        if asked.fold_value_biases {
            self.fold_value_biases(asked.center_writing_weights);
        }
        let done = self.processing;
        self.processing = Processing {
            fold_ln: done.fold_ln || asked.fold_ln,
            center_writing_weights: done.center_writing_weights || asked.center_writing_weights,
            center_unembed: done.center_unembed || asked.center_unembed,
            fold_value_biases: done.fold_value_biases || asked.fold_value_biases,
        };
        Ok(self)
    }

    fn fold_norms(&mut self, is_centred: bool) {
        for block in &mut self.weights.blocks {
            for linear in [&mut block.query, &mut block.key, &mut block.value] {
                fold(linear, &block.ln1, is_centred);
            }
            for linear in [&mut block.pre].into_iter().chain(&mut block.pre_linear) {
                fold(linear, &block.ln2, is_centred);
            }
            block.ln1 = plain(&block.ln1);
            block.ln2 = plain(&block.ln2);
        }
        let weights = &mut self.weights;
        if let (Some(norm), Some(unembed)) = (&mut weights.final_norm, &mut weights.unembed) {
            let mut linear = Linear { weight: unembed.clone(), bias: weights.unembed_bias.take() };
            fold(&mut linear, norm, is_centred);
            *norm = plain(norm);
            *unembed = linear.weight;
            weights.unembed_bias = linear.bias;
        }
    }

    fn center_writing(&mut self) {
        let weights = &mut self.weights;
        weights.embed = minus_means(&weights.embed, true);
        if let Some(positions) = &mut weights.positions {
            let n = positions.n_columns;
            let mut data = positions.data.as_ref().clone();
            data.chunks_exact_mut(n).for_each(center);
            positions.data = data.into();
        }
        for block in &mut weights.blocks {
            for linear in [&mut block.output, &mut block.post] {
                linear.weight = minus_means(&linear.weight, false);
                linear.bias.iter_mut().for_each(|bias| center(bias));
            }
        }
    }

    fn fold_value_biases(&mut self, is_centred: bool) {
        let (e, shared, d) = (self.spec.d_head, self.spec.n_shared(), self.spec.d_model);
        for block in &mut self.weights.blocks {
            let Some(values) = block.value.bias.take() else { continue };
            let weight = &block.output.weight;
            let before = block.output.bias.take().unwrap_or_else(|| vec![0.0; d]);
            let folded = |(output, before): (usize, &f32)| {
                let of = |(input, weight): (usize, f32)| {
                    f64::from(values[input / e / shared * e + input % e]) * f64::from(weight)
                };
                (f64::from(*before) + weight.column(output).enumerate().map(of).sum::<f64>()) as f32
            };
            let mut bias: Vec<f32> = before.iter().enumerate().map(folded).collect();
            if is_centred {
                center(&mut bias);
            }
            block.output.bias = Some(bias);
        }
    }
}

fn mean(numbers: impl Iterator<Item = f32>, n: usize) -> f64 {
    numbers.map(f64::from).sum::<f64>() / n as f64
}

fn center(row: &mut [f32]) {
    let mean = mean(row.iter().copied(), row.len());
    row.iter_mut().for_each(|x| *x = (f64::from(*x) - mean) as f32);
}

/// A matrix without the means of each output's inputs, or of each input's outputs.
fn minus_means(matrix: &Packed, of_inputs: bool) -> Packed {
    let (n_in, n_out) = (matrix.n_in(), matrix.n_out());
    let means: Vec<f64> = if of_inputs {
        (0..n_out).map(|output| mean(matrix.column(output), n_in)).collect()
    } else {
        (0..n_in).map(|input| mean((0..n_out).map(|output| matrix.at(input, output)), n_out)).collect()
    };
    Packed::from_fn(n_in, n_out, |input, output| {
        (f64::from(matrix.at(input, output)) - means[if of_inputs { output } else { input }]) as f32
    })
}

/// A matrix that reads what a norm makes, so that the norm needs no weights.
fn fold(linear: &mut Linear, norm: &NormWeights, is_centred: bool) {
    let (n_in, n_out) = (linear.weight.n_in(), linear.weight.n_out());
    let old = &linear.weight;
    if let Some(shift) = &norm.bias {
        let before = linear.bias.take().unwrap_or_else(|| vec![0.0; n_out]);
        let folded = |(output, before): (usize, &f32)| {
            let pairs =
                old.column(output).zip(shift).map(|(weight, shift)| f64::from(weight) * f64::from(*shift));
            (f64::from(*before) + pairs.sum::<f64>()) as f32
        };
        linear.bias = Some(before.iter().enumerate().map(folded).collect());
    }
    let scaled =
        |input: usize, output: usize| f64::from(old.at(input, output)) * f64::from(norm.weight[input]);
    let means: Vec<f64> = if is_centred {
        let of = |output: usize| {
            let terms = old.column(output).zip(&norm.weight).map(|(x, by)| f64::from(x) * f64::from(*by));
            terms.sum::<f64>() / n_in as f64
        };
        (0..n_out).map(of).collect()
    } else {
        vec![0.0; n_out]
    };
    linear.weight =
        Packed::from_fn(n_in, n_out, |input, output| (scaled(input, output) - means[output]) as f32);
}

fn plain(norm: &NormWeights) -> NormWeights {
    NormWeights { weight: vec![1.0; norm.weight.len()], bias: None }
}
