//! How is a number written for people? A real minus, thin spaces, powers of ten.

/// Rounds to so many significant digits and writes it: `−0.0123`, `12 345`, `3.2·10⁻⁷`.
#[must_use]
pub fn pretty(x: f64, digits: usize) -> String {
    if x.is_nan() {
        return "missing".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "∞" } else { "−∞" }.to_owned();
    }
    if x == 0.0 {
        return "0".to_owned();
    }
    let text = format!("{:.*e}", digits.max(1) - 1, x.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let plain = if (-4..7).contains(&exponent) {
        let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
        let rounded: f64 = text.parse().unwrap_or(x.abs());
        grouped(trimmed(&format!("{rounded:.decimals$}")))
    } else {
        format!("{}·10{}", trimmed(mantissa), superscript(exponent))
    };
    if x < 0.0 { format!("−{plain}") } else { plain }
}

/// Rounds to so many decimals and writes them all, so that numbers below each other have one length: `−0.50`, `1.00`.
#[must_use]
pub fn fixed(x: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", x.abs());
    // What rounds to 0 has no sign.
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if x < 0.0 && !is_zero { format!("−{text}") } else { text }
}

/// Numbers that are compared, each with as many decimals: so many digits of the largest.
#[must_use]
pub fn alike(all: &[f64], digits: usize) -> Vec<String> {
    let largest = all.iter().map(|x| x.abs()).fold(0.0, f64::max);
    if !(1e-4..1e7).contains(&largest) {
        return all.iter().map(|x| pretty(*x, digits)).collect();
    }
    let decimals = digits as i32 - 1 - largest.log10().floor() as i32;
    all.iter().map(|x| fixed(*x, usize::try_from(decimals).unwrap_or(0))).collect()
}

/// With a sign, also for what is positive: contributions.
#[must_use]
pub fn signed(x: f64, digits: usize) -> String {
    let text = pretty(x, digits);
    if x > 0.0 { format!("+{text}") } else { text }
}

/// A whole number with thin spaces.
#[must_use]
pub fn count(n: usize) -> String {
    grouped(n.to_string())
}

/// A number of rows or models that may be a sum of weights: a whole one up to ten millions has all its digits.
#[must_use]
pub fn amount(x: f64) -> String {
    if x.fract() == 0.0 && (0.0..1e7).contains(&x) { count(x as usize) } else { pretty(x, 4) }
}

/// A count that is given by its digits, maybe sixty of them: all of them up to twelve, or
/// three and a power of ten.
#[must_use]
pub fn digits(text: &str) -> String {
    let is_count = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<f64>() {
        Ok(x) if is_count && text.len() > 12 => pretty(x, 3),
        Ok(_) if is_count => grouped(text.to_owned()),
        _ => text.to_owned(),
    }
}

/// What was left out: `1 other`, `8 others`.
#[must_use]
pub fn others(n: usize) -> String {
    format!("{} other{}", count(n), if n == 1 { "" } else { "s" })
}

/// A residual, of which one digit is enough, rounded up: it stands as a bound.
#[must_use]
pub fn residual(x: f64) -> String {
    let text = format!("{:.0e}", x.abs());
    let near: f64 = text.parse().unwrap_or(x);
    let step = text.split_once('e').and_then(|(_, power)| format!("1e{power}").parse::<f64>().ok());
    pretty(if near < x.abs() { near + step.unwrap_or_default() } else { near }, 1)
}

/// A share as a percentage.
#[must_use]
pub fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.001 {
        return "<0.1 %".to_owned();
    }
    if share < 1.0 && share > 0.999 {
        return ">99.9 %".to_owned();
    }
    format!("{:.1} %", share * 100.0)
}

/// A share as a whole number of hundredths, for cells of maps: `<1` and `>99` are not 0 and 100.
#[must_use]
pub fn hundredths(share: f64) -> String {
    match share * 100.0 {
        x if x > 0.0 && x < 0.5 => "<1".to_owned(),
        x if (99.5..100.0).contains(&x) => ">99".to_owned(),
        // No share is −0, which a sum of nothing is.
        x => format!("{:.0}", x + 0.0),
    }
}

fn trimmed(text: &str) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text.to_owned()
    }
}

/// Thin spaces every three digits, from five digits on.
fn grouped(text: String) -> String {
    let (whole, rest) =
        text.split_once('.').map_or((text.as_str(), String::new()), |(w, r)| (w, format!(".{r}")));
    if whole.len() < 5 {
        return text;
    }
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out + &rest
}

fn superscript(n: i32) -> String {
    let digit = |c: char| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32(0x2070 + digit as u32 - '0' as u32).unwrap_or(digit),
    };
    n.to_string().chars().map(digit).collect()
}

/// Round places on an axis from `low` to `high`: about `n` of them, and at least two if any step gives two.
#[must_use]
pub fn ticks(low: f64, high: f64, n: usize) -> Vec<f64> {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) {
        return vec![low];
    }
    let power = 10_f64.powf((span / n.max(1) as f64).log10().floor());
    let multiples = |step: f64| ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    let mut best = (usize::MAX, power);
    // From coarse to fine, so that of two equally good steps the coarser one wins.
    for step in [10.0, 5.0, 2.0, 1.0, 0.5, 0.2].map(|m| m * power) {
        let (first, last) = multiples(step);
        let found = usize::try_from(last - first + 1).unwrap_or(0);
        let off = if found < 2 { usize::MAX } else { found.abs_diff(n) };
        best = if off < best.0 { (off, step) } else { best };
    }
    let (first, last) = multiples(best.1);
    // Multiples of the step, rounded so that 0.30000000000000004 is 0.3.
    let fine = power / 10.0;
    (first..=last).map(|k| (k as f64 * best.1 / fine).round() * fine).collect()
}
