//! Explanations against the contributions that the libraries themselves compute.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that can't go on fails")]

#[cfg(feature = "transformer")]
mod circuits;
#[cfg(feature = "transformer")]
mod inside;
#[cfg(feature = "transformer")]
mod known_circuits;
mod libraries;
mod methods;
mod peers;
#[cfg(feature = "transformer")]
mod real_weights;
#[cfg(feature = "transformer")]
mod stopping;
