//! How is it done again in a terminal, and in Python?

use crate::opened::Thing;
use crate::pages::{in_python, in_shell, named};
use crate::paired::Paired;

use super::asked::Cell;

/// What is shown of a row.
pub(super) struct Told<'a> {
    pub(super) thing: &'a Thing,
    pub(super) table: &'a Thing,
    pub(super) paired: &'a Paired,
    pub(super) row: &'a [f64],
    pub(super) number: usize,
    pub(super) is_changed: bool,
}

impl Told<'_> {
    fn cells(&self) -> impl Iterator<Item = (&str, String)> {
        let names = self.paired.model.features.iter().map(|feature| feature.name.as_str());
        names.enumerate().map(|(at, name)| (name, Cell::of(self.paired, at).raw(self.row[at])))
    }

    /// A command that draws the waterfall. Changed values come through standard input.
    pub(super) fn command(&self) -> String {
        let (model, data) = (named(&self.thing.source).0, named(&self.table.source).0);
        if !self.is_changed {
            return format!(
                "pellucid explain {model} {data} --row {} --plot waterfall -o waterfall.svg",
                self.number
            );
        }
        let csv = |texts: Vec<String>| texts.iter().map(|text| in_csv(text)).collect::<Vec<_>>().join(",");
        let names = csv(self.cells().map(|(name, _)| name.to_owned()).collect());
        let values = csv(self.cells().map(|(_, value)| value).collect());
        format!(
            "printf '%s\\n' {} {} | pellucid explain {model} - --row 0 --plot waterfall -o waterfall.svg",
            in_shell(&names),
            in_shell(&values)
        )
    }

    /// The same in Python.
    pub(super) fn python(&self) -> String {
        let (model, data) = (named(&self.thing.source).1, named(&self.table.source).1);
        let rows = if self.is_changed {
            let of = |(at, (name, value)): (usize, (&str, String))| {
                let is_text = !Cell::of(self.paired, at).levels().is_empty();
                let value = match (value.is_empty(), is_text) {
                    (true, true) => "None".to_owned(),
                    (true, false) => "float(\"nan\")".to_owned(),
                    (false, true) => in_python(&value),
                    (false, false) => value,
                };
                format!("    {}: [{value}],\n", in_python(name))
            };
            let cells: String = self.cells().enumerate().map(of).collect();
            format!("({{\n{cells}}})")
        } else {
            format!("({data})[{}]", self.number)
        };
        format!(
            "import pellucid as pel\n\nexplanation = pel.TreeExplainer({model}){rows}\nexplanation.plot.waterfall()\n"
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
