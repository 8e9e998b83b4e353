//! What is being worked on?

use std::sync::Arc;

use serde_json::{Value, json};

use crate::address::Address;
use crate::failure::Failure;
use crate::workbench::{Answer, Workbench};

pub(super) fn page(workbench: &Workbench) -> Option<(&'static str, Vec<(&'static str, String)>)> {
    (!workbench.things.is_empty()).then(|| ("jobs", Vec::new()))
}

pub(super) fn answer(workbench: &Arc<Workbench>, address: &Address) -> Result<Answer, Failure> {
    address.only(&[])?;
    let jobs: Vec<(&str, Value)> = workbench.jobs.all().iter().map(|job| job.told()).collect();
    let count = |state: &str| jobs.iter().filter(|job| job.0 == state).count();
    let (running, waiting) = (count("running"), count("waiting"));
    let told: Vec<Value> = jobs
        .into_iter()
        .map(|(_, mut job)| {
            // What is known so far is for the page that asked.
            job.as_object_mut().map(|job| job.remove("detail"));
            job
        })
        .collect();
    Ok(Answer::Ready(json!({
        "schema": "pellucid.workbench.jobs/1", "jobs": told, "n_running": running, "n_waiting": waiting, "at_once": crate::jobs::AT_ONCE,
        "most_waiting": crate::jobs::MOST_WAITING, "remembered": crate::jobs::REMEMBERED,
    })))
}

pub(super) fn frozen(_workbench: &Arc<Workbench>) -> Result<Vec<Address>, Failure> {
    Ok(Vec::new())
}
