//! Models of the real libraries against what those libraries computed.

mod formats;
mod hostile;
