//! A scene as SVG: on its own, with both themes inside; as part of a page, with the page's colors; or
//! with letters as outlines, for PNG.

use std::fmt::Write as _;

use super::scene::{Anchor, Mark, Scene, Target};
use crate::theme::{FONTS, Mode, Paint};

/// Where an SVG will be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Home {
    /// In a file of its own: colors on the marks, and a style that darkens them where the reader is dark.
    File,
    /// In a page that has a color for every class.
    Page,
    /// In a renderer that knows neither classes nor fonts.
    #[cfg(feature = "png")]
    Pixels(Mode),
}

/// A file of its own, light or dark as its reader is.
#[must_use]
pub fn file(scene: &Scene) -> String {
    write(scene, Home::File)
}

/// An element of a page that declares the paints as classes, see [`super::html`].
#[must_use]
pub fn element(scene: &Scene) -> String {
    write(scene, Home::Page)
}

/// An element of a page as a file of its own, with the colors that the page would give it, light or dark as its reader is.
#[must_use]
pub fn alone(element: &str) -> String {
    let Some((head, rest)) = element.split_once('>') else { return element.to_owned() };
    let (light, dark) = (classes("", Mode::Light), classes("", Mode::Dark));
    format!(
        "{head}><style>text{{font-variant-numeric:tabular-nums}}{light}@media (prefers-color-scheme:dark){{{dark}}}</style>\
         <rect width=\"100%\" height=\"100%\" class=\"f-{}\"/>{rest}",
        Paint::Surface.name()
    )
}

/// For a renderer without fonts.
#[cfg(feature = "png")]
pub(crate) fn outlined(scene: &Scene, mode: Mode) -> String {
    write(scene, Home::Pixels(mode))
}

/// Text as it may stand between tags and in quoted attributes.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML has no other control characters, and a lone one breaks the whole file.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// One rule a paint: fill for marks and text, stroke for lines; `under` stands before every class.
#[must_use]
pub fn classes(under: &str, mode: Mode) -> String {
    Paint::all().fold(String::new(), |all, paint| {
        let (name, css) = (paint.name(), paint.css(mode));
        all + &format!("{under}.f-{name}{{fill:{css}}}{under}.l-{name}{{stroke:{css}}}")
    })
}

struct Writer {
    out: String,
    home: Home,
}

fn write(scene: &Scene, home: Home) -> String {
    let (width, height) = (scene.width, scene.height);
    let mut writer = Writer { out: String::new(), home };
    let description = escaped(&scene.description);
    // What can be gone to stands in a group; an image has no parts.
    let has_targets = home == Home::Page && !scene.targets.is_empty();
    let role = if has_targets { "group" } else { "img" };
    let _ = write!(
        writer.out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"{role}\" aria-label=\"{description}\" font-family=\"{FONTS}\">"
    );
    if home == Home::File {
        let dark = classes("", Mode::Dark);
        let _ = write!(
            writer.out,
            "<title>{description}</title><style>text{{font-variant-numeric:tabular-nums}}\
             @media (prefers-color-scheme:dark){{{dark}}}</style>"
        );
    }
    if home != Home::Page {
        let fill = writer.fill(Paint::Surface);
        let _ = write!(writer.out, "<rect width=\"{width}\" height=\"{height}\"{fill}/>");
    }
    if has_targets {
        // Below the marks, which keep their hover texts.
        scene.targets.iter().for_each(|target| writer.target(target));
    }
    scene.marks.iter().for_each(|mark| writer.mark(mark));
    writer.out.push_str("</svg>");
    writer.out
}

/// Coordinates to a hundredth of a pixel, without trailing zeros.
fn px(x: f64) -> String {
    let text = format!("{x:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn points(points: &[[f64; 2]]) -> String {
    points.iter().map(|[x, y]| format!("{},{}", px(*x), px(*y))).collect::<Vec<_>>().join(" ")
}

impl Writer {
    fn colored(&self, attribute: &str, class: &str, paint: Paint) -> String {
        match self.home {
            _ if paint == Paint::None => format!(" {attribute}=\"none\""),
            Home::Page => format!(" class=\"{class}-{}\"", paint.name()),
            Home::File => {
                format!(" class=\"{class}-{}\" {attribute}=\"{}\"", paint.name(), paint.css(Mode::Light))
            }
            #[cfg(feature = "png")]
            Home::Pixels(mode) => format!(" {attribute}=\"{}\"", paint.css(mode)),
        }
    }

    fn fill(&self, paint: Paint) -> String {
        self.colored("fill", "f", paint)
    }

    fn stroke(&self, paint: Paint) -> String {
        self.colored("stroke", "l", paint)
    }

    /// Closes an element, with its hover text inside where it has one.
    fn close(&mut self, name: &str, title: &str) {
        if title.is_empty() {
            self.out.push_str("/>");
        } else {
            let _ = write!(self.out, "><title>{}</title></{name}>", escaped(title));
        }
    }

    fn target(&mut self, target: &Target) {
        let ([x, y], [width, height]) = (target.at.map(px), target.size.map(px));
        let (kind, which) = (target.go.0, escaped(&target.go.1));
        let label = escaped(&target.label);
        let _ = write!(
            self.out,
            "<rect class=\"go\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"transparent\" data-go=\"{kind}:{which}\" \
             role=\"button\" tabindex=\"0\" aria-label=\"{label}\"/>"
        );
    }

    fn mark(&mut self, mark: &Mark) {
        match mark {
            Mark::Rect { x, y, width, height, radius, fill, title } => {
                let [x, y, width, height, radius] = [*x, *y, *width, *height, *radius].map(px);
                let fill = self.fill(*fill);
                let _ = write!(
                    self.out,
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\"{fill}"
                );
                self.close("rect", title);
            }
            Mark::Line { from, to, paint, width, dashed } => {
                let [x1, y1, x2, y2, width] = [from[0], from[1], to[0], to[1], *width].map(px);
                let dash = if *dashed { " stroke-dasharray=\"2 3\"" } else { "" };
                let stroke = self.stroke(*paint);
                let _ = write!(
                    self.out,
                    "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke-width=\"{width}\"{dash}{stroke}/>"
                );
            }
            Mark::Circle { at, radius, fill, opacity, title } => {
                let [x, y, radius, opacity] = [at[0], at[1], *radius, *opacity].map(px);
                let opacity =
                    if opacity == "1" { String::new() } else { format!(" fill-opacity=\"{opacity}\"") };
                let fill = self.fill(*fill);
                let _ = write!(self.out, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"{opacity}{fill}");
                self.close("circle", title);
            }
            Mark::Dots { at, radius, fill, opacity, title } => {
                // A line of next to no length with round ends: a fifth of the bytes of a circle.
                let dots: String = at.iter().map(|[x, y]| format!("M{} {}h.01", px(*x), px(*y))).collect();
                let [width, opacity] = [2.0 * radius, *opacity].map(px);
                let stroke = self.stroke(*fill);
                let _ = write!(
                    self.out,
                    "<path d=\"{dots}\" fill=\"none\" stroke-linecap=\"round\" stroke-width=\"{width}\" \
                     stroke-opacity=\"{opacity}\"{stroke}"
                );
                self.close("path", title);
            }
            Mark::Polygon { points: at, fill, title } => {
                let fill = self.fill(*fill);
                let _ = write!(self.out, "<polygon points=\"{}\"{fill}", points(at));
                self.close("polygon", title);
            }
            Mark::Polyline { points: at, paint, width, opacity, title } => {
                let stroke = self.stroke(*paint);
                let [width, opacity] = [*width, *opacity].map(px);
                let _ = write!(
                    self.out,
                    "<polyline points=\"{}\" fill=\"none\" stroke-width=\"{width}\" stroke-opacity=\"{opacity}\"{stroke}",
                    points(at)
                );
                self.close("polyline", title);
            }
            Mark::Text { at, text, size, paint, anchor, bold, title } => {
                self.text(*at, text, *size, *paint, *anchor, *bold, title);
            }
            Mark::Upward { at, text, size, paint, anchor, title } => {
                let [x, y] = at.map(px);
                let _ = write!(self.out, "<g transform=\"rotate(-90 {x} {y})\">");
                self.text(*at, text, *size, *paint, *anchor, false, title);
                self.out.push_str("</g>");
            }
        }
    }

    fn text(
        &mut self,
        at: [f64; 2],
        text: &str,
        size: f64,
        paint: Paint,
        anchor: Anchor,
        bold: bool,
        title: &str,
    ) {
        let fill = self.fill(paint);
        #[cfg(feature = "png")]
        if matches!(self.home, Home::Pixels(_)) {
            let width = super::text_width(text, size, bold) / 1.02;
            let shift = match anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => width / 2.0,
                Anchor::End => width,
            };
            let path = super::font::outline(text, at[0] - shift, at[1], size, bold);
            let _ = write!(self.out, "<path d=\"{path}\"{fill}/>");
            return;
        }
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if bold { " font-weight=\"600\"" } else { "" };
        let [x, y] = at.map(px);
        let title =
            if title.is_empty() { String::new() } else { format!("<title>{}</title>", escaped(title)) };
        let _ = write!(
            self.out,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{anchor}{weight}{fill}>{}{title}</text>",
            escaped(text)
        );
    }
}
