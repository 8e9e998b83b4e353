//! What may be changed from a page? Runs are added to and annotated in a store that was opened, and all work is stopped. Nothing else.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{MOST_BODY, answered, failed, told};
use crate::failure::{Code, Failure};
use crate::runs::keep;
use crate::workbench::{Answer, Workbench};

type Body = Result<Bytes, BytesRejection>;

pub(super) async fn keep(
    State(workbench): State<Arc<Workbench>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    done(headers, body, move |asked| keep::keep(&workbench, asked)).await
}

pub(super) async fn annotate(
    State(workbench): State<Arc<Workbench>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    done(headers, body, move |asked| keep::annotate(&workbench, asked).map(Answer::Ready)).await
}

pub(super) async fn cancel_all(State(workbench): State<Arc<Workbench>>) -> Response {
    let stopped =
        workbench.jobs.all().iter().filter(|job| !job.is_over_within(std::time::Duration::ZERO)).count();
    workbench.jobs.cancel_all();
    told(StatusCode::OK, &json!({"schema": "pellucid.workbench.stopped/1", "stopped": stopped}))
}

/// Reads what is asked, and does it where it keeps no other request waiting.
async fn done<T: DeserializeOwned + Send + 'static>(
    headers: HeaderMap,
    body: Body,
    work: impl FnOnce(T) -> Result<Answer, Failure> + Send + 'static,
) -> Response {
    let asked = match read(&headers, body) {
        Ok(asked) => asked,
        Err(failure) => return failed(&failure),
    };
    answered(move || work(asked)).await
}

fn read<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Failure> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    if !kind.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/json") {
        return Err(Failure::usage("the body is JSON, and says so: `Content-Type: application/json`"));
    }
    let body = body.map_err(|rejected| match rejected.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Failure::new(Code::Limit, format!("the body has more than {MOST_BODY} bytes"))
        }
        _ => Failure::usage("the body ended too early"),
    })?;
    // First as any JSON: a field that stands twice, or a list for an object, is told in its own words then.
    let value: Value = serde_json::from_slice(&body)
        .map_err(|cause| Failure::usage(format!("the body is no JSON: {cause}")))?;
    if !value.is_object() {
        return Err(Failure::usage("the body is no JSON object"));
    }
    serde_json::from_slice(&body).map_err(|cause| Failure::usage(format!("the body: {cause}")))
}
