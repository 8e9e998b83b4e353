//! How do answers reach a browser? Over HTTP on a socket of this machine, and nobody else's.

pub(crate) mod assets;
mod events;
mod guard;
mod posted;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::address::Address;
use crate::failure::{Code, Failure};
use crate::workbench::{Answer, Workbench};

pub use guard::Guard;

/// Bytes of a request's body, at most: an address with a note.
const MOST_BODY: usize = 64 << 10;

/// A socket that is bound and not served yet.
pub struct Bound {
    listener: std::net::TcpListener,
    /// Where it is.
    pub address: SocketAddr,
}

/// Binds a socket.
///
/// # Errors
/// When it is taken, or not this machine's.
pub fn bind(host: IpAddr, port: u16) -> std::io::Result<Bound> {
    let listener = std::net::TcpListener::bind((host, port))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok(Bound { listener, address })
}

/// Serves until `stop` is done, or a signal asks for the end; running jobs are cancelled then.
///
/// # Errors
/// When the socket fails.
pub fn serve(workbench: Arc<Workbench>, bound: Bound, guard: Guard) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let jobs = Arc::clone(&workbench.jobs);
    runtime.block_on(async move {
        let listener = TcpListener::from_std(bound.listener)?;
        let served = axum::serve(listener, router(workbench, guard));
        tokio::select! {
            served = async { served.await } => served,
            () = interrupted() => Ok(()),
        }
    })?;
    jobs.cancel_all();
    runtime.shutdown_background();
    Ok(())
}

/// Ctrl-C, or a polite kill.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Everything that is served.
pub fn router(workbench: Arc<Workbench>, guard: Guard) -> Router {
    Router::new()
        .route("/api/jobs/{id}", get(job))
        .route("/api/jobs/{id}/events", get(events::events))
        .route("/api/jobs/{id}/cancel", post(cancel))
        .route("/api/jobs/cancel", post(posted::cancel_all))
        .route("/api/runs/keep", post(posted::keep))
        .route("/api/runs/annotate", post(posted::annotate))
        .route("/api/{*rest}", get(answer))
        .fallback(assets::asset)
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .layer(middleware::from_fn_with_state(Arc::new(guard), guard::guarded))
        .with_state(workbench)
}

async fn answer(State(workbench): State<Arc<Workbench>>, request: Request) -> Response {
    let (path, query) = (request.uri().path().to_owned(), request.uri().query().unwrap_or("").to_owned());
    let work = move || Address::parse(&path, &query).and_then(|address| workbench.answer(&address));
    // Work on rows must not keep other requests waiting, nor take them down with it.
    answered(work).await
}

/// The answer of work that is done where it keeps no other request waiting.
async fn answered(work: impl FnOnce() -> Result<Answer, Failure> + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(Answer::Ready(value))) => told(StatusCode::OK, &value),
        Ok(Ok(Answer::Working(job))) => told(StatusCode::ACCEPTED, &json!({"job": job.told().1})),
        Ok(Err(failure)) => failed(&failure),
        Err(_) => {
            failed(&Failure::new(Code::Bug, "a bug: this answer ended in a panic; please report its address"))
        }
    }
}

async fn job(State(workbench): State<Arc<Workbench>>, Path(id): Path<String>) -> Response {
    match workbench.jobs.find(&id) {
        Ok(job) => told(StatusCode::OK, &json!({"job": job.told().1})),
        Err(failure) => failed(&failure),
    }
}

async fn cancel(State(workbench): State<Arc<Workbench>>, Path(id): Path<String>) -> Response {
    match workbench.jobs.find(&id) {
        Ok(job) => {
            job.cancel();
            told(StatusCode::OK, &json!({"job": job.told().1}))
        }
        Err(failure) => failed(&failure),
    }
}

fn told(status: StatusCode, value: &Value) -> Response {
    let json = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, json)], Body::from(value.to_string())).into_response()
}

fn failed(failure: &Failure) -> Response {
    let status = StatusCode::from_u16(failure.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    told(status, &failure.to_json())
}
