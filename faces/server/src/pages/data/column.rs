//! What stands in one column, and is it so in all groups of rows?

use pellucid::data::summary::{Bars, Part, Split, Summary, Values, median, tally};
use pellucid::data::{Column, Field, Kind, RowSet};
use pellucid::views::histogram::{Group, Histogram};
use pellucid::views::number::{others, percent};
use serde_json::{Value, json};

use super::described::HOW;
use super::words::{exact, level, most_common, number};

/// Numbers of so few values have a bar for each.
const FEW: usize = 10;

/// A column with its rows.
#[derive(Clone, Copy)]
pub(super) struct Own<'a> {
    pub(super) field: &'a Field,
    pub(super) column: &'a Column,
    pub(super) summary: &'a Summary,
    pub(super) rows: &'a RowSet,
}

/// What a bar or a group is called, and the conditions that its rows meet; none where it takes more than conditions to say.
pub(super) type Lead = (String, Vec<String>);

/// What the lines of a picture and its groups stand for.
pub(super) struct Leads {
    pub(super) bars: Vec<Lead>,
    /// What values without a bar are called, where there are some.
    pub(super) others: Option<String>,
    pub(super) has_missing: bool,
    pub(super) parts: Vec<Lead>,
    /// Whether the middle of each group is told.
    pub(super) has_medians: bool,
    missing: String,
}

impl Leads {
    pub(super) fn to_json(&self) -> Value {
        let bars: Vec<Value> =
            self.bars.iter().map(|(name, conditions)| json!({"name": name, "where": conditions})).collect();
        let parts: Vec<&Vec<String>> = self.parts.iter().map(|(_, conditions)| conditions).collect();
        json!({"bars": bars, "parts": parts, "missing": [self.missing]})
    }
}

/// Rows in groups, by what, and what each is called.
pub(super) struct Groups {
    pub(super) split: Split,
    pub(super) by: String,
    pub(super) names: Vec<String>,
    /// Conditions that a row of the group meets.
    pub(super) conditions: Vec<Vec<String>>,
}

/// Bars, what each is called, and the conditions that its rows meet.
struct Named {
    bars: Bars,
    names: Vec<String>,
    conditions: Vec<Vec<String>>,
}

impl Groups {
    /// Groups by a column.
    pub(super) fn by(field: &Field, column: &Column, split: Split) -> Self {
        let (name, kind) = (&field.name, field.kind);
        let of = |part: &Part| match *part {
            Part::Level(code) => (level(column, code), vec![is_level(name, column, code)]),
            Part::Value(x) => (number(x, kind), vec![format!("{name}:=:{}", exact(x, kind))]),
            Part::UpTo(x) => {
                (format!("up to {}", number(x, kind)), vec![format!("{name}:<=:{}", exact(x, kind))])
            }
            Part::Above(x) => {
                (format!("above {}", number(x, kind)), vec![format!("{name}:>:{}", exact(x, kind))])
            }
            Part::Others(n) => (others(n), Vec::new()),
            Part::Missing => ("missing".to_owned(), vec![format!("{name}:missing")]),
        };
        let (names, conditions) = split.parts.iter().map(of).unzip();
        Self { split, by: name.clone(), names, conditions }
    }
}

fn is_level(name: &str, column: &Column, code: u32) -> String {
    let text = match column {
        Column::Category(own) => own.levels.get(code as usize).map_or("", String::as_str),
        Column::Number(_) => "",
    };
    format!("{name}:=:{text}")
}

impl Own<'_> {
    /// Bars for its values.
    fn named(&self) -> Named {
        let (name, kind) = (&self.field.name, self.field.kind);
        let nothing = Named { bars: Bars::Values(Vec::new()), names: Vec::new(), conditions: Vec::new() };
        match &self.summary.values {
            Values::Nothing => nothing,
            Values::Text(text) => {
                let codes: Vec<u32> = text.common.iter().map(|one| one.0).collect();
                Named {
                    names: codes.iter().map(|&code| level(self.column, code)).collect(),
                    conditions: codes.iter().map(|&code| vec![is_level(name, self.column, code)]).collect(),
                    bars: Bars::Levels(codes),
                }
            }
            Values::Numbers(numbers) if self.summary.n_distinct <= FEW => {
                let mut values: Vec<f64> = numbers.common.iter().map(|one| one.0).collect();
                values.sort_by(f64::total_cmp);
                Named {
                    names: values.iter().map(|&x| number(x, kind)).collect(),
                    conditions: values
                        .iter()
                        .map(|&x| vec![format!("{name}:=:{}", exact(x, kind))])
                        .collect(),
                    bars: Bars::Values(values),
                }
            }
            Values::Numbers(numbers) => {
                let edges = &numbers.bins.0;
                let last = edges.len().saturating_sub(2);
                let is_whole = kind == Kind::Integer;
                let of = |(at, pair): (usize, &[f64])| {
                    let &[from, to] = pair else { return Default::default() };
                    // The last bin holds its upper edge, where that is the largest number.
                    let (below, is_closed) =
                        if at == last && numbers.high >= to { ("<=", true) } else { ("<", false) };
                    let said = match (is_whole && !is_closed, to - from) {
                        (true, 1.0) => number(from, kind),
                        (true, _) => format!("{} to {}", number(from, kind), number(to - 1.0, kind)),
                        _ if is_closed => format!("from {} to {}", number(from, kind), number(to, kind)),
                        _ => format!("from {} to below {}", number(from, kind), number(to, kind)),
                    };
                    let conditions = vec![
                        format!("{name}:>=:{}", exact(from, kind)),
                        format!("{name}:{below}:{}", exact(to, kind)),
                    ];
                    (said, conditions)
                };
                let (names, conditions) = edges.windows(2).enumerate().map(of).unzip();
                Named { bars: Bars::Edges(edges.clone()), names, conditions }
            }
        }
    }

    /// What is found where all rows are one group.
    fn title(&self, named: &Named) -> String {
        let (name, kind) = (&self.field.name, self.field.kind);
        match &self.summary.values {
            Values::Nothing => format!("{name} has no value in these rows"),
            Values::Numbers(numbers) if matches!(named.bars, Bars::Edges(_)) => {
                let [low, _, high] = numbers.quartiles.map(|x| number(x, kind));
                if low == high {
                    format!("{name} is {low} in at least half of the rows that have a value")
                } else {
                    format!("Half of {name} lies between {low} and {high}")
                }
            }
            _ => {
                let n = self.summary.most_common();
                let share = percent(n as f64 / self.summary.n_rows.max(1) as f64);
                format!("{name} is {} in {share}", most_common(self.column, kind, self.summary))
            }
        }
    }

    /// The picture, and what its bars and groups stand for.
    pub(super) fn told(&self, subtitle: &str, groups: Option<&Groups>) -> (Histogram, Leads) {
        let named = self.named();
        let counts = tally(self.column, self.rows, &named.bars, groups.map(|groups| &groups.split));
        let edges = if let Bars::Edges(edges) = &named.bars { Some(edges.clone()) } else { None };
        let n_more = self.summary.n_distinct - named.names.len().min(self.summary.n_distinct);
        let mut drawn = Vec::with_capacity(counts.len());
        for (part, (mut own, (n_rows, mut values))) in
            counts.into_iter().zip(self.by_part(groups)).enumerate()
        {
            let n_others = own.pop().unwrap_or(0);
            let n_missing = n_rows - own.iter().sum::<usize>() - n_others;
            let name = groups.and_then(|groups| groups.names.get(part).cloned()).unwrap_or_default();
            let has_median = edges.is_some() && !values.is_empty();
            let middle = has_median.then(|| number(median(&mut values), self.field.kind));
            drawn.push(Group { name, counts: own, n_others, n_missing, median: middle });
        }
        let title = self.title(&named);
        let histogram = Histogram {
            title,
            subtitle: subtitle.to_owned(),
            column: self.field.name.clone(),
            names: named.names.clone(),
            others: if edges.is_some() { "infinite".to_owned() } else { others(n_more) },
            edges,
            by: groups.map(|groups| groups.by.clone()),
            groups: drawn,
        };
        let some = |of: fn(&Group) -> usize| histogram.groups.iter().any(|group| of(group) > 0);
        let leads = Leads {
            others: some(|group| group.n_others).then(|| histogram.others.clone()),
            has_missing: some(|group| group.n_missing),
            has_medians: histogram.edges.is_some(),
            bars: named.names.into_iter().zip(named.conditions).collect(),
            parts: groups.map_or(Vec::new(), |groups| {
                groups.names.iter().cloned().zip(groups.conditions.iter().cloned()).collect()
            }),
            missing: format!("{}:missing", self.field.name),
        };
        (histogram, leads)
    }

    /// How many rows each part has, and the numbers in them.
    fn by_part(&self, groups: Option<&Groups>) -> Vec<(usize, Vec<f64>)> {
        let mut parts = vec![(0, Vec::new()); groups.map_or(1, |groups| groups.split.parts.len())];
        for row in self.rows.iter() {
            let part = groups.map_or(Some(0), |groups| groups.split.part(row));
            let Some(own) = part.and_then(|part| parts.get_mut(part)) else { continue };
            own.0 += 1;
            if let Column::Number(all) = self.column {
                own.1.extend(all.get(row).copied().filter(|x| !x.is_nan()));
            }
        }
        parts
    }

    /// A small picture: how many rows stand at each bar, from the first to the last.
    pub(super) fn small(&self) -> Vec<usize> {
        match &self.summary.values {
            Values::Nothing => Vec::new(),
            Values::Text(text) => text.common.iter().take(HOW.bins).map(|one| one.1).collect(),
            Values::Numbers(numbers) if self.summary.n_distinct <= FEW => {
                let mut values = numbers.common.clone();
                values.sort_by(|a, b| a.0.total_cmp(&b.0));
                values.into_iter().map(|one| one.1).collect()
            }
            Values::Numbers(numbers) => numbers.bins.1.clone(),
        }
    }
}
