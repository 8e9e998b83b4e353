//! What do the trees of a model look like, and which way does a row go?

mod list;
mod told;

use std::sync::Arc;

use pellucid::models::trees::Ensemble;
use pellucid::trees_shown::{Asked, FeatureUse, LEVELS, Row, ShownError, meant, picture, steps, uses};
use pellucid::views::View as _;
use pellucid::views::number::count;
use pellucid::views::tree::TreePicture;
use serde_json::{Value, json};

use list::List;
use told::Told;

use super::global::finite;
use super::outputs;
use crate::address::Address;
use crate::cohort::among;
use crate::failure::{Code, Failure};
use crate::figure::figure;
use crate::memo::Found;
use crate::opened::Thing;
use crate::paired::Paired;
use crate::workbench::{Answer, Workbench};

/// Trees in an export.
const FROZEN: usize = 5;

fn model_of(workbench: &Workbench) -> Option<(&Thing, &Arc<Ensemble>)> {
    let models = workbench.things().iter().filter_map(|thing| Some((thing, thing.model()?)));
    models.into_iter().find(|(_, model)| !model.trees.is_empty())
}

pub(super) fn page(workbench: &Workbench) -> Option<(&'static str, Vec<(&'static str, String)>)> {
    let (model, _) = model_of(workbench)?;
    let table = workbench.table(&Address::of("", &[])).ok();
    let table = table.map(|table| ("data", table.id.clone()));
    Some(("trees", std::iter::once(("model", model.id.clone())).chain(table).collect()))
}

/// Whose fault it is that a tree can't be shown.
fn unshown(error: ShownError) -> Failure {
    let code = match error {
        ShownError::NoTrees => Code::Input,
        ShownError::NoTree { .. } | ShownError::NoNode { .. } | ShownError::NoOutput { .. } => Code::NotFound,
        _ => Code::Usage,
    };
    Failure::new(code, error.to_string())
}

/// The rows of the address's table, if it names one that fits the model; else why not.
fn followed(
    workbench: &Arc<Workbench>,
    address: &Address,
) -> Result<Result<Found<Paired>, Option<String>>, Failure> {
    let row = address.number::<usize>("row")?;
    if address.one("data")?.is_none() {
        if let Some(one) = address.all("where").next() {
            return Err(Failure::usage(format!("where={one}: of which table? Say data= too")));
        }
        return match row {
            Some(row) => Err(Failure::usage(format!("row={row}: of which table? Say data= too"))),
            None => Ok(Err(None)),
        };
    }
    let table = workbench.table(address)?;
    match workbench.paired(address) {
        Ok(found) => Ok(Ok(found)),
        // Trees can be looked at without rows; who asks for a row is told why there is none.
        Err(failure) if row.is_none() && failure.code == Code::Input => {
            Ok(Err(Some(format!("no row of {} is followed: {}", table.title, failure.message))))
        }
        Err(failure) => Err(failure),
    }
}

pub(super) fn answer(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    address.only(&["model", "data", "tree", "row", "output", "depth", "node", "by", "from", "where"])?;
    let (thing, ensemble) = workbench.model(address)?;
    if ensemble.trees.is_empty() {
        return Err(Failure::input(format!("{}: {}", thing.title, ShownError::NoTrees)));
    }
    let (found, note) = match followed(workbench, address)? {
        Ok(Found::Working(job)) => return Ok(Answer::Working(job)),
        Ok(Found::Ready(paired)) => (Some(paired), None),
        Err(note) => (None, note),
    };
    let paired = found.as_deref();
    let number = address.number::<usize>("row")?.unwrap_or(0);
    let values = paired.map(|paired| paired.row(number)).transpose()?;
    let among = match paired.map(|paired| among(workbench, address, (number, paired.rows.n_rows()))) {
        None => Arc::default(),
        Some(found) => match found? {
            Found::Ready(among) => among,
            Found::Working(job) => return Ok(Answer::Working(job)),
        },
    };
    let row = values.as_deref().map(|values| Row { number, values });
    let model = paired.map_or(ensemble.as_ref(), |paired| &paired.model);
    let (tree, output) = meant(model, address.number("tree")?, address.number("output")?).map_err(unshown)?;
    let levels = address.number("depth")?.unwrap_or(LEVELS);
    let node = address.number("node")?.unwrap_or(0);
    let drawn = picture(model, &thing.title, Asked { tree, output, node, levels, row }).map_err(unshown)?;
    let steps = row.map(|row| steps(model, &thing.title, output, row, Some(tree)));
    let list = List::read(address, model, output, steps.as_ref())?;
    let mut words = vec![drawn.sentence()];
    words.extend(steps.as_ref().map(|steps| steps.sentence()));
    let mut notes = paired.map(|paired| paired.notes.clone()).unwrap_or_default();
    notes.extend(note);
    notes.extend(notes_of(model));
    let own: Vec<usize> = list.all.iter().map(|entry| entry.0).collect();
    let place = own.iter().position(|&at| at == tree).unwrap_or(0);
    let beside = |at: Option<usize>| at.and_then(|at| own.get(at)).copied();
    let use_of = |own: &FeatureUse| json!({"name": own.name, "splits": own.splits, "trees": own.trees, "first": own.first, "met": own.met.map(finite)});
    let told = Told { workbench, address, thing, model, tree, output, node, levels, row };
    Ok(Answer::Ready(json!({
        "schema": "pellucid.workbench.trees/1", "model": thing.id, "data": paired.and(address.one("data")?), "row": row.map(|row| row.number),
        "n_rows": paired.map(|paired| paired.rows.n_rows()), "among": *among, "outputs": outputs(model), "output": output, "unit": model.link.margin_unit(),
        "tree": tree, "first_tree": own.first(), "before": beside(place.checked_sub(1)), "after": beside(Some(place + 1)),
        "n_trees": model.trees.len(), "n_of_output": own.len(), "depth": levels, "node": node, "title": drawn.title(), "words": words,
        "picture": figure("tree", &drawn), "nodes": nodes(&drawn), "trail": told.trail(), "way": told.way(&drawn),
        "steps": steps.as_ref().map(|steps| figure("steps", steps)), "sum": told.sum(steps.as_ref()),
        "trees": list.told(model, output), "by": list.by, "from": list.from, "uses": uses(model, output).iter().map(use_of).collect::<Vec<_>>(),
        "has_covers": model.has_covers, "command": told.command()?, "python": Value::Null, "notes": notes,
    })))
}

/// What is to be known of such models.
fn notes_of(model: &Ensemble) -> Vec<String> {
    let mut notes = Vec::new();
    if model.average_over > 1 {
        notes.push(format!(
            "the library divides this sum by {} before it predicts: the model is the mean of its trees",
            count(model.average_over as usize)
        ));
    }
    if model.linear.is_some() {
        notes.push(
            "the model has slopes times features beside its trees; they are added to the base".to_owned(),
        );
    }
    notes.push(
        "gains of the training are not told: most files keep none, and those that do mean different things"
            .to_owned(),
    );
    notes
}

/// How nodes hang together, for keys.
fn nodes(drawn: &TreePicture) -> Vec<Value> {
    let of = |node: &pellucid::views::tree::TreeNode| {
        let parent = node.branch.and_then(|branch| drawn.nodes.get(branch.from)).map(|parent| parent.id);
        json!({"id": node.id, "parent": parent, "words": drawn.words(node), "hidden": node.hidden()})
    };
    drawn.nodes.iter().map(of).collect()
}

pub(super) fn frozen(workbench: &Arc<Workbench>) -> Result<Vec<Address>, Failure> {
    let Some(first) = super::beginning("/api/trees", page(workbench)) else { return Ok(Vec::new()) };
    let answer = crate::export::waited(workbench, &first)?;
    let trees = answer["trees"].as_array().into_iter().flatten().filter_map(|tree| tree["tree"].as_u64());
    let others = trees.skip(1).take(FROZEN - 1).map(|tree| first.with("tree", tree.to_string()));
    let others: Vec<Address> = others.collect();
    Ok(std::iter::once(first).chain(others).collect())
}
