//! The colors for pages that hold pictures: variables and one class a paint, light and dark as the reader is, or as `data-theme` says.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::svg::classes;
use crate::theme::{Mode, Paint};

/// A stylesheet. Variables are called as tokens (`--ink`), classes of pictures `f-ink` (fill) and `l-ink` (stroke).
#[must_use]
pub fn theme() -> String {
    let (light, dark) = (variables(Mode::Light), variables(Mode::Dark));
    let (unless_light, if_dark) = (":root:not([data-theme=light])", ":root[data-theme=dark]");
    format!(
        ":root{{color-scheme:light dark;{light}}}{}\n\
         @media (prefers-color-scheme:dark){{{unless_light}{{{dark}}}{}}}\n\
         :root[data-theme=light]{{color-scheme:light}}\n{if_dark}{{color-scheme:dark;{dark}}}{}\n",
        classes("", Mode::Light),
        classes(&format!("{unless_light} "), Mode::Dark),
        classes(&format!("{if_dark} "), Mode::Dark),
    )
}

pub use super::font::faces;

/// Rules that give a page the font that texts of its pictures are measured with, where the reader's system has it not: in another one a title that
/// nearly fills its line would lose its end. `at` says where the face of a weight
/// lies, by its bytes or beside the page.
#[must_use]
pub fn fonts(at: impl Fn(u16, &[u8]) -> String) -> String {
    let rule = |(weight, bytes): (u16, &[u8])| {
        let at = at(weight, bytes);
        format!(
            "@font-face{{font-family:Inter;font-weight:{weight};font-display:swap;src:local(\"Inter\"),url(\"{at}\") format(\"opentype\")}}\n"
        )
    };
    faces().into_iter().map(rule).collect()
}

/// The same for a page that has no files beside it: the faces stand in the rules.
#[must_use]
pub fn fonts_inside() -> String {
    fonts(|_, font| format!("data:font/otf;base64,{}", BASE64_STANDARD.encode(font)))
}

/// Every token as a variable, and every shade, which tables have too.
fn variables(mode: Mode) -> String {
    Paint::all()
        .filter(|paint| !matches!(paint, Paint::Scale(_)))
        .fold(String::new(), |all, paint| all + &format!("--{}:{};", paint.name(), paint.css(mode)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_has_a_rule_and_a_font() {
        let css = fonts(|weight, _| format!("./inter-{weight}.otf"));
        for (weight, bytes) in faces() {
            assert!(
                css.contains(&format!("font-weight:{weight}"))
                    && css.contains(&format!("inter-{weight}.otf"))
            );
            assert!(bytes.starts_with(b"OTTO"), "{weight} is OpenType");
        }
    }

    #[test]
    fn both_themes_have_all_paints_and_braces_match() {
        let css = theme();
        for name in ["--surface:#FFFFFF", "--surface:#0E1316", "--danger:#B3261E", "--proven:#5CC08A"] {
            assert!(css.contains(name), "{name}");
        }
        assert_eq!(css.matches('{').count(), css.matches('}').count());
        assert!(css.contains(":root[data-theme=dark] .f-raises{fill:#F2935C}"));
        assert!(css.contains(":root:not([data-theme=light]) .f-raises{fill:#F2935C}"));
        assert!(css.contains("}.f-raises{fill:#B8481A}"));
    }
}
