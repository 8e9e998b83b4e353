//! What should the person be asked, by themselves and by an interviewer? A question that fits the kind of thing it is
//! about.

use super::say::{list, short};
use crate::analysis::{Analysis, leaves};
use crate::concepts::ConceptKind;
use crate::judge::Verdict;
use crate::model::{Need, Node, Status};

/// What kind of thing a requirement asks for, as far as a question about it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Something that one can do or has worked with.
    Thing,
    /// What one is like.
    Trait,
    /// What one cares for.
    Interest,
    /// So many years.
    Years,
    /// A degree.
    Degree,
    /// A natural language.
    Language,
    /// A licence, a permit, a place.
    Paper,
    /// Things of several kinds.
    Several,
    /// Words that no table knows.
    Words,
}

fn manner(node: &Node) -> Manner {
    match &node.need {
        Need::Concept(concept) => match concept.kind() {
            ConceptKind::Trait => Manner::Trait,
            ConceptKind::Licence => Manner::Paper,
            _ => Manner::Thing,
        },
        Need::Several(..) | Need::Publications(_) | Need::Amount(..) => Manner::Thing,
        Need::Interest(_) => Manner::Interest,
        Need::Years { .. } => Manner::Years,
        Need::Degree { .. } => Manner::Degree,
        Need::Language(..) => Manner::Language,
        Need::Place(_) | Need::WorkPermit(_) => Manner::Paper,
        Need::Words(_) => Manner::Words,
        Need::AnyOf(nodes) => nodes.first().map_or(Manner::Words, manner),
        Need::AllOf(nodes) if nodes.iter().any(|node| matches!(node.need, Need::Words(_))) => Manner::Words,
        Need::AllOf(nodes) => together(nodes.iter()),
    }
}

/// One manner where all agree; else what can be said of anything.
fn together<'a>(nodes: impl Iterator<Item = &'a Node>) -> Manner {
    let mut manners = nodes.map(manner);
    let first = manners.next().unwrap_or(Manner::Words);
    if manners.all(|other| other == first) { first } else { Manner::Several }
}

/// The parts of a requirement that are not fully shown.
fn open_parts<'a>(node: &'a Node, verdict: &Verdict) -> Vec<&'a Node> {
    match &node.need {
        // Where the posting's own words are quoted whole, so are they here.
        Need::AllOf(nodes) if nodes.iter().any(|node| matches!(node.need, Need::Words(_))) => vec![node],
        Need::AllOf(nodes) if nodes.len() == verdict.parts.len() => nodes
            .iter()
            .zip(&verdict.parts)
            .filter(|(_, part)| part.status < Status::Met)
            .map(|(node, _)| node)
            .collect(),
        _ => vec![node],
    }
}

struct Case<'a> {
    verdict: &'a Verdict,
    /// What is asked, in a few words.
    what: String,
    /// What of it is open, in a few words.
    open: String,
    manner: Manner,
    /// Whether something besides the open parts is shown.
    has_rest: bool,
    rules: Vec<&'static str>,
}

impl<'a> Case<'a> {
    fn new(analysis: &'a Analysis, at: usize) -> Self {
        let (node, verdict) = (&analysis.requirements[at].node, &analysis.verdicts[at]);
        let parts = open_parts(node, verdict);
        let names: Vec<String> = parts.iter().take(4).map(|part| short(analysis, part)).collect();
        Self {
            verdict,
            what: short(analysis, node),
            open: list(&names, "and"),
            manner: together(parts.iter().copied()),
            has_rest: verdict.parts.iter().any(|part| part.status == Status::Met)
                && parts.len() < verdict.parts.len(),
            rules: leaves(verdict).iter().map(|leaf| leaf.rule).collect(),
        }
    }

    /// "3 years of Terraform" without the number: Terraform.
    fn area(&self) -> String {
        self.open.split_once(" of ").map_or(self.open.clone(), |(_, area)| area.to_owned())
    }

    /// Whether years are stated or shown in part, so that dates are what is missing.
    fn lacks_dates(&self) -> bool {
        self.rules.iter().any(|rule| matches!(*rule, "years.claimed" | "years.most"))
    }
}

/// What to ask oneself about a requirement.
#[must_use]
pub fn question(analysis: &Analysis, at: usize) -> String {
    let case = Case::new(analysis, at);
    let (what, open) = (&case.what, &case.open);
    match (case.verdict.status, case.manner) {
        (Status::ClaimOnly, Manner::Interest) => {
            "You say that it matters to you. What have you done about it, however small?".to_owned()
        }
        (Status::ClaimOnly, Manner::Years) => {
            "In which roles, from which month to which? The dates that are there do not add up to it."
                .to_owned()
        }
        (Status::ClaimOnly, Manner::Trait) => {
            format!("You say it of yourself. When did {what} make a difference, and how could one tell?")
        }
        (Status::ClaimOnly, _) => {
            format!("You name {open}. Where did you use it, what was your part, and what came of it?")
        }
        (Status::Transferable, _) => {
            format!(
                "You show something similar. What of it carries over to {open}, and how soon could you show the rest?"
            )
        }
        (Status::Unknown, _) if case.rules.contains(&"near.speaks") => {
            "One line comes near. Is it the same thing? If so, say it in the posting's own words.".to_owned()
        }
        (Status::Unknown, _) if case.rules.contains(&"years.vague") => {
            "In which months did these roles begin and end? Years alone leave it open.".to_owned()
        }
        (Status::Unknown, Manner::Years) => {
            "Which of your roles count towards it? You know; the documents do not say.".to_owned()
        }
        (Status::Unknown, _) => {
            format!("Only you can say how it stands with {open}. Say it in one sentence.")
        }
        (Status::Partial, Manner::Words) => {
            "Part of it is there. Which example would show the rest?".to_owned()
        }
        (Status::Partial, Manner::Trait) if case.verdict.rule == "trait.twice" => {
            "Part of it is there. Which third situation would show it best?".to_owned()
        }
        (Status::Partial, _) => {
            format!("Part of it is there. What is open is {open}: which example would show it?")
        }
        (_, Manner::Years) => {
            format!(
                "Which roles, with their months, were work with {}? Name what they had to do with it.",
                case.area()
            )
        }
        (_, Manner::Trait) => {
            format!("When did you show {open}? One situation, what you did, and what came of it.")
        }
        (_, Manner::Interest) => {
            format!("Is there {open}? Say since when, and one thing that you did about it.")
        }
        (_, Manner::Degree) => {
            format!("Do you have {open}, or what you would call its equal? Add it with its year.")
        }
        (_, Manner::Language) => format!("At which level do you have {open}, and where did you use it?"),
        (_, Manner::Paper) => {
            format!("Do you have it ({open})? Add it with its date, or say when you could.")
        }
        (_, Manner::Words) => {
            "What have you done that answers to this? One concrete example is enough.".to_owned()
        }
        (_, Manner::Several) => "Which of these have you done or do you have? One example for each is enough.".to_owned(),
        (_, Manner::Thing) => {
            "Have you done anything of the kind, at work, in studies or on your own? One concrete example is enough.".to_owned()
        }
    }
}

/// What an interviewer may ask, and how the documents leave one to answer it.
#[must_use]
pub fn probe(analysis: &Analysis, at: usize) -> String {
    let case = Case::new(analysis, at);
    let open = &case.open;
    match (case.verdict.status, case.manner) {
        (Status::ClaimOnly, Manner::Interest) => {
            "“Why does this matter to you?” Have one thing ready that you did about it.".to_owned()
        }
        (Status::ClaimOnly, Manner::Trait) => {
            "“Give me an example.” The documents say it of you and tell no story.".to_owned()
        }
        (Status::ClaimOnly, Manner::Years) => {
            "“Walk me through these years.” The dates must add up.".to_owned()
        }
        (Status::ClaimOnly, _) => {
            format!("“Tell me about a time when you used {open}.” The documents name it and tell no story.")
        }
        (Status::Partial, Manner::Degree) => {
            "“How does what you studied fit?” A lower degree, or one in another field, is shown.".to_owned()
        }
        (Status::Partial, Manner::Words | Manner::Several) => {
            "“How far does your experience go here?” Part of it is shown.".to_owned()
        }
        (Status::Partial, _) if case.has_rest => format!("“And how is it with {open}?” The rest is shown."),
        (Status::Partial, _) => format!("“And how is it with {open}?” Part of it is shown."),
        (Status::Transferable, _) => {
            format!("“You have worked with something else; why would {open} be no problem?”")
        }
        (Status::Unknown, _) if case.rules.contains(&"near.speaks") => {
            "“Is that the same thing?” One line comes near and does not name it; say how near.".to_owned()
        }
        (Status::Unknown, _) => "“How does this stand?” The documents leave it open.".to_owned(),
        (Status::Contradicted, _) => "“Your CV says otherwise; what is the case?”".to_owned(),
        (_, Manner::Years) => {
            format!(
                "“How long have you worked with {}?” Count only what you could put dates to.",
                case.area()
            )
        }
        (_, Manner::Trait) => {
            format!("“When did you last need {open}?” The documents tell of no such moment; have one ready.")
        }
        (_, Manner::Interest) => "“What draws you to it?” The documents do not mention it.".to_owned(),
        (_, Manner::Degree) => {
            "“What did you study, and how does it bear on this?” The degree asked for is not there."
                .to_owned()
        }
        (_, Manner::Language) => {
            format!("The interviewer may switch to {}.", open.split(" (").next().unwrap_or(open))
        }
        (_, Manner::Paper) => "“Do you have it, or by when?” The documents do not say.".to_owned(),
        (_, Manner::Words) => {
            "Expect to be asked for an example. The documents hold none, so have an honest answer ready."
                .to_owned()
        }
        (_, Manner::Several) => {
            "Expect to be asked for each of these. Have an honest answer ready where there is none."
                .to_owned()
        }
        (_, Manner::Thing) => {
            format!(
                "“Have you worked with {open}?” The documents do not mention it; have an honest answer ready."
            )
        }
    }
}

/// The next thing to do about a requirement.
#[must_use]
pub fn step(analysis: &Analysis, at: usize) -> String {
    let case = Case::new(analysis, at);
    let open = &case.open;
    match (case.verdict.status, case.manner) {
        (Status::Unknown, _) if case.rules.contains(&"near.speaks") => {
            format!("Say whether what comes near is {}", case.what)
        }
        (Status::ClaimOnly | Status::Partial, Manner::Years) if case.lacks_dates() => {
            format!("Put dates to {open}")
        }
        (Status::Partial, Manner::Degree) => "Say what makes up for the degree that is asked".to_owned(),
        (Status::Partial, Manner::Years) => {
            format!("Name the roles that were work with {}, if there are any", case.area())
        }
        (Status::ClaimOnly | Status::Partial, _) => format!("Add the example that shows {open}"),
        (Status::Unknown, _) => format!("Clear up how it stands with {open}"),
        (Status::Transferable, _) => format!("Say what carries over to {open}"),
        (_, Manner::Years) => {
            format!("Name the roles that were work with {}, if there are any", case.area())
        }
        (_, Manner::Trait) => format!("Tell of a situation that shows {open}"),
        (_, Manner::Words) => format!("Add an example for {open} if there is one"),
        (_, Manner::Degree | Manner::Paper | Manner::Language) => format!("Add {open} if you have it"),
        _ => format!("Add {open} if you have it; if not, decide whether the posting can do without"),
    }
}
