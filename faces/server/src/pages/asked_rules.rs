//! What is asked of a table before rules are searched? The options of `rules learn`, as they stand in an address.

use pellucid::data::Ratio;
use pellucid::data::Table;
use pellucid::data::table::Column;
use pellucid::learn::certificate::Conditions;
use pellucid::learn::task::{TaskOptions, values};
use serde_json::{Value, json};

use crate::address::Address;
use crate::failure::{Code, Failure, hint};

/// Values that a target has, at most.
const MOST_VALUES: usize = 20;

/// The names of all of them.
pub(super) const PARAMETERS: [&str; 16] = [
    "data",
    "target",
    "positive",
    "weights",
    "drop",
    "lambda",
    "cost",
    "max_conditions",
    "min_support",
    "bins",
    "groups",
    "max_rules",
    "max_size",
    "require",
    "exclude_empty",
    "seconds",
];

/// A column that could be a target, with its values.
pub(super) struct Target {
    pub(super) name: String,
    pub(super) values: Vec<(String, usize)>,
}

impl Target {
    pub(super) fn told(&self) -> Value {
        json!({"name": self.name, "values": self.values.iter().map(|(value, rows)| json!({"value": value, "rows": rows})).collect::<Vec<_>>()})
    }
}

/// Columns with few values, in the table's order.
pub(super) fn targets(table: &Table) -> Vec<Target> {
    let few = |column: &Column| match column {
        Column::Category(text) => text.levels.len() <= MOST_VALUES,
        Column::Number(numbers) => {
            let mut seen: Vec<u64> = Vec::new();
            numbers.iter().filter(|x| !x.is_nan()).all(|x| {
                if !seen.contains(&x.to_bits()) {
                    seen.push(x.to_bits());
                }
                seen.len() <= MOST_VALUES
            })
        }
    };
    let fields = table.schema().fields.iter().zip(table.columns());
    let of = |(field, column): (&pellucid::data::Field, &Column)| {
        let values = if few(column) { values(column) } else { Vec::new() };
        (values.len() >= 2).then(|| Target { name: field.name.clone(), values })
    };
    fields.filter_map(of).collect()
}

/// The options of an address. Without a target the last column of two values is it, else the last of few.
pub(super) fn options(address: &Address, table: &Table, targets: &[Target]) -> Result<TaskOptions, Failure> {
    let target = match address.one("target")? {
        Some(name) if table.schema().position(name).is_some() => name.to_owned(),
        Some(name) => {
            let hint = hint(name, table.schema().fields.iter().map(|field| field.name.as_str()));
            return Err(Failure::new(
                Code::NotFound,
                format!("target={name}: the data has no column `{name}`{hint}"),
            ));
        }
        None => {
            let two = targets.iter().rev().find(|target| target.values.len() == 2).or(targets.last());
            let none = || {
                Failure::input(format!(
                    "no column has between 2 and {MOST_VALUES} values, so that rules could predict one of them"
                ))
            };
            two.ok_or_else(none)?.name.clone()
        }
    };
    let mut options = TaskOptions::new(&target);
    options.positive = address.one("positive")?.map(str::to_owned);
    options.weights = address.one("weights")?.map(str::to_owned);
    options.drop = address.all("drop").map(str::to_owned).collect();
    if let Some(text) = address.one("lambda")? {
        options.lambda = ratio("lambda", text)?;
    }
    if let Some(text) = address.one("cost")? {
        let parts = text.split_once(':').and_then(|(fp, fnn)| Some((fp.parse().ok()?, fnn.parse().ok()?)));
        options.cost = parts
            .ok_or_else(|| Failure::usage(format!("cost={text}: costs are written as FP:FN, as 1:5")))?;
    }
    if let Some(text) = address.one("min_support")? {
        options.min_support =
            text.parse().map_err(|cause| Failure::usage(format!("min_support={text}: {cause}")))?;
    }
    let within = |name: &'static str, [least, most]: [usize; 2]| -> Result<Option<usize>, Failure> {
        let Some(n) = address.number::<usize>(name)? else { return Ok(None) };
        if (least..=most).contains(&n) {
            return Ok(Some(n));
        }
        Err(Failure::usage(format!("{name}={n}: it is between {least} and {most}")))
    };
    options.max_conditions = within("max_conditions", [1, 64])?.unwrap_or(options.max_conditions);
    options.bins = within("bins", [2, 256])?.unwrap_or(options.bins);
    options.groups = within("groups", [0, 65_535])?.unwrap_or(options.groups);
    options.max_rules = within("max_rules", [1, 65_536])?;
    Ok(options)
}

/// What a set must satisfy.
pub(super) fn conditions(address: &Address) -> Result<Conditions, Failure> {
    let exclude = address.one("exclude_empty")?;
    if let Some(other) = exclude.filter(|&word| word != "1") {
        return Err(Failure::usage(format!("exclude_empty={other}: it is 1, or not there")));
    }
    Ok(Conditions {
        max_size: address.number::<u64>("max_size")?,
        max_total_conditions: None,
        required: address.all("require").map(str::to_owned).collect(),
        not_empty: exclude.is_some(),
    })
}

pub(super) fn ratio(name: &str, text: &str) -> Result<Ratio, Failure> {
    text.parse().map_err(|cause| Failure::usage(format!("{name}={text}: {cause}")))
}

/// The options of a command that differ from its defaults, as words.
pub(super) fn words(address: &Address, options: &TaskOptions) -> String {
    let mut words = format!(" --target={}", super::in_shell_if_needed(&options.target));
    for name in
        PARAMETERS.iter().filter(|&&name| !["data", "target", "seconds", "exclude_empty"].contains(&name))
    {
        for value in address.all(name) {
            // With `=`, since a value may begin with a dash.
            words += &format!(" --{}={}", name.replace('_', "-"), super::in_shell_if_needed(value));
        }
    }
    if address.all("exclude_empty").next().is_some() {
        words += " --exclude-empty";
    }
    words
}

/// The same as arguments of Python.
pub(super) fn in_python_words(address: &Address) -> Vec<String> {
    let mut named = Vec::new();
    let texts =
        ["lambda", "min_support", "cost", "positive", "weights", "theta", "within", "times", "identity"];
    for name in texts {
        let own = if name == "lambda" { "lam" } else { name };
        named.extend(address.all(name).map(|value| format!("{own}={}", super::in_python(value))));
    }
    for name in ["max_conditions", "bins", "groups", "max_rules", "max_size"] {
        // As a number: Python reads 007 otherwise.
        let numbers = address.all(name).filter_map(|value| value.parse::<u64>().ok());
        named.extend(numbers.map(|value| format!("{name}={value}")));
    }
    for name in ["drop", "require"] {
        let all: Vec<String> = address.all(name).map(super::in_python).collect();
        if !all.is_empty() {
            named.push(format!("{name}=[{}]", all.join(", ")));
        }
    }
    if address.all("exclude_empty").next().is_some() {
        named.push("exclude_empty=True".to_owned());
    }
    named
}
