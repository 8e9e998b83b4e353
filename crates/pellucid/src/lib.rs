//! Makes models see-through.
//!
//! # Cookbook
//!
//! Explain a saved model, row by row, and check that nothing is left over:
//!
//! ```
//! use pellucid::data::OutputId;
//! use pellucid::explain::shapley::{Method, plan, tree_shap};
//! use pellucid::explain::Control;
//! use pellucid::models::trees::{FeatureMatrix, import};
//!
//! // Any XGBoost JSON or UBJSON, LightGBM text, CatBoost JSON, skops or ONNX; here a tree of two leaves.
//! let saved = br#"{"learner": {
//!   "learner_model_param": {"base_score": "0E0", "num_feature": "1"},
//!   "objective": {"name": "reg:squarederror"},
//!   "gradient_booster": {"name": "gbtree", "model": {"tree_info": [0], "trees": [{
//!     "left_children": [1, -1, -1], "right_children": [2, -1, -1], "split_indices": [0, 0, 0],
//!     "split_conditions": [5E-1, -1E0, 3E0], "default_left": [1, 0, 0], "sum_hessian": [4, 1, 3]}]}}}}"#;
//! let model = import::import(saved)?;
//!
//! let rows = FeatureMatrix::new(vec![vec![0.0, 1.0, f64::NAN]], 3, model.cast).ok_or("columns differ in length")?;
//! let plan = plan(&model, Method::Auto, rows.n_rows())?;
//! let found = tree_shap(&model, &plan, &rows, &Control::quiet())?;
//!
//! assert_eq!(found.base(OutputId(0)), 2.0); // a quarter of -1 and three quarters of 3
//! assert!((found.values(1, OutputId(0))[0] - 1.0).abs() < 1e-15);
//! assert!(found.worst_residual() < 1e-15);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use pellucid_data as data;
pub use pellucid_explain as explain;
pub use pellucid_learn as learn;
pub use pellucid_models as models;
pub use pellucid_views as views;

pub mod cohort;
#[cfg(feature = "transformer")]
pub mod example_circuit;
pub mod feed;
#[cfg(feature = "files")]
pub mod files;
pub mod good_sets;
pub mod laid;
#[cfg(feature = "transformer")]
pub mod looked;
pub mod partners;
#[cfg(feature = "transformer")]
pub mod patched;
pub mod saved;
#[cfg(feature = "transformer")]
pub mod told;
pub mod trees_shown;
