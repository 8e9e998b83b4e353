//! How does a certificate stand in a file? JSON, `pellucid.rules/1` or `pellucid.rashomon/1`, closed by a digest of itself.
//!
//! Fractions are `"p/q"`, counts are texts of digits. The digest is SHA-256 of the rest with keys in order, so that a
//! file that was changed by hand is refused before anything in it is believed.

use num_bigint::BigUint;
use pellucid_data::Ratio;
use pellucid_models::rules::format::{FormatError, rule_from_json, rule_to_json};
use pellucid_models::rules::{ClassRules, Decision, Rule};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Certificate, Conditions, CountCertificate, RulesFile, Universe, hash, identity};
use crate::{Objective, Within};

/// The schema of rules with their certificate.
pub const RULES: &str = "pellucid.rules/1";
/// The schema of a certified count.
pub const RASHOMON: &str = "pellucid.rashomon/1";

/// Why a file is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Not JSON, or not of this shape.
    #[error("it is no rules file of this program: {0}")]
    Shape(String),
    /// A later version.
    #[error("format `{found}` is not known; this program reads `{RULES}` and `{RASHOMON}`")]
    Version {
        /// What it says it is.
        found: String,
    },
    /// A part is not what it should be.
    #[error(transparent)]
    Part(#[from] FormatError),
    /// The digest differs.
    #[error("the file's digest does not fit its content: it was changed or damaged after it was written")]
    Digest,
}

/// What a file may hold.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Held {
    /// Rules.
    Rules(Box<RulesFile>),
    /// A count.
    Count(Box<CountCertificate>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireUniverse {
    target: String,
    positive: String,
    weights: Option<String>,
    rows: u64,
    weight: u64,
    positive_weight: u64,
    sha256: String,
    lambda: String,
    cost_false_positive: u32,
    cost_false_negative: u32,
    ties: String,
    default_label: String,
    candidates: Vec<WireCandidate>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCandidate {
    conditions: Value,
    covers: u64,
    positives: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireConditions {
    max_size: Option<u64>,
    max_total_conditions: Option<u64>,
    required: Vec<String>,
    not_empty: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCertificate {
    universe: WireUniverse,
    constraints: WireConditions,
    chosen: Vec<u32>,
    false_positives: u64,
    false_negatives: u64,
    objective: String,
    lower_bound: String,
    gap: String,
    proven: bool,
    n_optimal: Option<String>,
    nodes: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireClass {
    positive: String,
    rules: Vec<Value>,
    certificate: WireCertificate,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRules {
    schema: String,
    version: String,
    target: String,
    default: String,
    classes: Vec<WireClass>,
    digest: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCount {
    schema: String,
    universe: WireUniverse,
    theta: String,
    include_empty: bool,
    identity: String,
    max_size: Option<u64>,
    count: String,
    by_size: Vec<String>,
    digest: String,
}

/// A certificate as JSON, as it stands in the file.
#[must_use]
pub fn certificate_to_json(certificate: &Certificate) -> Value {
    serde_json::to_value(wire_certificate(certificate)).unwrap_or_default()
}

/// A rules file as JSON text.
#[must_use]
pub fn rules_to_json(file: &RulesFile) -> String {
    let class = |(class, certificate): (&ClassRules, &Certificate)| WireClass {
        positive: class.positive.clone(),
        rules: class.rules.iter().map(rule_to_json).collect(),
        certificate: wire_certificate(certificate),
    };
    closed(&WireRules {
        schema: RULES.to_owned(),
        version: file.version.clone(),
        target: file.decision.target.clone(),
        default: file.decision.default.clone(),
        classes: file.decision.classes.iter().zip(&file.certificates).map(class).collect(),
        digest: String::new(),
    })
}

/// A certified count as JSON text.
#[must_use]
pub fn count_to_json(certificate: &CountCertificate) -> String {
    closed(&WireCount {
        schema: RASHOMON.to_owned(),
        universe: wire_universe(&certificate.universe),
        theta: certificate.within.theta.to_string(),
        include_empty: certificate.within.include_empty,
        identity: certificate.within.identity.name().to_owned(),
        max_size: certificate.within.max_size.map(|most| most as u64),
        count: certificate.count.to_string(),
        by_size: certificate.by_size.iter().map(ToString::to_string).collect(),
        digest: String::new(),
    })
}

/// Puts the digest in.
fn closed(wire: &impl Serialize) -> String {
    let mut value = serde_json::to_value(wire).unwrap_or_default();
    value["digest"] = digest(&value).into();
    format!("{value:#}\n")
}

/// The digest of everything but the digest.
#[must_use]
pub fn digest(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, true, &mut text);
    format!("sha256:{}", hash::digest(text.as_bytes()))
}

/// JSON with keys in order and without blanks; at the top without the digest.
fn canonical(value: &Value, is_top: bool, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().filter(|key| !is_top || *key != "digest").collect();
            keys.sort();
            out.push('{');
            for key in keys {
                *out += &format!("{}:", Value::from(key.as_str()));
                canonical(&fields[key], false, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(list) => {
            out.push('[');
            for item in list {
                canonical(item, false, out);
                out.push(',');
            }
            out.push(']');
        }
        other => *out += &other.to_string(),
    }
}

fn wire_universe(universe: &Universe) -> WireUniverse {
    let candidate = |(rule, [covers, positives]): (&Rule, &[u64; 2])| WireCandidate {
        conditions: rule_to_json(rule),
        covers: *covers,
        positives: *positives,
    };
    WireUniverse {
        target: universe.target.clone(),
        positive: universe.positive.clone(),
        weights: universe.weights.clone(),
        rows: universe.rows,
        weight: universe.weight[0],
        positive_weight: universe.weight[1],
        sha256: universe.hash.clone(),
        lambda: universe.objective.lambda.to_string(),
        cost_false_positive: universe.objective.false_positive,
        cost_false_negative: universe.objective.false_negative,
        ties: "in".to_owned(),
        default_label: "negative".to_owned(),
        candidates: universe.candidates.iter().zip(&universe.supports).map(candidate).collect(),
    }
}

fn wire_certificate(certificate: &Certificate) -> WireCertificate {
    let Conditions { max_size, max_total_conditions, required, not_empty } = certificate.conditions.clone();
    let gap = certificate.objective.minus(certificate.lower_bound.min(certificate.objective));
    WireCertificate {
        universe: wire_universe(&certificate.universe),
        constraints: WireConditions { max_size, max_total_conditions, required, not_empty },
        chosen: certificate.chosen.clone(),
        false_positives: certificate.errors[0],
        false_negatives: certificate.errors[1],
        objective: certificate.objective.to_string(),
        lower_bound: certificate.lower_bound.to_string(),
        gap: gap.map_or_else(|_| "?".to_owned(), |gap| gap.to_string()),
        proven: certificate.is_proven(),
        n_optimal: certificate.n_optimal.map(|n| n.to_string()),
        nodes: certificate.nodes,
    }
}

/// Reads a file of rules or of a count, and checks its digest.
///
/// # Errors
/// When it is not JSON of this shape, of a later version, or was changed.
pub fn read(bytes: &[u8]) -> Result<Held, ReadError> {
    let shape = |error: serde_json::Error| ReadError::Shape(error.to_string());
    let value: Value = serde_json::from_slice(bytes).map_err(shape)?;
    match value["schema"].as_str() {
        Some(RULES) => {
            check_digest(&value)?;
            Ok(Held::Rules(Box::new(read_rules(serde_json::from_value(value).map_err(shape)?)?)))
        }
        Some(RASHOMON) => {
            check_digest(&value)?;
            Ok(Held::Count(Box::new(read_count(serde_json::from_value(value).map_err(shape)?)?)))
        }
        Some(found) => Err(ReadError::Version { found: found.to_owned() }),
        None => Err(ReadError::Shape("it has no `schema`".to_owned())),
    }
}

fn check_digest(value: &Value) -> Result<(), ReadError> {
    if value["digest"].as_str() == Some(&digest(value)) { Ok(()) } else { Err(ReadError::Digest) }
}

fn read_rules(wire: WireRules) -> Result<RulesFile, ReadError> {
    let (mut classes, mut certificates) = (Vec::new(), Vec::new());
    for (at, class) in wire.classes.into_iter().enumerate() {
        let rule = |(n, value): (usize, &Value)| rule_from_json(value, &format!("classes[{at}].rules[{n}]"));
        let rules = class.rules.iter().enumerate().map(rule).collect::<Result<_, _>>()?;
        classes.push(ClassRules { positive: class.positive, rules });
        certificates.push(read_certificate(class.certificate, &format!("classes[{at}].certificate"))?);
    }
    let decision = Decision { target: wire.target, classes, default: wire.default };
    Ok(RulesFile { decision, certificates, version: wire.version })
}

fn ratio(text: &str, at: &str) -> Result<Ratio, FormatError> {
    text.parse().map_err(|error: pellucid_data::ratio::RatioError| FormatError::new(at, error.to_string()))
}

fn read_universe(wire: WireUniverse, at: &str) -> Result<Universe, ReadError> {
    let part = |name: &str| format!("{at}.universe.{name}");
    if wire.ties != "in" || wire.default_label != "negative" {
        return Err(FormatError::new(&part("ties"), "other semantics than this program's").into());
    }
    let lambda = ratio(&wire.lambda, &part("lambda"))?;
    let objective = Objective::with_costs(lambda, wire.cost_false_positive, wire.cost_false_negative)
        .map_err(|error| FormatError::new(&part("lambda"), error.to_string()))?;
    let (mut candidates, mut supports) = (Vec::new(), Vec::new());
    for (n, candidate) in wire.candidates.iter().enumerate() {
        candidates.push(rule_from_json(&candidate.conditions, &part(&format!("candidates[{n}]")))?);
        supports.push([candidate.covers, candidate.positives]);
    }
    Ok(Universe {
        target: wire.target,
        positive: wire.positive,
        weights: wire.weights,
        rows: wire.rows,
        weight: [wire.weight, wire.positive_weight],
        hash: wire.sha256,
        objective,
        candidates,
        supports,
    })
}

fn read_certificate(wire: WireCertificate, at: &str) -> Result<Certificate, ReadError> {
    let part = |name: &str| format!("{at}.{name}");
    let WireConditions { max_size, max_total_conditions, required, not_empty } = wire.constraints;
    let n_optimal = wire.n_optimal.map(|text| text.parse::<u64>());
    let n_optimal =
        n_optimal.transpose().map_err(|_| FormatError::new(&part("n_optimal"), "it must be digits"))?;
    let certificate = Certificate {
        universe: read_universe(wire.universe, at)?,
        conditions: Conditions { max_size, max_total_conditions, required, not_empty },
        chosen: wire.chosen,
        errors: [wire.false_positives, wire.false_negatives],
        objective: ratio(&wire.objective, &part("objective"))?,
        lower_bound: ratio(&wire.lower_bound, &part("lower_bound"))?,
        n_optimal,
        nodes: wire.nodes,
    };
    // What follows from other fields must follow from them.
    let gap = certificate.objective.minus(certificate.lower_bound.min(certificate.objective));
    if gap.map(|gap| gap.to_string()) != Ok(wire.gap) {
        return Err(FormatError::new(&part("gap"), "it is not the objective less the lower bound").into());
    }
    if certificate.is_proven() != wire.proven {
        return Err(FormatError::new(&part("proven"), "it does not fit objective and lower bound").into());
    }
    Ok(certificate)
}

fn read_count(wire: WireCount) -> Result<CountCertificate, ReadError> {
    let number = |text: &String, at: &str| {
        text.parse::<BigUint>().map_err(|_| FormatError::new(at, "it must be digits"))
    };
    let identity = identity(&wire.identity)
        .ok_or_else(|| FormatError::new("identity", "no identity of this program"))?;
    let max_size = wire.max_size.map(|most| usize::try_from(most).unwrap_or(usize::MAX));
    Ok(CountCertificate {
        universe: read_universe(wire.universe, "the count")?,
        within: Within {
            theta: ratio(&wire.theta, "theta")?,
            include_empty: wire.include_empty,
            identity,
            max_size,
        },
        count: number(&wire.count, "count")?,
        by_size: wire.by_size.iter().map(|text| number(text, "by_size")).collect::<Result<_, _>>()?,
    })
}
