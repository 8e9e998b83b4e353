//! What are places of a transformer, in words?

use pellucid::explain::inside::{By, Patching};
use pellucid::models::transformer::{Axis, Site, Spec};
use serde_json::{Value, json};

/// What most people look at comes first.
const FIRST: [Site; 9] = [
    Site::ResidPre,
    Site::ResidMid,
    Site::AttnOut,
    Site::MlpOut,
    Site::Mixed,
    Site::Query,
    Site::Key,
    Site::Value,
    Site::Pattern,
];

/// All that a cell may stand for.
pub(super) const BYS: [By; 4] = [By::Layer, By::LayerPosition, By::LayerHead, By::LayerPositionHead];

/// What stands at a site of a block.
pub(super) fn words(site: Site) -> &'static str {
    match site {
        Site::ResidPre => "the residual stream before the block",
        Site::ResidMid => "the residual stream after attention",
        Site::ResidPost => "the residual stream after the block",
        Site::NormalizedResidPost => "the residual stream after the block's last norm",
        Site::AttnIn => "what heads read, before the norm",
        Site::QueryInput => "what queries read, before the norm",
        Site::KeyInput => "what keys read, before the norm",
        Site::ValueInput => "what values read, before the norm",
        Site::Ln1Scale => "the deviation of the norm before attention",
        Site::Ln1Normalized => "the norm before attention, without its weights",
        Site::Query => "queries of heads",
        Site::Key => "keys of heads",
        Site::Value => "values of heads",
        Site::RotQuery => "queries of heads, turned by position",
        Site::RotKey => "keys of heads, turned by position",
        Site::Scores => "scores of attention, before the softmax",
        Site::Pattern => "where heads look: the attention pattern",
        Site::Mixed => "what heads gather: values mixed by the pattern",
        Site::Result => "what each head writes",
        Site::AttnOut => "what attention writes",
        Site::MlpIn => "what the MLP reads, before the norm",
        Site::Ln2Scale => "the deviation of the norm before the MLP",
        Site::Ln2Normalized => "the norm before the MLP, without its weights",
        Site::MlpPre => "neurons before their activation",
        Site::MlpPreLinear => "what the gate is multiplied with",
        Site::MlpPost => "neurons after their activation",
        Site::MlpOut => "what the MLP writes",
        _ => "outside of blocks",
    }
}

/// What cells of a site may stand for in a model.
fn bys(site: Site, spec: &Spec) -> Vec<By> {
    BYS.into_iter().filter(|&by| Patching { site, by }.check(spec).is_ok()).collect()
}

/// All that can be chosen; zeros can't stand where something is divided by them.
pub(super) fn all(spec: &Spec, is_zero: bool) -> Vec<Site> {
    let rest = Site::ALL.iter().copied().filter(|site| !FIRST.contains(site));
    let is_there = |site: &Site| {
        site.is_in_blocks()
            && !bys(*site, spec).is_empty()
            && !(is_zero && site.axes().ends_with(&[Axis::One]))
    };
    FIRST.into_iter().chain(rest).filter(is_there).collect()
}

/// The same for pages.
pub(super) fn told(spec: &Spec, is_zero: bool) -> Vec<Value> {
    let of = |site: Site| {
        let bys: Vec<String> = bys(site, spec).iter().map(By::to_string).collect();
        json!({"site": site.short(), "words": words(site), "by": bys, "usual": pellucid::patched::usual(site).to_string()})
    };
    all(spec, is_zero).into_iter().map(of).collect()
}
