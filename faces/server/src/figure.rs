//! How does a picture reach a page? As SVG for wide and for narrow places, with its sentence and its table.

use pellucid::views::View;
use pellucid::views::render::svg;
use serde_json::{Value, json};

/// Widths that pictures are drawn for, in pixels.
const WIDE: f64 = 720.0;
const NARROW: f64 = 380.0;

/// A picture as pages take it; `name` is what it is called in files.
pub(crate) fn figure(name: &str, view: &dyn View) -> Value {
    let (names, rows) = view.table();
    json!({
        "name": name, "sentence": view.sentence(), "wide": svg::element(&view.scene(WIDE)), "narrow": svg::element(&view.scene(NARROW)),
        "table": {"names": names, "rows": rows},
    })
}
