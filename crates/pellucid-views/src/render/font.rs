//! How wide is a text? Measured with the embedded font before anything is placed.

use std::sync::LazyLock;

use ttf_parser::Face;

static REGULAR: &[u8] = include_bytes!("../../assets/Inter-Regular.otf");
static SEMIBOLD: &[u8] = include_bytes!("../../assets/Inter-SemiBold.otf");

/// The two faces, parsed once; `None` only if the embedded bytes are no font.
static FACES: LazyLock<Option<[Face<'static>; 2]>> =
    LazyLock::new(|| Some([Face::parse(REGULAR, 0).ok()?, Face::parse(SEMIBOLD, 0).ok()?]));

/// The faces that texts are measured with, by weight: OpenType, cut to the characters of pictures.
#[must_use]
pub fn faces() -> [(u16, &'static [u8]); 2] {
    [(400, REGULAR), (600, SEMIBOLD)]
}

fn face(bold: bool) -> Option<&'static Face<'static>> {
    FACES.as_ref().map(|faces| &faces[usize::from(bold)])
}

/// The width of a text in pixels. A little is added for readers whose system draws another font.
#[must_use]
pub fn text_width(text: &str, size: f64, bold: bool) -> f64 {
    let Some(face) = face(bold) else { return size * 0.6 * text.chars().count() as f64 };
    let advance = |c: char| face.glyph_index(c).and_then(|glyph| face.glyph_hor_advance(glyph));
    // A character that the font lacks comes from another one, and may be as wide as it is high.
    let units: f64 = text.chars().map(|c| advance(c).map_or(f64::from(face.units_per_em()), f64::from)).sum();
    units / f64::from(face.units_per_em()) * size * 1.02
}

/// A text that fits into a width: cut in the middle where it is too long.
#[must_use]
pub fn cut_middle(text: &str, width: f64, size: f64, bold: bool) -> String {
    if text_width(text, size, bold) <= width {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let mut keep = letters.len();
    while keep > 2 {
        keep -= 1;
        let (head, tail) = (keep.div_ceil(2), keep / 2);
        let cut: String =
            letters[..head].iter().chain(&['…']).chain(&letters[letters.len() - tail..]).collect();
        if text_width(&cut, size, bold) <= width {
            return cut;
        }
    }
    "…".to_owned()
}

/// The outline of a text as SVG path data, its baseline starting at a point. Characters that the font
/// lacks are drawn as its empty box.
#[cfg(feature = "png")]
pub(crate) fn outline(text: &str, x: f64, y: f64, size: f64, bold: bool) -> String {
    use std::fmt::Write as _;

    struct Pen {
        out: String,
        x: f64,
        y: f64,
        scale: f64,
    }

    impl Pen {
        fn point(&mut self, x: f32, y: f32) {
            let (x, y) = (self.x + f64::from(x) * self.scale, self.y - f64::from(y) * self.scale);
            // Writing to a string can't fail.
            let _ = write!(self.out, "{x:.2} {y:.2} ");
        }
    }

    impl ttf_parser::OutlineBuilder for Pen {
        fn move_to(&mut self, x: f32, y: f32) {
            self.out.push('M');
            self.point(x, y);
        }

        fn line_to(&mut self, x: f32, y: f32) {
            self.out.push('L');
            self.point(x, y);
        }

        fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
            self.out.push('Q');
            self.point(x1, y1);
            self.point(x, y);
        }

        fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
            self.out.push('C');
            self.point(x1, y1);
            self.point(x2, y2);
            self.point(x, y);
        }

        fn close(&mut self) {
            self.out.push('Z');
        }
    }

    let Some(face) = face(bold) else { return String::new() };
    let scale = size / f64::from(face.units_per_em());
    let mut pen = Pen { out: String::new(), x, y, scale };
    for letter in text.chars() {
        let glyph = face.glyph_index(letter).unwrap_or_default();
        let _ = face.outline_glyph(glyph, &mut pen);
        pen.x += face.glyph_hor_advance(glyph).map_or(size, |advance| f64::from(advance) * scale);
    }
    pen.out
}
