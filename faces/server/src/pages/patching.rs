//! What in the model carries the difference between two prompts?

use std::sync::Arc;

use crate::address::Address;
use crate::failure::{Code, Failure};
use crate::workbench::{Answer, Workbench};

pub(super) fn page(_workbench: &Workbench) -> Option<(&'static str, Vec<(&'static str, String)>)> {
    None
}

pub(super) fn answer(_workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    Err(Failure::new(Code::NotFound, format!("nothing stands at {}", address.path())))
}

pub(super) fn frozen(_workbench: &Arc<Workbench>) -> Result<Vec<Address>, Failure> {
    Ok(Vec::new())
}
