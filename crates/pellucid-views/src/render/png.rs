//! A scene as pixels, with the embedded font, so that it looks the same everywhere.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use super::scene::Scene;
use super::svg;
use crate::theme::Mode;

/// A picture could not be drawn; what the drawing library said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PngError(String);

impl std::fmt::Display for PngError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the picture could not be drawn as PNG: {}", self.0)
    }
}

impl std::error::Error for PngError {}

/// The bytes of a PNG, `zoom` pixels for each pixel of the scene.
///
/// # Errors
/// When the picture is too large for memory.
pub fn file(scene: &Scene, mode: Mode, zoom: f32) -> Result<Vec<u8>, PngError> {
    let error = |what: &dyn std::fmt::Display| PngError(what.to_string());
    let tree = Tree::from_str(&svg::outlined(scene, mode), &Options::default()).map_err(|e| error(&e))?;
    let (width, height) = (scene.width as f32 * zoom, scene.height as f32 * zoom);
    let mut pixels = Pixmap::new(width.ceil() as u32, height.ceil() as u32)
        .ok_or_else(|| error(&format!("{width} × {height} pixels")))?;
    resvg::render(&tree, Transform::from_scale(zoom, zoom), &mut pixels.as_mut());
    pixels.encode_png().map_err(|e| error(&e))
}
