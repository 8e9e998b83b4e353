//! Which color, which size? The only place that knows.

/// What a color is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// The page.
    Surface,
    /// Panels.
    Raised,
    /// Text.
    Ink,
    /// Secondary text.
    Muted,
    /// Axes and ticks.
    Faint,
    /// Grid and borders.
    Line,
    /// Links and selection.
    Accent,
    /// A contribution that raises the output.
    Raises,
    /// A contribution that lowers it.
    Lowers,
    /// A certificate that holds.
    Proven,
    /// A gap, an interval, an estimate.
    Bounded,
    /// An error.
    Danger,
    /// A step of the scale from low to high, 0 to [`STEPS`] - 1.
    Scale(u8),
    /// A step of the scale from little to much, 0 to [`SHADES`] - 1.
    Shade(u8),
    /// Nothing.
    None,
}

/// Steps of the color scale; odd, so that there is a middle.
pub const STEPS: u8 = 15;

/// Steps of the scale from little to much; even, so that text on it is dark on one half and light on the other.
pub const SHADES: u8 = 10;

/// Which half of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// An sRGB color.
pub type Rgb = [u8; 3];

/// The tokens with a color of their own: name, light, dark.
const TOKENS: [(Paint, &str, u32, u32); 12] = [
    (Paint::Surface, "surface", 0xFFFFFF, 0x0E1316),
    (Paint::Raised, "raised", 0xF5F7F8, 0x161D21),
    (Paint::Ink, "ink", 0x182026, 0xE4E9EC),
    (Paint::Muted, "muted", 0x55616B, 0xA5B0B8),
    (Paint::Faint, "faint", 0x7A868F, 0x7F8B94),
    (Paint::Line, "line", 0xD5DBE0, 0x2B343A),
    (Paint::Accent, "accent", 0x0B6E6E, 0x56BDB5),
    (Paint::Raises, "raises", 0xB8481A, 0xF2935C),
    (Paint::Lowers, "lowers", 0x1F5FA8, 0x7FB2EE),
    (Paint::Proven, "proven", 0x17703F, 0x5CC08A),
    (Paint::Bounded, "bounded", 0x8A5A00, 0xE0B04A),
    (Paint::Danger, "danger", 0xB3261E, 0xFF8A80),
];

/// Low, middle and high of the scale.
const SCALE: [[u32; 3]; 2] = [[0x2C6DB2, 0xC9CED3, 0xD4602A], [0x7FB2EE, 0x5B666E, 0xF2935C]];

/// First and last shade of the pale half, then of the strong one: the accent's hue. Between the halves is a step, for
/// in it neither ink nor surface could be read.
const SHADE: [[u32; 4]; 2] =
    [[0xDDECEB, 0x4D9695, 0x2D8281, 0x064F50], [0x17282B, 0x38706D, 0x418985, 0x8ADFD7]];

/// The fonts of pages and pictures, the embedded one first.
pub const FONTS: &str = "Inter, 'IBM Plex Sans', 'Segoe UI', Helvetica, Arial, sans-serif";

/// Text sizes in pixels.
pub mod size {
    /// Ticks.
    pub const TICK: f64 = 11.0;
    /// Captions and secondary text.
    pub const SMALL: f64 = 12.0;
    /// Labels.
    pub const LABEL: f64 = 13.0;
    /// Titles.
    pub const TITLE: f64 = 16.0;
}

fn rgb(hex: u32) -> Rgb {
    let [_, r, g, b] = hex.to_be_bytes();
    [r, g, b]
}

fn mixed(from: Rgb, to: Rgb, share: f64) -> Rgb {
    std::array::from_fn(|c| {
        (f64::from(from[c]) + share * (f64::from(to[c]) - f64::from(from[c]))).round() as u8
    })
}

impl Paint {
    /// The step of the scale for a share between 0 (low) and 1 (high).
    #[must_use]
    pub fn scale(share: f64) -> Self {
        let share = if share.is_nan() { 0.5 } else { share.clamp(0.0, 1.0) };
        Self::Scale((share * f64::from(STEPS - 1)).round() as u8)
    }

    /// The shade for a share between 0 (little) and 1 (much).
    #[must_use]
    pub fn shade(share: f64) -> Self {
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        Self::Shade((share * f64::from(SHADES - 1)).round() as u8)
    }

    /// What can be read on this paint: the page's color on strong shades, ink on all else.
    #[must_use]
    pub fn text_on(self) -> Self {
        let is_strong = match self {
            Self::Shade(step) => step >= SHADES / 2,
            // The ends of the scale: where surface is read better than ink in the worse of both themes.
            Self::Scale(step) => step.abs_diff(STEPS / 2) > STEPS / 4 + 1,
            _ => false,
        };
        if is_strong { Self::Surface } else { Self::Ink }
    }

    /// Raises for what is positive, lowers for what is negative.
    #[must_use]
    pub fn signed(x: f64) -> Self {
        if x >= 0.0 { Self::Raises } else { Self::Lowers }
    }

    /// Its name as a class and a variable.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Scale(step) => format!("s{step}"),
            Self::Shade(step) => format!("h{step}"),
            Self::None => "none".to_owned(),
            _ => {
                TOKENS.iter().find(|token| token.0 == self).map_or(String::new(), |token| token.1.to_owned())
            }
        }
    }

    /// Its color; black for [`Paint::None`], which is never painted.
    #[must_use]
    pub fn rgb(self, mode: Mode) -> Rgb {
        match self {
            Self::Scale(step) => {
                let [low, middle, high] = SCALE[usize::from(mode == Mode::Dark)].map(rgb);
                let at = f64::from(step) / f64::from(STEPS - 1) * 2.0;
                let (from, to, share) = if at <= 1.0 { (low, middle, at) } else { (middle, high, at - 1.0) };
                mixed(from, to, share)
            }
            Self::Shade(step) => {
                let [pale, less, more, strong] = SHADE[usize::from(mode == Mode::Dark)].map(rgb);
                let half = SHADES / 2;
                let (from, to, step) =
                    if step < half { (pale, less, step) } else { (more, strong, step - half) };
                mixed(from, to, f64::from(step) / f64::from(half - 1))
            }
            _ => {
                let token = TOKENS.iter().find(|token| token.0 == self);
                token.map_or([0; 3], |t| rgb(if mode == Mode::Light { t.2 } else { t.3 }))
            }
        }
    }

    /// Its color as `#RRGGBB`, or `none`.
    #[must_use]
    pub fn css(self, mode: Mode) -> String {
        let [r, g, b] = self.rgb(mode);
        if self == Self::None { "none".to_owned() } else { format!("#{r:02X}{g:02X}{b:02X}") }
    }

    /// Every paint that has a color.
    pub fn all() -> impl Iterator<Item = Self> {
        TOKENS
            .iter()
            .map(|token| token.0)
            .chain((0..STEPS).map(Self::Scale))
            .chain((0..SHADES).map(Self::Shade))
    }
}
