//! Which part of a posting or profile is this? Headings by their words.

use crate::document::{Block, Document, Kind};

/// A part of a posting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What must be there.
    Essential,
    /// What they hope for: "What you bring", "You may be a good fit if".
    Wanted,
    /// What would be nice.
    Preferred,
    /// What the work is.
    Duties,
    /// What they offer.
    Benefits,
    /// Who they are.
    About,
    /// How to apply.
    Process,
    /// Nothing that is known.
    Other,
}

/// A part of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// Who they say they are.
    Summary,
    /// Paid work.
    Experience,
    /// Degrees and schools.
    Education,
    /// Lists of skills.
    Skills,
    /// Projects of their own.
    Projects,
    /// What they published.
    Publications,
    /// What they won.
    Awards,
    /// Natural languages.
    Languages,
    /// What they are allowed to do.
    Licences,
    /// Unpaid work.
    Volunteering,
    /// What they like or want.
    Interests,
    /// Names, addresses, referees.
    Personal,
}

const PARTS: [(Part, &[&str]); 7] = [
    (
        Part::Benefits,
        &[
            "benefit",
            "we offer",
            "what we offer",
            "perks",
            "our offer",
            "what you get",
            "what's in it for you",
            "compensation",
            "salary",
            "why join",
            "why work",
            "what you can expect",
            "rewards",
            "package",
        ],
    ),
    (
        Part::Preferred,
        &[
            "nice to have",
            "nice-to-have",
            "preferred",
            "desirable",
            "desired",
            "bonus",
            "plus",
            "advantage",
            "ideally",
            "good to have",
            "would be great",
            "optional",
            "fantastic if",
            "great if",
            "nice if",
            "extra points",
            "even better if",
            "we would love",
            "not required",
        ],
    ),
    (
        Part::Process,
        &[
            "how to apply",
            "application process",
            "apply",
            "hiring process",
            "next steps",
            "contact",
            "interview process",
            "equal opportunit",
            "diversity",
        ],
    ),
    (
        Part::Wanted,
        &[
            "what you bring",
            "you may be a good fit",
            "about you",
            "who you are",
            "your profile",
            "what we are looking for",
            "what we're looking for",
            "who we are looking for",
            "you have",
            "you will bring",
            "your background",
            "we are looking for",
            "ideal candidate",
            "what you'll need",
            "what you need",
            "you are",
            "candidate profile",
            "skills and experience",
            "experience and skills",
            "your skills",
            "what you should have",
            "we expect",
            "teammate if",
            "good match if",
            "right person if",
            "who are you",
            "your competenc",
            "your qualifications",
            "your experience",
            "we imagine",
            "we hope you",
            "you should",
            "you must",
            "skills",
            "competencies",
            "your expertise",
            "profile",
            "technologies",
            "tech stack",
            "technology stack",
            "our stack",
            "success criteria",
            "what it takes",
        ],
    ),
    (
        Part::Essential,
        &[
            "requirement",
            "essential",
            "person specification",
            "selection criteria",
            "qualification",
            "must have",
            "must-have",
            "minimum",
            "required",
            "what you must",
            "eligibility",
            "key skills",
            "skills required",
            "criteria",
        ],
    ),
    (
        Part::Duties,
        &[
            "responsibilit",
            "what you will do",
            "what you'll do",
            "your role",
            "the role",
            "duties",
            "tasks",
            "your job",
            "job description",
            "description",
            "key accountabilities",
            "day to day",
            "day-to-day",
            "your mission",
            "about the role",
            "about the job",
            "the position",
            "in this role",
            "your missions",
            "your assignments",
            "job purpose",
            "job content",
            "area of responsib",
            "you will",
            "main activities",
        ],
    ),
    (
        Part::About,
        &[
            "about us",
            "about the company",
            "who we are",
            "our company",
            "the company",
            "our team",
            "about the team",
            "our mission",
            "company description",
            "about ",
        ],
    ),
];

const AREAS: [(Area, &[&str]); 12] = [
    (Area::Volunteering, &["volunteer", "community work", "unpaid"]),
    (
        Area::Personal,
        &["reference", "referee", "contact", "personal detail", "personal information", "address"],
    ),
    (Area::Publications, &["publication", "papers", "articles", "talks"]),
    (Area::Languages, &["language"]),
    (
        Area::Licences,
        &[
            "licence",
            "license",
            "certificat",
            "certification",
            "registration",
            "accreditation",
            "permits",
            "credentials",
        ],
    ),
    (Area::Awards, &["award", "honour", "honor", "prize", "achievements", "scholarship"]),
    (
        Area::Education,
        &["education", "studies", "degree", "academic background", "training", "courses", "qualification"],
    ),
    (Area::Projects, &["project", "open source", "open-source", "portfolio"]),
    (
        Area::Skills,
        &["skill", "competenc", "technolog", "tools", "expertise", "strengths", "tech stack", "technical"],
    ),
    (
        Area::Experience,
        &[
            "experience",
            "employment",
            "work history",
            "career",
            "positions",
            "professional background",
            "work",
        ],
    ),
    (
        Area::Interests,
        &["interest", "hobb", "objective", "goals", "aspiration", "looking for", "ambition", "next step"],
    ),
    (Area::Summary, &["summary", "profile", "about", "introduction", "overview", "headline"]),
];

/// The words of a block if it can be a heading: marked as one, or short, and alone or with a colon.
#[must_use]
pub fn heading<'d>(document: &'d Document, block: &Block) -> Option<&'d str> {
    let text = document.block_text(block).trim();
    let short = text.split_whitespace().count() <= 9 && text.len() <= 64 && !text.ends_with(['.', ',', ';']);
    match block.kind {
        Kind::Heading(_) => Some(text),
        Kind::Paragraph | Kind::Cell if short => Some(text),
        _ => None,
    }
}

/// The part that a heading opens; `None` if it is no heading that is known.
#[must_use]
pub fn part(document: &Document, block: &Block) -> Option<Part> {
    let text = heading(document, block)?;
    // "You are the right person if you" leads into a list as a colon would.
    let leads = [" if you", " you will", " also", " you have", " you are", " that you", " we expect"]
        .iter()
        .any(|end| text.to_lowercase().ends_with(end));
    let marked = matches!(block.kind, Kind::Heading(_)) || text.ends_with([':', '?']) || leads;
    let small = text.trim_end_matches([':', '?', '.', '!']).trim().to_lowercase();
    let found = PARTS.iter().find(|(_, words)| {
        words.iter().any(|word| {
            if marked {
                small.contains(word)
            } else {
                small == word.trim()
                    || (small.starts_with(word) && (small.len() <= word.len() + 3 || *word == "about "))
            }
        })
    });
    found.map(|(part, _)| *part).or((marked && matches!(block.kind, Kind::Heading(_))).then_some(Part::Other))
}

/// The area that a heading opens; `None` if it is none that is known.
#[must_use]
pub fn area(document: &Document, block: &Block) -> Option<Area> {
    let text = heading(document, block)?;
    let small = text.trim_end_matches([':', '.']).trim().to_lowercase();
    if small.chars().any(|c| c.is_ascii_digit()) || small.split_whitespace().count() > 5 {
        return None;
    }
    let top = matches!(block.kind, Kind::Heading(1 | 2)) || text.ends_with(':');
    let matches = |word: &&str| {
        let whole = small == *word
            || small.strip_suffix('s') == Some(word)
            || small.strip_prefix(*word).is_some_and(|rest| rest.len() <= 5 && !rest.contains(' '));
        whole
            || (top && small.split([' ', '/', '&', ',']).any(|part| part.starts_with(word)))
            || (top && small.contains(word) && word.contains(' '))
    };
    AREAS.iter().find(|(_, words)| words.iter().any(matches)).map(|(area, _)| *area)
}
