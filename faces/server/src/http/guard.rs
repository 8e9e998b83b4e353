//! Who may ask? Pages of this server, on this machine; from elsewhere only with the token.
//!
//! A page of another site that runs in the same browser can send requests here, and a name that is rebound to this machine makes them look like
//! its own. The first is told by `Origin` and `Sec-Fetch-Site`, the second by `Host`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::failure::{Code, Failure};

/// The name of the cookie that holds the token.
const COOKIE: &str = "pellucid_token";

/// What pages may load: their own files, and nothing of others.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
    connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Who may ask.
#[derive(Debug, Clone)]
pub struct Guard {
    port: u16,
    host: IpAddr,
    token: Option<[u8; 32]>,
}

impl Guard {
    /// Of a bound address; where that is not of this machine alone, a token is needed.
    ///
    /// # Errors
    /// Without a token where one is needed, and with one too short to be none that is guessed.
    pub fn of(address: SocketAddr, token: Option<&str>) -> Result<Self, Failure> {
        if token.is_none() && !address.ip().is_loopback() {
            return Err(Failure::usage(format!(
                "{} is seen by other machines, and who asks from there needs a token: set PELLUCID_TOKEN, or leave --host out",
                address.ip()
            )));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
        if token.is_some_and(|token| token.len() < 16 || !token.chars().all(plain)) {
            return Err(Failure::usage(
                "PELLUCID_TOKEN: a token has at least 16 letters, so that nobody guesses it, and only letters, digits, -, _, . and ~, so that a cookie \
                 holds it",
            ));
        }
        let token = token.map(|token| Sha256::digest(token.as_bytes()).into());
        Ok(Self { port: address.port(), host: address.ip(), token })
    }

    /// Whether a request names this server: by an address or by `localhost`, so that no name can be rebound to it.
    fn is_named(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            _ => (host, Some(80)),
        };
        if port != Some(self.port) {
            return false;
        }
        let literal = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        match literal {
            Some(address) => address.is_loopback() || !self.host.is_loopback(),
            // With a token, whatever name people gave their machine: a rebound one has no cookie.
            None => {
                name.eq_ignore_ascii_case("localhost") || self.token.is_some() && !self.host.is_loopback()
            }
        }
    }

    fn check(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Failure> {
        let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
        let forbidden = |message: String| Failure::new(Code::Forbidden, message);
        let host = text(header::HOST).unwrap_or("");
        let is_twice = |name: &str| headers.get_all(name).iter().nth(1).is_some();
        if ["host", "origin", "sec-fetch-site"].iter().any(|name| is_twice(name)) {
            return Err(forbidden("a header that says where the request comes from stands twice".to_owned()));
        }
        if !self.is_named(host) {
            return Err(forbidden(format!("`{host}` is not this server; open it by its address")));
        }
        let is_own =
            |origin: &str| origin.strip_prefix("http://").is_some_and(|own| own.eq_ignore_ascii_case(host));
        if let Some(origin) = text(header::ORIGIN).filter(|origin| !is_own(origin)) {
            return Err(forbidden(format!("a page of `{origin}` may not ask here")));
        }
        let says = |name: &str, word: &str| {
            headers.get(name).is_some_and(|value| value.as_bytes() == word.as_bytes())
        };
        let is_link = method == Method::GET
            && path == "/"
            && says("sec-fetch-mode", "navigate")
            && says("sec-fetch-dest", "document");
        // Browsers say where a request comes from; `none` is the address bar.
        match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
            None | Some(b"same-origin" | b"none") => {}
            // Whoever follows a link from another page sees this one; that page sees nothing of it.
            Some(_) if is_link => {}
            Some(_) => return Err(forbidden("a page of another site may not ask here".to_owned())),
        }
        let is_reading = method == Method::GET || method == Method::HEAD;
        if !is_reading
            && text(header::ORIGIN).is_none()
            && headers.get("sec-fetch-site").is_none()
            && self.token.is_none()
        {
            // Programs may read; what changes something says where it comes from.
            return Err(forbidden("this request needs an `Origin`".to_owned()));
        }
        Ok(())
    }

    /// Whether a text is the token; takes as long whatever it is.
    fn is_token(&self, text: &str) -> bool {
        let Some(token) = &self.token else { return true };
        let given: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        token.iter().zip(given).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        if self.token.is_none() {
            return true;
        }
        let texts = |name| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let bearer = texts(header::AUTHORIZATION).filter_map(|value| value.strip_prefix("Bearer "));
        let cookies = texts(header::COOKIE).flat_map(|value| value.split(';'));
        let cookies = cookies.filter_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='));
        bearer.chain(cookies).any(|text| self.is_token(text))
    }
}

/// Lets a request pass, or says why not; adds what browsers should obey.
pub(super) async fn guarded(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = match guard.check(request.method(), request.uri().path(), request.headers()) {
        Err(failure) => super::failed(&failure),
        Ok(()) => match entering(&guard, &request) {
            Some(redirect) => redirect,
            None if guard.has_token(request.headers()) => next.run(request).await,
            None => unauthorized(),
        },
    };
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// `/?token=...` becomes a cookie, so that the token does not stay in the address.
fn entering(guard: &Guard, request: &Request) -> Option<Response> {
    guard.token.as_ref()?;
    let query = request.uri().query().filter(|_| request.uri().path() == "/")?;
    let (_, token) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "token")?;
    if !guard.is_token(&token) {
        return Some(unauthorized());
    }
    let cookie =
        HeaderValue::from_str(&format!("{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/")).ok()?;
    let headers = [(header::SET_COOKIE, cookie), (header::LOCATION, HeaderValue::from_static("/"))];
    Some((StatusCode::SEE_OTHER, headers, Body::empty()).into_response())
}

fn unauthorized() -> Response {
    let text = "{\"error\":{\"code\":\"unauthorized\",\"message\":\"this server needs its token: open its address with ?token=TOKEN once, or send \
        `Authorization: Bearer TOKEN`\"}}";
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
    ];
    (StatusCode::UNAUTHORIZED, headers, text).into_response()
}
