//! `pellucid inspect MODEL --tree N`: one tree of a model, and the way of a row through it.

use std::path::Path;

use pellucid::files::{FileError, map, open_table};
use pellucid::models::trees::import::import;
use pellucid::models::trees::{Ensemble, FeatureMatrix};
use pellucid::trees_shown::{Asked, Row, ShownError, library_margin, meant, picture, steps};
use pellucid::views::View as _;
use serde_json::{Value, json};

use super::{Context, picture as pictures, print};
use crate::args::{Inspect, Theme};
use crate::explaining::{Feed, read_options};
use crate::failure::Failure;
use crate::output::{Format, check_distinct};

/// Columns of text, where a terminal's are not known.
const COLUMNS: usize = 100;
/// Pixels across.
const WIDTH: u16 = 720;

pub(super) fn run(tree: usize, args: &Inspect, context: &Context<'_>) -> Result<u8, Failure> {
    let asked = &args.tree;
    let model = import(&map(&args.file)?);
    let model: Ensemble = model.map_err(|cause| FileError::Model { path: args.file.clone(), cause })?;
    let format =
        asked.out.as_deref().map(|path| Ok::<_, Failure>((path, picture_format(path)?))).transpose()?;
    if let Some((path, _)) = format {
        let inputs: Vec<&Path> = std::iter::once(args.file.as_path()).chain(asked.data.as_deref()).collect();
        check_distinct(path, &inputs)?;
    }
    let (model, rows) = match (asked.data.as_deref(), asked.row) {
        (Some(data), Some(row)) => {
            let reader = open_table(data, &read_options(&args.reading))?;
            let mut feed = Feed::new(model, reader, data, &asked.drop, context.console)?;
            let found = feed.rows.only(row)?;
            feed.report_unseen(context.console);
            let (_, rows) = found.ok_or_else(|| {
                let n = feed.rows.n_read();
                Failure::Usage(format!("--row {row}: {} has {n} rows, counted from 0", data.display()))
            })?;
            (feed.rows.model, Some((row, rows)))
        }
        _ => (model, None),
    };
    let values = rows.as_ref().map(|(_, rows)| values_of(rows)).unwrap_or_default();
    let row = rows.as_ref().map(|(number, _)| Row { number: *number, values: &values });
    let name = args.file.file_name().unwrap_or(args.file.as_os_str()).to_string_lossy();
    let (tree, output) = meant(&model, Some(tree), asked.class).map_err(wrong)?;
    let shown = Asked { tree, output, node: asked.node, levels: asked.depth, row };
    let drawn = picture(&model, &name, shown).map_err(wrong)?;
    let steps = row.map(|row| steps(&model, &name, output, row, Some(tree)));
    if let Some((path, format)) = format {
        pictures::write(&drawn, format, path, (WIDTH, Theme::Light))?;
        context.console.done(&format!("wrote {}", path.display()));
    }
    if context.json {
        let (names, lines) = drawn.table();
        let of_row = row.zip(steps.as_ref()).map(|(row, steps)| {
            let by_tree: Vec<Value> = steps.adds.iter().map(|(tree, adds)| json!({"tree": tree, "adds": adds})).collect();
            json!({
                "row": row.number, "base": steps.base, "margin": steps.margin, "library_margin": library_margin(&model, output, row),
                "by_tree": by_tree, "adds": drawn.row.map(|row| row.adds),
            })
        });
        return context.print_json(
            "inspect",
            json!({
                "what": "tree", "tree": tree, "output": output, "node": asked.node, "depth": asked.depth, "sentence": drawn.sentence(),
                "nodes": {"names": names, "rows": lines}, "row": of_row,
            }),
        );
    }
    if format.is_some() {
        return Ok(0);
    }
    let steps = steps.map_or(String::new(), |steps| format!("\n{}", steps.text(COLUMNS)));
    print(&(drawn.text(COLUMNS) + &steps))
}

fn values_of(rows: &FeatureMatrix) -> Vec<f64> {
    rows.columns().iter().filter_map(|column| column.first().copied()).collect()
}

fn picture_format(path: &Path) -> Result<Format, Failure> {
    match Format::of(path)? {
        format @ (Format::Svg | Format::Png) => Ok(format),
        _ => Err(Failure::Usage(format!("`{}`: a tree is drawn as .svg or .png", path.display()))),
    }
}

fn wrong(error: ShownError) -> Failure {
    if error == ShownError::NoTrees {
        Failure::Input(error.to_string())
    } else {
        Failure::Usage(error.to_string())
    }
}
