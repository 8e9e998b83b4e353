//! What does a split ask? In words, as the library compares.

use pellucid_models::trees::{Ensemble, Feature, FeatureKind, InputCast, Missing, Side, Split, Test, Tree};
use pellucid_views::number::{count, pretty};

/// Categories that are named on a picture, and where there is room for all digits.
const FEW: usize = 3;
const MANY: usize = 40;
/// Categories are counted so far.
const COUNTED: usize = 10_000;

/// What one split asks, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The feature.
    pub feature: String,
    /// What is asked of it, rounded: `< 42.5`.
    pub test: String,
    /// With the feature, every digit and every category (of forty): what the model compares.
    pub exact: String,
    /// Where missing values go; empty where the library refuses them.
    pub missing: String,
    /// Whether they go to yes; nothing where the library refuses them.
    pub missing_yes: Option<bool>,
}

/// The words of a split.
#[must_use]
pub fn condition(model: &Ensemble, tree: &Tree, split: &Split) -> Condition {
    let feature = model.features.get(split.feature.index());
    let name = feature.map_or_else(|| format!("f{}", split.feature.index()), |feature| feature.name.clone());
    let side = split.side(f64::NAN, tree.sets());
    // Where missing values count as the lowest of all, the lowest threshold asks for them alone.
    let lowest = |threshold: f64| threshold <= f64::from(f32::MIN) && side == Side::Yes;
    let [test, exact] = match split.test {
        Test::Below(threshold) => {
            [format!("< {}", pretty(threshold, 5)), format!("< {}", digits(threshold, model.cast))]
        }
        Test::AtMost(threshold) if lowest(threshold) => {
            ["is missing".to_owned(), format!("is missing or ≤ {}", digits(threshold, model.cast))]
        }
        Test::AtMost(threshold) => {
            [format!("≤ {}", pretty(threshold, 5)), format!("≤ {}", digits(threshold, model.cast))]
        }
        Test::In(set) => {
            let codes = || tree.sets().get(set as usize).into_iter().flat_map(|set| set.codes());
            let n = codes().take(COUNTED + 1).count();
            [FEW, MANY].map(|most| among(n, codes().take(most).map(|code| category(feature, code)).collect()))
        }
    };
    let exact = format!("{name} {exact}");
    let to = if side == Side::Yes { "yes" } else { "no" };
    let refused = model.cast.refuses(f64::NAN);
    let missing = match split.missing {
        _ if refused => String::new(),
        Missing::Goes(_) => format!("missing goes to {to}"),
        Missing::IsZero => format!("missing goes to {to}, read as 0"),
        Missing::ZeroToo(_) => format!("missing goes to {to}, and 0 too"),
    };
    Condition { feature: name, test, exact, missing, missing_yes: (!refused).then_some(side == Side::Yes) }
}

/// As few digits as read back as the same number.
fn digits(x: f64, cast: InputCast) -> String {
    let short = x as f32;
    let is_short = !matches!(cast, InputCast::F64 | InputCast::F64Finite | InputCast::F64TinyIsZero)
        && f64::from(short) == x;
    let is_plain = x == 0.0 || (1e-5..1e16).contains(&x.abs());
    let text = match (is_short, is_plain) {
        (true, true) => short.to_string(),
        (true, false) => format!("{short:e}"),
        (false, true) => x.to_string(),
        (false, false) => format!("{x:e}"),
    };
    text.strip_prefix('-').map_or(text.clone(), |size| format!("−{size}"))
}

fn category(feature: Option<&Feature>, code: u32) -> String {
    let level = match feature.map(|feature| &feature.kind) {
        Some(FeatureKind::Level { levels, .. }) => levels.get(code as usize),
        _ => None,
    };
    match level {
        Some(level) if level.trim().is_empty() => format!("“{level}”"),
        Some(level) => level.clone(),
        None => code.to_string(),
    }
}

/// One of `n` categories, the first of which are named.
fn among(n: usize, named: Vec<String>) -> String {
    match (n, named.as_slice()) {
        (0, _) => "is no category at all".to_owned(),
        (_, [only]) if n == 1 => format!("is {only}"),
        (_, [all @ .., last]) if n == named.len() => format!("is {} or {last}", all.join(", ")),
        _ if n > COUNTED => format!("is one of more than {}: {}, …", count(COUNTED), named.join(", ")),
        _ => format!("is one of {}: {}, …", count(n), named.join(", ")),
    }
}

/// The value of a feature, for people.
#[must_use]
pub fn value_text(feature: &Feature, x: f64) -> String {
    if x.is_nan() {
        return "missing".to_owned();
    }
    match &feature.kind {
        FeatureKind::Level { levels, .. } if x >= 0.0 && levels.get(x as usize).is_some() => {
            levels.get(x as usize).cloned().unwrap_or_default()
        }
        _ => pretty(x, 6),
    }
}
