//! How far is a job? Told as it goes on, by server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use crate::jobs::Listener;
use crate::workbench::Workbench;

/// Time between two looks.
const PERIOD: Duration = Duration::from_millis(100);

pub(super) async fn events(State(workbench): State<Arc<Workbench>>, Path(id): Path<String>) -> Response {
    match workbench.jobs.find(&id) {
        Ok(job) => Sse::new(stream::unfold(Some((Listener::of(job), false)), next))
            .keep_alive(KeepAlive::default())
            .into_response(),
        Err(failure) => super::failed(&failure),
    }
}

/// The next event; the first at once, the last with what became of the job.
async fn next(
    state: Option<(Listener, bool)>,
) -> Option<(Result<Event, Infallible>, Option<(Listener, bool)>)> {
    let (listener, is_later) = state?;
    if is_later {
        tokio::time::sleep(PERIOD).await;
    }
    let (word, told) = listener.job.told();
    let (name, rest) = match word {
        "waiting" | "running" => ("progress", Some((listener, true))),
        over => (over, None),
    };
    Some((Ok(Event::default().event(name).data(told.to_string())), rest))
}
