//! Which documents does an address compare, as of which day, and what does the person say of their lines?

use std::sync::Arc;

use pellucid_position::Analysis;
use pellucid_position::document::{Document, Span};
use pellucid_position::months::{Day, Month};
use pellucid_position::report::short;
use pellucid_position::review::{Confirmed, Review};

use crate::address::Address;
use crate::failure::{Code, Failure, hint};
use crate::opened::Thing;
use crate::workbench::Workbench;

/// What is compared.
pub(super) struct Asked<'a> {
    /// In the order in which they were opened, as the command would have them.
    pub(super) profile: Vec<&'a Thing>,
    pub(super) posting: &'a Thing,
    pub(super) as_of: Day,
}

impl<'a> Asked<'a> {
    pub(super) fn read(workbench: &'a Workbench, address: &Address) -> Result<Self, Failure> {
        let all: Vec<&Thing> = workbench.things.iter().filter(|thing| thing.document().is_some()).collect();
        let (Some(last), true) = (all.last(), all.len() > 1) else {
            let open = match all.as_slice() {
                [] => "no document is open".to_owned(),
                [only, ..] => format!("{} is the only document that is open", only.title),
            };
            let hint = "a profile is compared with a posting: pellucid workbench profile.md posting.md";
            return Err(Failure::new(Code::NotFound, format!("{open}; {hint}")));
        };
        let named = |id: &str| -> Result<&'a Thing, Failure> {
            let found = workbench.things.iter().find(|thing| thing.id == id && thing.document().is_some());
            found.ok_or_else(|| {
                let hint = hint(id, all.iter().map(|thing| thing.id.as_str()));
                Failure::new(Code::NotFound, format!("no document `{id}` is open{hint}"))
            })
        };
        let posting = address.one("posting")?.map_or(Ok(*last), named)?;
        let wanted: Vec<&Thing> = address.all("profile").map(named).collect::<Result<_, _>>()?;
        if wanted.iter().any(|thing| thing.id == posting.id) {
            let text = format!("profile={}: it is the posting; the profile is other documents", posting.id);
            return Err(Failure::usage(text));
        }
        let is_wanted = |thing: &&Thing| {
            thing.id != posting.id && (wanted.is_empty() || wanted.iter().any(|wanted| wanted.id == thing.id))
        };
        let profile = all.iter().copied().filter(is_wanted).collect();
        let as_of = address.one("as_of")?.map_or(Ok(workbench.opened), day)?;
        Ok(Self { profile, posting, as_of })
    }

    /// The profile's documents, then the posting, as an analysis counts them.
    pub(super) fn things(&self) -> impl Iterator<Item = &Thing> {
        self.profile.iter().copied().chain([self.posting])
    }

    pub(super) fn documents(&self) -> Vec<Arc<Document>> {
        self.things().filter_map(Thing::document).map(Arc::clone).collect()
    }

    /// What tells it from other comparisons.
    pub(super) fn key(&self) -> String {
        let ids: Vec<&str> = self.things().map(|thing| thing.id.as_str()).collect();
        format!("{} as of {}", ids.join("\n"), self.as_of)
    }

    /// What the person says, of facts that are there.
    pub(super) fn review(&self, address: &Address, analysis: &Analysis) -> Result<Review, Failure> {
        let rejected = address.all("reject").map(|id| self.fact("reject", id, analysis));
        let confirmed = address.all("confirm").map(|text| {
            let parts = text.split_once(':');
            let (requirement, id) = parts.ok_or_else(|| {
                Failure::usage(format!("confirm={text}: it is a requirement and a fact, as R3:profile:10-42"))
            })?;
            if !analysis.requirements.iter().any(|asked| asked.id == requirement) {
                let all: Vec<String> = analysis
                    .requirements
                    .iter()
                    .map(|asked| format!("{} ({})", asked.id, short(analysis, &asked.node)))
                    .collect();
                let text = format!(
                    "confirm={text}: the posting has no requirement {requirement}; it has {}",
                    all.join(", ")
                );
                return Err(Failure::new(Code::NotFound, text));
            }
            let fact = self.fact("confirm", id, analysis)?;
            Ok(Confirmed { requirement: requirement.to_owned(), fact })
        });
        let mut review = Review {
            rejected: rejected.collect::<Result<_, _>>()?,
            confirmed: confirmed.collect::<Result<_, _>>()?,
        };
        review.rejected.sort();
        review.rejected.dedup();
        review.confirmed.sort();
        review.confirmed.dedup();
        Ok(review)
    }

    /// The fact that `profile:10-42` names.
    fn fact(&self, parameter: &str, id: &str, analysis: &Analysis) -> Result<Span, Failure> {
        let read = || {
            let (document, bytes) = id.rsplit_once(':')?;
            let (start, end) = bytes.split_once('-')?;
            Some((document, start.parse::<usize>().ok()?, end.parse::<usize>().ok()?))
        };
        let Some((name, start, end)) = read() else {
            let text =
                format!("{parameter}={id}: a fact is a document and its bytes there, as profile:10-42");
            return Err(Failure::usage(text));
        };
        let Some(document) = self.profile.iter().position(|thing| thing.id == name) else {
            let hint = hint(name, self.profile.iter().map(|thing| thing.id.as_str()));
            let text = format!("{parameter}={id}: the profile has no document `{name}`{hint}");
            return Err(Failure::new(Code::NotFound, text));
        };
        let span = Span { document, start, end };
        let own = analysis.profile.facts.iter().map(|fact| &fact.span).filter(|own| own.document == document);
        if own.clone().any(|own| *own == span) {
            return Ok(span);
        }
        let near = own.min_by_key(|own| own.start.abs_diff(start).saturating_add(own.end.abs_diff(end)));
        let hint = near.map_or(String::new(), |near| {
            let said: String = analysis.quote(near).chars().take(60).collect();
            format!("; the nearest is {name}:{}-{}, “{said}”", near.start, near.end)
        });
        let text = format!("{parameter}={id}: no fact of {name} stands at these bytes{hint}");
        Err(Failure::new(Code::NotFound, text))
    }

    /// The same on the command line and in Python.
    pub(super) fn again(&self) -> (String, String) {
        let named: Vec<(String, String)> =
            self.things().map(|thing| super::super::named(&thing.source)).collect();
        let shell: Vec<&str> = named.iter().map(|name| name.0.as_str()).collect();
        let python: Vec<&str> = named.iter().map(|name| name.1.as_str()).collect();
        let (posting, profile) = python.split_last().map_or(("", &[][..]), |(last, rest)| (*last, rest));
        (
            format!("pellucid position {} --as-of {}", shell.join(" "), self.as_of),
            format!(
                "import pellucid as pel\n\nreport = pel.position.analyze([{}], {posting}, as_of=\"{}\")\nprint(report.fit, report.requirements)\n",
                profile.join(", "),
                self.as_of
            ),
        )
    }
}

/// `2025-01-31`, or `2025-01` for its last day, as the command reads it.
fn day(text: &str) -> Result<Day, Failure> {
    let mut parts = text.split('-').map(str::parse::<i32>);
    let found = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Ok(year @ 1900..=2200)), Some(Ok(month @ 1..=12)), None, None) => {
            Some(Day::end_of(Month::new(year, month)))
        }
        (Some(Ok(year @ 1900..=2200)), Some(Ok(month)), Some(Ok(day)), None) => {
            u8::try_from(day).ok().and_then(|day| Day::new(year, month, day))
        }
        _ => None,
    };
    found.ok_or_else(|| {
        Failure::usage(format!("as_of={text}: a day is written as YYYY-MM-DD or YYYY-MM, as 2025-01-31"))
    })
}
