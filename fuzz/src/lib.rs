//! What is a model asked, that some damage made? Everything that a face would ask of it at once.

use std::sync::LazyLock;

use pellucid_data::{Control, FeatureId};
use pellucid_explain::inside::experiment::format::ExperimentFile;
use pellucid_models::trees::import::import;
use pellucid_models::trees::FeatureMatrix;
use pellucid_models::transformer::forward::{self, Wanted};
use pellucid_models::transformer::tap::Untouched;
use pellucid_models::transformer::{Transformer, from_gguf, from_hugging_face};
use pellucid_models::{Predict, Scale};

/// Imports a model; one that is read is walked, and predicts a row of missing values and one of zeros.
pub fn import_and_ask(bytes: &[u8]) {
    let Ok(model) = import(bytes) else { return };
    let n_outputs = model.base.len();
    assert_eq!(model.margin(|_| f64::NAN).len(), n_outputs);
    let columns = model.features.iter().map(|_| vec![f64::NAN, 0.0]).collect();
    if let Some(rows) = FeatureMatrix::new(columns, 2, model.cast) {
        assert_eq!(model.predict(&rows, Scale::Margin).len(), 2 * n_outputs);
        assert!(!model.predict(&rows, Scale::Prediction).is_empty());
        assert!(model.features_in_use().iter().all(|feature: &FeatureId| feature.index() < model.features.len()));
    }
}

/// Reads a transformer; one that is read runs a prompt. Bytes are a GGUF file, or a `config.json` and safetensors with a zero between.
pub fn transformer_and_ask(bytes: &[u8]) {
    let model = if bytes.starts_with(b"GGUF") {
        from_gguf(bytes)
    } else {
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        from_hugging_face(&bytes[..end], vec![bytes.get(end + 1..).unwrap_or_default()])
    };
    let Ok(model) = model else { return };
    let tokens = vec![0; model.spec.n_ctx.min(3)];
    let found = forward::run(&model, &[&tokens], Wanted::Last, &mut Untouched).unwrap();
    assert_eq!(found.answers.len(), 1);
}

/// A model of two blocks.
static TINY: LazyLock<Transformer> = LazyLock::new(|| {
    let config = include_bytes!("../../fixtures/transformers-5.24.0/llama/config.json");
    let weights = include_bytes!("../../fixtures/transformers-5.24.0/llama/model.safetensors");
    from_hugging_face(config, vec![weights]).unwrap()
});

/// Reads an experiment, plans it, and runs it with a megabyte of memory.
pub fn experiment_and_run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let json = || serde_json::from_str::<ExperimentFile>(text).ok();
    let Some(file) = toml::from_str::<ExperimentFile>(text).ok().or_else(json) else { return };
    let Ok(asked) = file.resolved(&TINY.spec, None) else { return };
    let _ = asked.plan(&TINY, 1_000_000, &Control::quiet());
    if let Ok(found) = asked.run(&TINY, 1_000_000, 1.0, &Control::quiet()) {
        assert!(found.sweeps.iter().all(|sweep| sweep.patched.verified.worst == 0.0));
    }
}
