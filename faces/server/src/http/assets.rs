//! What are the pages made of? Three files inside the program, the colors, and the font that pictures are measured with.

use std::borrow::Cow;
use std::fmt::Write as _;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use pellucid::views::render::css;
use sha2::{Digest, Sha256};

use crate::failure::{Code, Failure};

/// The page, its program and its layout, as `npm run build` writes them.
pub(crate) const PAGE: &str = include_str!("../../../workbench/dist/index.html");
pub(crate) const CODE: &str = include_str!("../../../workbench/dist/app.js");
pub(crate) const STYLE: &str = include_str!("../../../workbench/dist/app.css");

/// Colors and fonts of pages beside which the files of fonts lie.
pub(crate) fn theme() -> String {
    css::theme() + &css::fonts(|weight, _| format!("./{}", font_file(weight)))
}

/// What the file of a weight is called.
pub(crate) fn font_file(weight: u16) -> String {
    format!("inter-{weight}.otf")
}

/// The bytes of a font by its file's name.
fn font(path: &str) -> Option<&'static [u8]> {
    css::faces()
        .into_iter()
        .find(|(weight, _)| path == format!("/{}", font_file(*weight)))
        .map(|found| found.1)
}

pub(super) async fn asset(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let (kind, bytes): (_, Cow<'static, [u8]>) = match uri.path() {
        "/" | "/index.html" => ("text/html; charset=utf-8", PAGE.as_bytes().into()),
        "/app.js" => ("text/javascript; charset=utf-8", CODE.as_bytes().into()),
        "/app.css" => ("text/css; charset=utf-8", STYLE.as_bytes().into()),
        "/theme.css" => ("text/css; charset=utf-8", theme().into_bytes().into()),
        path => match font(path) {
            Some(bytes) => ("font/otf", bytes.into()),
            None => {
                let text = format!("nothing stands at {path}");
                return super::failed(&Failure::new(Code::NotFound, text));
            }
        },
    };
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let hash = Sha256::digest(&bytes).iter().take(8).fold(String::new(), |mut all, byte| {
        // Writing to a string can't fail.
        let _ = write!(all, "{byte:02x}");
        all
    });
    let tag = format!("\"{hash}\"");
    let same = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let tag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""));
    let own = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::ETAG, tag),
        // Asked each time, so that a new version of the program is seen at once.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    if same { (StatusCode::NOT_MODIFIED, own).into_response() } else { (own, bytes).into_response() }
}
