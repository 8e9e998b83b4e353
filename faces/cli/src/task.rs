//! From a file of data to candidate rules over labelled rows.

use std::path::Path;
use std::sync::Arc;

use pellucid::data::binarize::{Binarizing, Cuts, LiteralColumn, Polarity, binarize, rows_equal};
use pellucid::data::read::ReadBatches;
use pellucid::data::table::{Categories, Column};
use pellucid::data::{Control, FeatureId, Ratio, RowSet, Table, Watch, closest};
use pellucid::files::{FileError, open_table};
use pellucid::learn::certificate::Universe;
use pellucid::learn::mine::{Keep, Mined, Mining, Rank, mine, warnings};
use pellucid::learn::{Instance, Objective, Searching};
use pellucid::models::rules::Rule;

use crate::args::Reading;
use crate::console::Console;
use crate::explaining::read_options;
use crate::failure::Failure;
use crate::rule_args::{self, CandidatesName, CutsName, LiteralsName, MissingName, RankName, Support};

/// Candidates that are kept unless the user says otherwise.
const MOST_RULES: usize = 500;

/// What is learned from.
pub(crate) struct Prepared {
    pub(crate) table: Table,
    pub(crate) literals: Vec<LiteralColumn>,
    pub(crate) mined: Mined,
    pub(crate) rules: Vec<Rule>,
    pub(crate) instance: Instance,
    pub(crate) objective: Objective,
    pub(crate) positive: String,
    /// The other value where there are two, else `not ...`.
    pub(crate) default: String,
    pub(crate) warnings: Vec<String>,
}

/// A whole table in memory.
pub(crate) fn read_all(path: &Path, reading: &Reading) -> Result<Table, Failure> {
    let mut reader = open_table(path, &read_options(reading))?;
    let schema = Arc::new(reader.schema().clone());
    let mut columns: Vec<Column> = Vec::new();
    let mut n_rows = 0;
    while let Some(batch) = next(reader.as_mut(), path)? {
        n_rows += batch.n_rows();
        if columns.is_empty() {
            columns = batch.into_columns();
            continue;
        }
        columns.iter_mut().zip(batch.columns()).for_each(|(all, part)| append(all, part));
    }
    if n_rows == 0 {
        return Err(Failure::Input(format!("{}: it has no rows", path.display())));
    }
    Table::new(schema, columns, n_rows).ok_or_else(|| Failure::Bug("batches of different columns".to_owned()))
}

fn next(reader: &mut dyn ReadBatches, path: &Path) -> Result<Option<Table>, Failure> {
    reader.next_batch().map_err(|cause| FileError::table(path, cause).into())
}

fn append(all: &mut Column, part: &Column) {
    match (all, part) {
        (Column::Number(all), Column::Number(part)) => all.extend(part),
        (Column::Category(all), Column::Category(part)) => {
            let levels = Arc::make_mut(&mut all.levels);
            let code = |level: &String| {
                levels.iter().position(|known| known == level).unwrap_or_else(|| {
                    levels.push(level.clone());
                    levels.len() - 1
                }) as u32
            };
            let codes: Vec<u32> = part.levels.iter().map(code).collect();
            all.codes.extend(
                part.codes.iter().map(|&c| codes.get(c as usize).copied().unwrap_or(Categories::MISSING)),
            );
        }
        // A reader keeps the kinds of its schema.
        _ => {}
    }
}

/// A column by name, or an error that says what was probably meant.
pub(crate) fn position(table: &Table, name: &str, what: &str) -> Result<usize, Failure> {
    table.schema().position(name).ok_or_else(|| {
        let near =
            closest(name, table.schema().names()).map_or(String::new(), |near| format!("; is it `{near}`?"));
        let names: Vec<&str> = table.schema().names().take(12).collect();
        Failure::Input(format!(
            "{what} `{name}` is no column of the data{near} (columns: {}, ...)",
            names.join(", ")
        ))
    })
}

/// The distinct values of a target with their number of rows, as people spell them.
pub(crate) fn values(column: &Column) -> Vec<(String, usize)> {
    let mut found: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    match column {
        Column::Number(values) => {
            // Spelled once a value, not once a row.
            let mut bits: Vec<u64> = values.iter().filter(|x| !x.is_nan()).map(|x| x.to_bits()).collect();
            bits.sort_unstable();
            for same in bits.chunk_by(|a, b| a == b) {
                *found.entry(f64::from_bits(same[0]).to_string()).or_default() += same.len();
            }
        }
        Column::Category(text) => {
            for row in 0..column.len() {
                if let Some(level) = text.text(row) {
                    *found.entry(level.to_owned()).or_default() += 1;
                }
            }
        }
    }
    found.into_iter().collect()
}

/// The value that rules predict, and what the others are called.
fn positive(args: &rule_args::Task, column: &Column) -> Result<(String, String), Failure> {
    let found = values(column);
    let target = &args.target;
    let spelled = |values: &[(String, usize)]| {
        let some: Vec<String> =
            values.iter().take(8).map(|(value, n)| format!("`{value}` ({n} rows)")).collect();
        some.join(", ")
    };
    if found.len() < 2 {
        let only = spelled(&found);
        return Err(Failure::Input(format!(
            "target `{target}` has only one value, {only}: there is nothing to tell apart"
        )));
    }
    let positive = match &args.positive {
        Some(value) => {
            let known = found.iter().find(|(known, _)| {
                known == value || number(known).is_some() && number(known) == number(value)
            });
            known.map(|(known, _)| known.clone()).ok_or_else(|| {
                Failure::Input(format!(
                    "target `{target}` is never `{value}`; its values are {}",
                    spelled(&found)
                ))
            })?
        }
        None if found.len() > 2 => {
            return Err(Failure::Input(format!(
                "target `{target}` has {} values, {}; name the one that rules shall predict with --positive, or learn all with `rules learn --one-vs-rest`",
                found.len(),
                spelled(&found)
            )));
        }
        None => {
            let one =
                found.iter().find(|(value, _)| ["1", "true", "True", "yes", "Yes"].contains(&value.as_str()));
            let rarer = found.iter().min_by_key(|(_, n)| *n);
            one.or(rarer).map(|(value, _)| value.clone()).unwrap_or_default()
        }
    };
    let default = match found.iter().filter(|(value, _)| *value != positive).collect::<Vec<_>>().as_slice() {
        [(other, _)] => other.clone(),
        _ => format!("not {positive}"),
    };
    Ok((positive, default))
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

/// One weight a row: 1, or what a column says; 0 where there is no target.
pub(crate) fn row_weights(
    column: Option<&str>,
    target_name: &str,
    table: &Table,
    target: &Column,
    console: &Console,
) -> Result<Vec<u32>, Failure> {
    let mut weights = vec![1; table.n_rows()];
    if let Some(name) = column {
        let Column::Number(values) = &table.columns()[position(table, name, "the column of weights")?] else {
            return Err(Failure::Input(format!("the weights in `{name}` are no numbers")));
        };
        for (row, (weight, &value)) in weights.iter_mut().zip(values).enumerate() {
            if !(value >= 0.0 && value.fract() == 0.0 && value <= f64::from(u32::MAX)) {
                return Err(Failure::Input(format!(
                    "row {row}: weight {value} in `{name}`; weights are whole numbers from 0 on (multiply fractions by a common number)"
                )));
            }
            *weight = value as u32;
        }
    }
    let missing: Vec<usize> = (0..table.n_rows())
        .filter(|&row| match target {
            Column::Number(values) => values[row].is_nan(),
            Column::Category(text) => text.text(row).is_none(),
        })
        .collect();
    if !missing.is_empty() {
        console.note(&format!("{} rows have no `{target_name}` and do not count", missing.len()));
        missing.iter().for_each(|&row| weights[row] = 0);
    }
    Ok(weights)
}

/// Reads the data and finds the candidates.
pub(crate) fn prepare(
    args: &rule_args::Task,
    console: &Console,
    watch: &dyn Watch,
) -> Result<Prepared, Failure> {
    let table = read_all(&args.data, &args.reading)?;
    prepare_table(args, table, console, watch)
}

/// Finds the candidates of a table.
pub(crate) fn prepare_table(
    args: &rule_args::Task,
    table: Table,
    console: &Console,
    watch: &dyn Watch,
) -> Result<Prepared, Failure> {
    let objective = Objective::with_costs(args.lambda, args.cost.0, args.cost.1)?;
    let target = position(&table, &args.target, "the target")?;
    let (positive, default) = positive(args, &table.columns()[target])?;
    let label = rows_equal(&table.columns()[target], &positive);
    let weights =
        row_weights(args.weights.as_deref(), &args.target, &table, &table.columns()[target], console)?;
    let mut left_out = vec![target];
    if let Some(name) = &args.weights {
        left_out.push(position(&table, name, "the column of weights")?);
    }
    for name in &args.drop {
        let dropped = position(&table, name, "the dropped column")?;
        if dropped == target {
            return Err(Failure::Input(format!(
                "`{name}` is the target: no rule uses it, and it can't be dropped (--drop names columns that rules may not use)"
            )));
        }
        left_out.push(dropped);
    }
    for (name, up) in &args.monotone {
        let at = position(&table, name, "the monotone column")?;
        if args.monotone.contains(&(name.clone(), !up)) {
            return Err(Failure::Input(format!(
                "--monotone {name}=+ and {name}=- contradict each other; --drop {name} leaves the column out"
            )));
        }
        if matches!(table.columns()[at], Column::Category(_)) {
            return Err(Failure::Input(format!(
                "--monotone {name}: the column holds categories, which have no direction; --drop {name} leaves it out"
            )));
        }
    }
    let features: Vec<FeatureId> =
        (0..table.columns().len()).filter(|at| !left_out.contains(at)).map(FeatureId::at).collect();
    let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
    let min_support = match args.min_support {
        Support::Count(n) => n,
        Support::Share(share) => {
            let exact = share.times(Ratio::whole(i64::try_from(total).unwrap_or(i64::MAX)))?;
            // Up: a share is a least share.
            u64::try_from(-Ratio::ZERO.minus(exact)?.floor()).unwrap_or(u64::MAX)
        }
    };
    let mut literals = binarize(&table, &features, &label, &weights, &binarizing(args, min_support));
    literals.retain(|literal| {
        let wanted = args.monotone.iter().find(|(name, _)| *name == literal.literal.column);
        wanted.is_none_or(|(_, up)| literal.literal.direction() == Some(*up))
    });
    if literals.is_empty() {
        return Err(no_literal(args, &table, &features, &label, &weights, min_support));
    }
    let mining = Mining {
        max_conditions: args.max_conditions.into(),
        min_support,
        max_rules: Some(args.max_rules.map_or(MOST_RULES, |most| most as usize)),
        keep: if args.candidates == CandidatesName::Closed { Keep::Closed } else { Keep::All },
        rank: if args.rank == RankName::Support { Rank::Support } else { Rank::Gain },
    };
    let mined = mine(&literals, &label, &weights, &mining, watch)?;
    if args.max_rules.is_none() && mined.candidates.len() == MOST_RULES && mined.n_found > MOST_RULES {
        console.note(&format!(
            "{} conjunctions hold often enough; the {MOST_RULES} that lower errors most on their own are candidates (--max-rules K keeps more)",
            mined.n_found
        ));
    }
    let rules: Vec<Rule> =
        mined.candidates.iter().map(|candidate| rule(&literals, &candidate.literals)).collect();
    let warned = warnings(&literals, &mined.candidates, &label, |candidate| {
        rule(&literals, &candidate.literals).to_string()
    });
    let warnings: Vec<String> = warned.iter().map(ToString::to_string).collect();
    warnings.iter().for_each(|warning| console.note(warning));
    let columns = mined.candidates.iter().map(|candidate| candidate.rows.clone()).collect();
    let instance = Instance::new(columns, label, weights)?;
    Ok(Prepared { table, literals, mined, rules, instance, objective, positive, default, warnings })
}

/// Why there is no condition to make rules of.
fn no_literal(
    args: &rule_args::Task,
    table: &Table,
    features: &[FeatureId],
    label: &RowSet,
    weights: &[u32],
    min_support: u64,
) -> Failure {
    let any = binarize(table, features, label, weights, &binarizing(args, 1));
    let of = |literal: &LiteralColumn| literal.rows.iter().map(|row| u64::from(weights[row])).sum::<u64>();
    let says = match any.iter().map(of).max() {
        _ if features.is_empty() => {
            "no column is left beside the target: there is nothing to make rules of".to_owned()
        }
        None => format!(
            "none of the {} columns beside the target tells rows apart: each has one value only, or nothing that can be asked of it",
            features.len()
        ),
        Some(most) if most < min_support => format!(
            "no condition holds in {min_support} rows (weights counted); the most frequent one holds in {most}: lower --min-support"
        ),
        Some(_) => {
            "no condition is left in the directions that --monotone allows; drop a direction, or the column"
                .to_owned()
        }
    };
    Failure::Input(says)
}

fn binarizing(args: &rule_args::Task, min_support: u64) -> Binarizing {
    Binarizing {
        polarity: if args.literals == LiteralsName::Both { Polarity::Both } else { Polarity::Positive },
        cuts: if args.cuts == CutsName::Supervised { Cuts::Supervised } else { Cuts::Quantile },
        bins: args.bins.into(),
        groups: args.groups.into(),
        missing: args.missing_literal == MissingName::Own,
        min_support,
    }
}

fn rule(literals: &[LiteralColumn], conjunction: &[u32]) -> Rule {
    Rule {
        conditions: conjunction.iter().map(|&literal| literals[literal as usize].literal.clone()).collect(),
    }
}

impl Prepared {
    /// What a certificate says of it.
    pub(crate) fn universe(&self, args: &rule_args::Task) -> Universe {
        Universe::of(
            &self.instance,
            &self.objective,
            &self.rules,
            &args.target,
            &self.positive,
            args.weights.as_deref(),
        )
    }

    /// The features of each candidate, numbered as columns of the table.
    pub(crate) fn features(&self) -> Vec<Vec<u32>> {
        let of = |candidate: &pellucid::learn::mine::Candidate| {
            candidate.literals.iter().map(|&literal| self.literals[literal as usize].feature.0).collect()
        };
        self.mined.candidates.iter().map(of).collect()
    }

    /// The rows of some rules on the data they were found in.
    pub(crate) fn rows(&self, rules: &[u32]) -> Vec<RowSet> {
        rules.iter().map(|&rule| self.instance.columns()[rule as usize].clone()).collect()
    }

    /// The rules spelled.
    pub(crate) fn spelled(&self, rules: &[u32]) -> Vec<String> {
        rules.iter().map(|&rule| self.rules[rule as usize].to_string()).collect()
    }
}

/// How a search runs under the console's limits.
pub(crate) fn searching<'a>(args: &rule_args::Task, control: Control<'a>) -> Searching<'a> {
    Searching { most_nodes: args.node_limit, most_bytes: args.memory_limit, ..Searching::with(control) }
}
