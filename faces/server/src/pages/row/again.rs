//! How is it done again in a terminal, and in Python?

use pellucid::models::trees::{FeatureKind, UnseenLevel};

use crate::opened::Thing;
use crate::pages::{in_python, in_shell, named};
use crate::paired::Paired;
use crate::workbench::Spelled;

use super::asked::Cell;

/// What is shown of a row.
pub(super) struct Told<'a> {
    pub(super) thing: &'a Thing,
    pub(super) table: &'a Thing,
    pub(super) paired: &'a Paired,
    pub(super) row: &'a [f64],
    pub(super) number: usize,
    pub(super) output: usize,
    pub(super) is_changed: bool,
    /// How the table is read.
    pub(super) reading: Spelled,
}

impl Told<'_> {
    fn cells(&self) -> impl Iterator<Item = (&str, String)> {
        let names = self.paired.model.features.iter().map(|feature| feature.name.as_str());
        names.enumerate().map(|(at, name)| (name, Cell::of(self.paired, at).raw(self.row[at])))
    }

    /// Whether the changed row can't be written down: of hashed categories the texts are not known.
    fn is_unspoken(&self) -> bool {
        let by_hash =
            |kind: &FeatureKind| matches!(kind, FeatureKind::Level { unseen: UnseenLevel::ByHash, .. });
        self.is_changed && self.paired.model.features.iter().any(|feature| by_hash(&feature.kind))
    }

    /// What command and Python do not say.
    pub(super) fn note(&self) -> Option<String> {
        self.is_unspoken().then(|| {
            "the command and the Python show the row as it stands in the data: the model knows categories by their hashes only, which can't be written as values".to_owned()
        })
    }

    /// A command that draws the waterfall. Changed values come through standard input.
    pub(super) fn command(&self) -> String {
        let (model, data) = (named(&self.thing.source).0, named(&self.table.source).0);
        let class = if self.paired.model.base.len() > 1 {
            format!(" --class {}", self.output)
        } else {
            String::new()
        };
        let background =
            if self.paired.has_background() { format!(" --background {data}") } else { String::new() };
        let rest = format!("{background}{class} --plot waterfall -o waterfall.svg");
        if !self.is_changed || self.is_unspoken() {
            return format!(
                "pellucid explain {model} {data} --row {}{}{rest}",
                self.number, self.reading.words
            );
        }
        let csv = |texts: Vec<String>| texts.iter().map(|text| in_csv(text)).collect::<Vec<_>>().join(",");
        let names = csv(self.cells().map(|(name, _)| name.to_owned()).collect());
        let values = csv(self.cells().map(|(_, value)| value).collect());
        format!(
            "printf '%s\\n' {} {} | pellucid explain {model} - --row 0{rest}",
            in_shell(&names),
            in_shell(&values)
        )
    }

    /// The same in Python.
    pub(super) fn python(&self) -> String {
        let (model, data) = (named(&self.thing.source).1, named(&self.table.source).1);
        let background = if self.paired.has_background() { format!(", {data}") } else { String::new() };
        let plot = if self.paired.model.base.len() > 1 {
            format!("explanation.plot.waterfall(output={})", self.output)
        } else {
            "explanation.plot.waterfall()".to_owned()
        };
        if !self.is_changed || self.is_unspoken() {
            return format!(
                "import pellucid as pel\n\nexplanation = pel.TreeExplainer({model}{background}{})({data})[{}]\n{plot}\n",
                self.reading.python, self.number
            );
        }
        let of = |(at, (name, value)): (usize, (&str, String))| {
            let is_text = !Cell::of(self.paired, at).levels().is_empty();
            let value = match (value.parse::<f64>(), is_text) {
                _ if value.is_empty() && is_text => "None".to_owned(),
                (_, true) => in_python(&value),
                (Ok(x), _) if x.is_finite() => value,
                // `float("inf")`, `float("-inf")`, and `float("nan")` for a missing one.
                (Ok(x), _) => format!("float(\"{x}\")").to_lowercase(),
                (Err(_), _) => "float(\"nan\")".to_owned(),
            };
            format!("    {}: [{value}],\n", in_python(name))
        };
        let cells: String = self.cells().enumerate().map(of).collect();
        format!(
            "import pandas as pd\nimport pellucid as pel\n\nrow = pd.DataFrame({{\n{cells}}})\nexplanation = pel.TreeExplainer({model}{background})(row)\n{plot}\n"
        )
    }
}

/// A cell of a CSV.
fn in_csv(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) || text.trim() != text {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
