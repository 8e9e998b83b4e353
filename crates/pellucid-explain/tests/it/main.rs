//! Explanations against the contributions that the libraries themselves compute.

mod libraries;
