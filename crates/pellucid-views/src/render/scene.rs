//! What is in a picture? Marks at places, in paints that have no color yet.

use crate::theme::Paint;

/// Where a text stands at its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// It starts there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// One mark.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "coordinates in pixels, from the upper left; the names say the rest")]
pub enum Mark {
    Rect {
        x: f64,
        y: f64,
        width: f64,
        height: f64,
        radius: f64,
        fill: Paint,
        title: String,
    },
    Line {
        from: [f64; 2],
        to: [f64; 2],
        paint: Paint,
        width: f64,
        dashed: bool,
    },
    Circle {
        at: [f64; 2],
        radius: f64,
        fill: Paint,
        opacity: f64,
        title: String,
    },
    /// Many equal dots as one mark with one hover text.
    Dots {
        at: Vec<[f64; 2]>,
        radius: f64,
        fill: Paint,
        opacity: f64,
        title: String,
    },
    Polygon {
        points: Vec<[f64; 2]>,
        fill: Paint,
        title: String,
    },
    Polyline {
        points: Vec<[f64; 2]>,
        paint: Paint,
        width: f64,
        opacity: f64,
        title: String,
    },
    Text {
        at: [f64; 2],
        text: String,
        size: f64,
        paint: Paint,
        anchor: Anchor,
        bold: bool,
        title: String,
    },
    /// Text that reads upwards, for narrow columns: it starts at its point, or ends there.
    Upward {
        at: [f64; 2],
        text: String,
        size: f64,
        paint: Paint,
        anchor: Anchor,
        title: String,
    },
}

/// A part of a picture that a page may make a link.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its upper left corner.
    pub at: [f64; 2],
    /// Its width and height.
    pub size: [f64; 2],
    /// What it leads to: `feature`, `row` or `cell`, and which.
    pub go: (&'static str, String),
    /// What stands there, for those who do not see it.
    pub label: String,
}

/// A picture without colors.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Pixels across.
    pub width: f64,
    /// Pixels down.
    pub height: f64,
    /// What it says, for those who do not see it.
    pub description: String,
    /// Marks, later ones above.
    pub marks: Vec<Mark>,
    /// Parts that lead somewhere; pictures in files have no use for them.
    pub targets: Vec<Target>,
}

impl Scene {
    /// An empty picture.
    #[must_use]
    pub fn new(width: f64, description: String) -> Self {
        Self { width, height: 0.0, description, marks: Vec::new(), targets: Vec::new() }
    }

    /// How many things there are to draw.
    #[must_use]
    pub fn n_marks(&self) -> usize {
        let n = |mark: &Mark| if let Mark::Dots { at, .. } = mark { at.len() } else { 1 };
        self.marks.iter().map(n).sum()
    }

    /// Adds a filled rectangle; negative widths grow to the left.
    pub fn rect(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], fill: Paint, title: &str) {
        let (x, width) = if width < 0.0 { (x + width, -width) } else { (x, width) };
        let radius = 2.0_f64.min(width / 2.0);
        self.marks.push(Mark::Rect { x, y, width, height, radius, fill, title: title.to_owned() });
    }

    /// Makes a strip from edge to edge lead to a feature.
    pub(crate) fn strip(&mut self, y: f64, height: f64, feature: &str, label: &str) {
        let (at, size) = ([0.0, y], [self.width, height]);
        self.targets.push(Target { at, size, go: ("feature", feature.to_owned()), label: label.to_owned() });
    }

    /// Adds a line.
    pub fn line(&mut self, from: [f64; 2], to: [f64; 2], paint: Paint, width: f64, dashed: bool) {
        self.marks.push(Mark::Line { from, to, paint, width, dashed });
    }

    /// Adds text on a baseline.
    pub fn text(&mut self, at: [f64; 2], text: &str, size: f64, paint: Paint, anchor: Anchor) {
        let (text, title) = (text.to_owned(), String::new());
        self.marks.push(Mark::Text { at, text, size, paint, anchor, bold: false, title });
    }

    /// Adds bold text on a baseline.
    pub fn strong(&mut self, at: [f64; 2], text: &str, size: f64, paint: Paint, anchor: Anchor) {
        let (text, title) = (text.to_owned(), String::new());
        self.marks.push(Mark::Text { at, text, size, paint, anchor, bold: true, title });
    }

    /// Adds a rectangle with square corners: a cell of a map.
    pub fn cell(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], fill: Paint, title: &str) {
        self.marks.push(Mark::Rect { x, y, width, height, radius: 0.0, fill, title: title.to_owned() });
    }

    /// Adds text that is cut in the middle to fit a width, with the whole of it on hover.
    pub fn fitted(&mut self, at: [f64; 2], text: &str, width: f64, size: f64, paint: Paint, anchor: Anchor) {
        let cut = super::cut_middle(text, width, size, false);
        let title = if cut == text { String::new() } else { text.to_owned() };
        self.marks.push(Mark::Text { at, text: cut, size, paint, anchor, bold: false, title });
    }

    /// The same upwards, so that `width` goes up.
    pub fn upward(&mut self, at: [f64; 2], text: &str, width: f64, size: f64, paint: Paint, anchor: Anchor) {
        let cut = super::cut_middle(text, width, size, false);
        let title = if cut == text { String::new() } else { text.to_owned() };
        self.marks.push(Mark::Upward { at, text: cut, size, paint, anchor, title });
    }
}

/// Dots of several paints: each with a hover text of its own, or, where there are too many, paint by paint.
pub(crate) struct Cloud {
    radius: f64,
    opacity: f64,
    hover: bool,
    dots: Vec<([f64; 2], Paint, String)>,
}

impl Cloud {
    pub(crate) fn new(radius: f64, opacity: f64, hover: bool) -> Self {
        Self { radius, opacity, hover, dots: Vec::new() }
    }

    pub(crate) fn add(&mut self, at: [f64; 2], fill: Paint, title: String) {
        self.dots.push((at, fill, if self.hover { title } else { String::new() }));
    }

    /// Draws all of them; `name` is the hover text where they have none of their own.
    pub(crate) fn draw(self, scene: &mut Scene, name: &str) {
        let Self { radius, opacity, hover, dots } = self;
        if hover {
            let circle = |(at, fill, title)| Mark::Circle { at, radius, fill, opacity, title };
            scene.marks.extend(dots.into_iter().map(circle));
            return;
        }
        let mut paints: Vec<Paint> = Vec::new();
        for (_, fill, _) in &dots {
            if !paints.contains(fill) {
                paints.push(*fill);
            }
        }
        paints.sort_by_key(|paint| paint.name());
        for fill in paints {
            let at = dots.iter().filter(|dot| dot.1 == fill).map(|dot| dot.0).collect();
            scene.marks.push(Mark::Dots { at, radius, fill, opacity, title: name.to_owned() });
        }
    }
}
