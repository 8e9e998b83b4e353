//! Which picture was asked for? The views' own, as SVG for notebooks.

use pellucid::models::trees::Ensemble;
use pellucid::views::render::svg;
use pellucid::views::{
    Sample, Subject, View, bar, beeswarm, cohorts, decision, force, heatmap, scatter, waterfall,
};

use crate::errors::Failure;

/// What `.plot.NAME(...)` was called with.
pub(crate) struct Asked<'a> {
    pub(crate) kind: &'a str,
    pub(crate) output: usize,
    pub(crate) feature: Option<&'a str>,
    /// Features that are drawn.
    pub(crate) top: usize,
    /// In pixels.
    pub(crate) width: f64,
}

impl Asked<'_> {
    pub(crate) fn svg(&self, seen: Option<&(Ensemble, Sample)>) -> Result<String, Failure> {
        let (model, sample) =
            seen.ok_or_else(|| Failure::usage("interactions have no picture of this kind"))?;
        let k = model.base.len();
        if self.output >= k {
            return Err(Failure::usage(format!(
                "output {}: the model has {k} outputs, counted from 0",
                self.output
            )));
        }
        let subject = sample.subject(model, self.output);
        let view = self.view(&subject)?;
        Ok(svg::file(&view.scene(self.width)))
    }

    fn view(&self, subject: &Subject) -> Result<Box<dyn View>, Failure> {
        let top = self.top;
        Ok(match self.kind {
            "bar" => Box::new(bar::bar(subject, top)),
            "beeswarm" => Box::new(beeswarm::beeswarm(subject, top)),
            "waterfall" => Box::new(waterfall::waterfall(subject, 0, top)),
            "force" => Box::new(force::force(subject, 0)),
            "decision" => Box::new(decision::decision(subject, top)),
            "heatmap" => Box::new(heatmap::heatmap(subject, top)),
            "scatter" => Box::new(scatter::scatter(subject, self.feature(subject)?)),
            "cohorts" => Box::new(cohorts::cohorts(subject, self.feature(subject)?, top)),
            other => return Err(Failure::usage(format!("there is no picture `{other}`"))),
        })
    }

    /// The feature that was named, or the one that moves the model most.
    fn feature(&self, subject: &Subject) -> Result<usize, Failure> {
        match self.feature {
            Some(name) => subject.feature(name).map(|id| id.index()).ok_or_else(|| {
                let names = subject.features.iter().map(|feature| feature.name.as_str());
                let near = pellucid::data::closest(name, names);
                let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                Failure::Missing(vec![name.to_owned()], format!("the model has no feature `{name}`{hint}"))
            }),
            None => subject.by_importance().first().copied().ok_or_else(|| {
                Failure::usage("no feature moves this model; there is nothing to draw by its values")
            }),
        }
    }
}
