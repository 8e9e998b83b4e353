//! What was opened, and which pages have something to show?

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::address::Address;
use crate::failure::Failure;
use crate::workbench::{Answer, Workbench};

pub(super) fn answer(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    address.only(&[])?;
    let things: Vec<Value> = workbench.things.iter().map(crate::Thing::told).collect();
    let pages = super::pages(workbench).into_iter().map(|(page, parameters)| {
        let parameters: Map<String, Value> =
            parameters.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        json!({"page": page, "params": parameters})
    });
    Ok(Answer::Ready(json!({
        "schema": "pellucid.workbench.session/1", "version": env!("CARGO_PKG_VERSION"), "things": things, "pages": pages.collect::<Vec<_>>(),
        "notes": workbench.notes,
    })))
}
