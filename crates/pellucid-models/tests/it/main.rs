//! Models of the real libraries against what those libraries computed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that can't go on fails")]

#[cfg(feature = "transformer")]
mod compiled;
mod formats;
mod hostile;
#[cfg(feature = "transformer")]
mod real_weights;
#[cfg(feature = "transformer")]
mod transformer;
