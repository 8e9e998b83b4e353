//! Which words, in which order? Templates that a friend could send; each line cites or is advice.

use super::ask::{probe, question, step};
use super::say::{asked, capital, cut, evidence, first_person, list, number, short};
use super::{Line, Report, Section};
use crate::analysis::{Analysis, leaves};
use crate::concepts::ConceptKind;
use crate::document::Span;
use crate::fit::{Interval, credit_of, weight};
use crate::judge::Verdict;
use crate::model::{Grade, Need, Requirement, Status, Strength};
use crate::months::in_words;
use crate::nearness::standing;
use crate::review;

/// Writes the report of an analysis.
#[must_use]
pub fn compose(analysis: &Analysis) -> Report {
    let writer = Writer { analysis };
    let mut sections = vec![writer.summary()];
    sections.extend(writer.alignments());
    sections.extend(writer.gaps());
    sections.extend(writer.recommendations());
    sections.extend(writer.interview());
    sections.extend(writer.key_message());
    sections.push(writer.conclusion());
    sections.extend(writer.appendix());
    Report { title: format!("{}: position analysis", analysis.title()), header: writer.header(), sections }
}

struct Writer<'a> {
    analysis: &'a Analysis,
}

fn percents([lo, hi]: Interval) -> String {
    let (lo, hi) = (lo.percent_down(), hi.percent_up());
    if lo == hi { format!("{lo} %") } else { format!("{lo} to {hi} %") }
}

impl Writer<'_> {
    fn pairs(&self) -> impl Iterator<Item = (usize, &Requirement, &Verdict)> {
        let both = self.analysis.requirements.iter().zip(&self.analysis.verdicts);
        both.enumerate().map(|(at, (requirement, verdict))| (at, requirement, verdict))
    }

    fn short(&self, at: usize) -> String {
        short(self.analysis, &self.analysis.requirements[at].node)
    }

    /// Requirements of a status, the ones that the posting insists on first.
    fn ranked(&self, wanted: impl Fn(Status) -> bool) -> Vec<usize> {
        let mut found: Vec<usize> =
            self.pairs().filter(|(_, _, verdict)| wanted(verdict.status)).map(|(at, _, _)| at).collect();
        found.sort_by_key(|&at| {
            let requirement = &self.analysis.requirements[at];
            let vague = matches!(requirement.node.need, Need::Words(_));
            (
                requirement.strength,
                vague,
                std::cmp::Reverse(self.best_grade(at)),
                self.place_by_standing(at),
                at,
            )
        });
        found
    }

    /// How many requirements stand higher.
    fn place_by_standing(&self, at: usize) -> usize {
        let stands = |at: usize| standing(self.analysis.verdicts[at].status, &self.analysis.nearness[at]);
        let own = stands(at);
        (0..self.analysis.verdicts.len()).filter(|&other| stands(other) > own).count()
    }

    fn best_grade(&self, at: usize) -> Grade {
        let support = self.analysis.verdicts[at].all_support();
        support
            .iter()
            .map(|&fact| self.analysis.profile.facts[fact].grade)
            .max()
            .unwrap_or(Grade::SelfDescription)
    }

    /// What a shown requirement is called as a claim: of alternatives, those that are shown.
    fn claim(&self, at: usize) -> String {
        let (node, verdict) = (&self.analysis.requirements[at].node, &self.analysis.verdicts[at]);
        match &node.need {
            Need::AnyOf(nodes) if nodes.len() == verdict.parts.len() => {
                let shown = nodes.iter().zip(&verdict.parts).filter(|(_, part)| part.status == Status::Met);
                list(&shown.map(|(node, _)| short(self.analysis, node)).collect::<Vec<_>>(), "and")
            }
            _ => self.short(at),
        }
    }

    /// Whether a requirement is something that one has done, and no paper, language or trait.
    fn is_work(&self, at: usize) -> bool {
        fn own(need: &Need) -> bool {
            match need {
                Need::Concept(concept) => !matches!(
                    concept.kind(),
                    ConceptKind::Licence | ConceptKind::Language | ConceptKind::Trait
                ),
                Need::Several(..)
                | Need::Years { .. }
                | Need::Publications(_)
                | Need::Words(_)
                | Need::Amount(..) => true,
                Need::AnyOf(nodes) | Need::AllOf(nodes) => nodes.iter().any(|node| own(&node.need)),
                _ => false,
            }
        }
        own(&self.analysis.requirements[at].node.need)
    }

    /// The strongest facts behind a requirement, one a role where there are several.
    fn best_facts(&self, at: usize, most: usize) -> Vec<usize> {
        let mut facts = self.analysis.verdicts[at].all_support();
        // What came of work says most; then work, then what can be looked up, then words.
        let is_title = |fact: usize| {
            let own = &self.analysis.profile.facts[fact];
            own.role.is_some_and(|role| self.analysis.profile.roles[role].span.start == own.span.start)
        };
        let rank = |fact: usize| match self.analysis.profile.facts[fact].grade {
            Grade::Shown if is_title(fact) => 2,
            Grade::Outcome => 0,
            Grade::Shown => 1,
            Grade::Artefact => 2,
            Grade::Listed => 3,
            Grade::SelfDescription => 4,
        };
        // Among the same, what comes nearest to the posting's words.
        let each = &self.analysis.nearness[at].each;
        let near = |fact: usize| each.get(fact).copied().unwrap_or_default();
        // Years rest on all of their roles alike; the first is the latest.
        let is_years = matches!(self.analysis.requirements[at].node.need, Need::Years { .. });
        let score = |fact: usize| if is_years { 0.0 } else { near(fact) - 0.25 * f64::from(rank(fact)) };
        facts.sort_by(|&a, &b| score(b).total_cmp(&score(a)).then(a.cmp(&b)));
        let mut chosen: Vec<usize> = Vec::new();
        for &fact in &facts {
            let role = self.analysis.profile.facts[fact].role;
            let fresh =
                chosen.iter().all(|&other| role.is_none() || self.analysis.profile.facts[other].role != role);
            if fresh && chosen.len() < most {
                chosen.push(fact);
            }
        }
        chosen
    }

    fn header(&self) -> Vec<(String, String)> {
        let analysis = self.analysis;
        let name = |at: usize| analysis.name(at).to_owned();
        let profile: Vec<String> = (0..analysis.posting).map(name).collect();
        let reviewed = review::in_words(&analysis.findings);
        let reviewed = reviewed.map(|said| ("Changed by the person".to_owned(), said));
        let rest = vec![
            ("Profile".to_owned(), list(&profile, "and")),
            ("Posting".to_owned(), name(analysis.posting)),
            ("As of".to_owned(), analysis.as_of.to_string()),
            (
                "For".to_owned(),
                "one person's own application. It compares stated requirements with these documents; it does not rank people, and \
                 no accuracy is claimed for the fit, since no public data could support one."
                    .to_owned(),
            ),
            (
                "Scored by".to_owned(),
                format!("the conventions of Pellucid {}, in Appendix A; none of them is an estimate", env!("CARGO_PKG_VERSION")),
            ),
            ("Candidates came from".to_owned(), "the bundled table of names, a thesaurus and n-grams; no language model took part".to_owned()),
        ];
        reviewed.into_iter().chain(rest).collect()
    }

    fn summary(&self) -> Section {
        let analysis = self.analysis;
        let fit = &analysis.fit;
        let mut section = Section::new(2, "Executive Summary");
        let label = match fit.label {
            "too little evidence for a range" => {
                format!("{}, too wide a range to name", percents(fit.interval))
            }
            label => format!("{label}, {}", percents(fit.interval)),
        };
        let blocked =
            if fit.open_gates.is_empty() { "" } else { " First there is something to settle, below." };
        let meaning = format!(
            "So much of what the posting asks for is covered by these documents, over all reasonable ways to weigh it. It is not a \
             probability of being hired.{blocked}"
        );
        section.paragraphs.push(Line::claim(
            &format!("Overall fit: {label}"),
            meaning,
            vec![self.whole_posting()],
        ));
        if let Some(said) = review::in_words(&analysis.findings) {
            let is_reviewed = |kind: &str| kind.ends_with("_by_person");
            let cites = analysis.findings.iter().filter(|finding| is_reviewed(finding.kind));
            let cites = cites.filter_map(|finding| finding.span.clone()).collect();
            section.paragraphs.push(Line::claim("Not the documents alone", format!("{said}."), cites));
        }
        if fit.label == "too little evidence for a range" {
            let widest: Vec<usize> = fit.widens.iter().take(3).map(|(at, _)| *at).collect();
            let names: Vec<String> = widest.iter().map(|&at| self.short(at)).collect();
            let cites = widest.iter().map(|&at| analysis.requirements[at].span.clone()).collect();
            let text = format!(
                "The range is wide because so much is open. What widens it most: {}.",
                list(&names, "and")
            );
            section.paragraphs.push(Line::claim("", text, cites));
        }
        let musts = |status: fn(Status) -> bool| {
            self.pairs()
                .filter(|(_, requirement, verdict)| {
                    requirement.strength <= Strength::Strong && status(verdict.status)
                })
                .count()
        };
        let (met, all) = (musts(|status| status == Status::Met), musts(|_| true));
        let strong = self.ranked(|status| status == Status::Met);
        let gaps = self.ranked(|status| status != Status::Met);
        if strong.is_empty() {
            section.paragraphs.push(Line::advice("", "Your documents show none of the things that the posting asks for, as far as these checks can tell.".to_owned()));
        } else {
            let names: Vec<String> = strong.iter().take(4).map(|&at| self.claim(at)).collect();
            let cites: Vec<Span> = strong
                .iter()
                .take(4)
                .flat_map(|&at| self.best_facts(at, 1))
                .map(|fact| analysis.profile.facts[fact].span.clone())
                .collect();
            let insisted = if all == 1 { "one thing".to_owned() } else { format!("{} things", number(all)) };
            let text = if met == 0 {
                format!(
                    "Your documents show none of the {insisted} that the posting insists on. Of the rest they show {}.",
                    list(&names, "and")
                )
            } else {
                format!(
                    "Your documents show {} of the {insisted} that the posting insists on. The strongest: {}.",
                    number(met),
                    list(&names, "and")
                )
            };
            section.paragraphs.push(Line::claim("", text, cites));
        }
        let insisted: Vec<usize> = gaps
            .iter()
            .copied()
            .filter(|&at| {
                analysis.requirements[at].strength <= Strength::Strong && !analysis.requirements[at].gate
            })
            .collect();
        if !insisted.is_empty() {
            let names: Vec<String> = insisted.iter().take(4).map(|&at| self.short(at)).collect();
            let more = if insisted.len() > 4 {
                format!(", and {} more below", number(insisted.len() - 4))
            } else {
                String::new()
            };
            let text = format!("Not settled by them: {}{more}.", list(&names, "and"));
            section.paragraphs.push(Line::claim(
                "",
                text,
                insisted.iter().take(4).map(|&at| analysis.requirements[at].span.clone()).collect(),
            ));
        }
        for &at in &fit.open_gates {
            let text = format!(
                "{}. It decides by itself and is not part of the percentage.",
                capital(&analysis.verdicts[at].because)
            );
            section.items.push(Line::claim(
                &format!("To settle first: {}", self.short(at)),
                text,
                vec![analysis.requirements[at].span.clone()],
            ));
        }
        section
    }

    fn whole_posting(&self) -> Span {
        let document = &self.analysis.documents[self.analysis.posting];
        let end = document.blocks.first().map_or(0, |block| block.range.end);
        Span { document: self.analysis.posting, start: 0, end }
    }

    /// Sections by the posting's own headings.
    fn by_theme(
        &self,
        heading: &str,
        wanted: impl Fn(Status) -> bool,
        line: impl Fn(usize) -> Line,
    ) -> Vec<Section> {
        let mut sections = vec![Section::new(2, heading)];
        let mut themes: Vec<&str> = Vec::new();
        for (_, requirement, verdict) in self.pairs() {
            if wanted(verdict.status) && !themes.contains(&requirement.theme.as_str()) {
                themes.push(&requirement.theme);
            }
        }
        for theme in &themes {
            let title = if theme.is_empty() { "What the posting asks for" } else { theme };
            let mut section = Section::new(3, title);
            section.items = self
                .pairs()
                .filter(|(_, requirement, verdict)| requirement.theme == **theme && wanted(verdict.status))
                .map(|(at, _, _)| line(at))
                .collect();
            sections.push(section);
        }
        sections
    }

    fn alignments(&self) -> Vec<Section> {
        let mut sections =
            self.by_theme("Strong Alignments", |status| status == Status::Met, |at| self.alignment(at));
        if sections.len() == 1 {
            sections[0].paragraphs.push(Line::advice(
                "",
                "None of the posting's requirements is fully shown by these documents.".to_owned(),
            ));
        }
        sections
    }

    fn alignment(&self, at: usize) -> Line {
        let (requirement, verdict) = (&self.analysis.requirements[at], &self.analysis.verdicts[at]);
        let mut cites = vec![requirement.span.clone()];
        let mut said = Vec::new();
        let counted = leaves(verdict).into_iter().find(|leaf| leaf.months.is_some());
        if let Some(leaf) = counted {
            said.push(capital(&leaf.because));
        }
        for fact in self.best_facts(at, if counted.is_some() { 1 } else { 2 }) {
            let (text, spans) = evidence(self.analysis, fact);
            cites.extend(spans);
            said.push(text);
        }
        Line::claim(&asked(self.analysis, requirement), said.join("; ") + ".", cites)
            .about(at, verdict.status)
    }

    fn gaps(&self) -> Vec<Section> {
        let mut sections = self.by_theme(
            "Potential Gaps & Areas to Address",
            |status| status != Status::Met,
            |at| self.gap(at),
        );
        let text = if sections.len() == 1 {
            "Nothing that the posting asks for is missing."
        } else {
            "“Not shown” means that these documents do not say it, not that you lack it."
        };
        sections[0].paragraphs.push(Line::advice("", text.to_owned()));
        sections
    }

    fn gap(&self, at: usize) -> Line {
        let (requirement, verdict) = (&self.analysis.requirements[at], &self.analysis.verdicts[at]);
        let mut cites = vec![requirement.span.clone()];
        let mut text = format!("{}: {}.", capital(verdict.status.words()), verdict.because);
        for fact in self.best_facts(at, 1) {
            let (said, spans) = evidence(self.analysis, fact);
            cites.extend(spans);
            text += &format!(" What there is: {said}.");
        }
        if verdict.all_support().is_empty()
            && let Some(&near) = leaves(verdict).iter().flat_map(|leaf| &leaf.near).next()
        {
            let (said, spans) = evidence(self.analysis, near);
            cites.extend(spans);
            text += &format!(" The nearest is {said}.");
        }
        let gate = if requirement.gate { " This decides by itself." } else { "" };
        Line::claim(&asked(self.analysis, requirement), text + gate, cites).about(at, verdict.status)
    }

    fn recommendations(&self) -> Vec<Section> {
        let analysis = self.analysis;
        let mut positioning = Section::new(3, "Application Positioning");
        let strong = self.ranked(|status| status == Status::Met);
        let mut shown: Vec<usize> = Vec::new();
        for &at in strong.iter().filter(|&&at| self.best_grade(at) >= Grade::Shown && self.is_work(at)) {
            let facts: Vec<usize> =
                self.best_facts(at, 2).into_iter().filter(|fact| !shown.contains(fact)).collect();
            if facts.is_empty() || positioning.items.len() >= 3 {
                continue;
            }
            shown.extend(&facts);
            let mut cites = Vec::new();
            let mut said = Vec::new();
            for fact in facts {
                let (text, spans) = evidence(analysis, fact);
                cites.extend(spans);
                said.push(text);
            }
            let mut line =
                Line::claim(&format!("Lead with {}", self.claim(at)), said.join("; ") + ".", cites);
            line.requirement = Some(at);
            positioning.items.push(line);
        }
        // What came of the work says more than what the work was.
        let supported: Vec<usize> = analysis.verdicts.iter().flat_map(Verdict::all_support).collect();
        let outcomes: Vec<usize> = (0..analysis.profile.facts.len())
            .filter(|fact| {
                analysis.profile.facts[*fact].grade == Grade::Outcome
                    && supported.contains(fact)
                    && !shown.contains(fact)
            })
            .take(3)
            .collect();
        for fact in outcomes {
            let (text, cites) = evidence(analysis, fact);
            positioning.items.push(Line::claim("Show what came of it", format!("{text}."), cites));
        }
        if positioning.items.is_empty() {
            positioning.paragraphs.push(Line::advice(
                "",
                "There is nothing shown to lead with yet; the questions below are the place to start."
                    .to_owned(),
            ));
        }

        let mut letter = Section::new(3, "Cover Letter Focus Areas");
        letter.numbered = true;
        for (at, low) in analysis.fit.raises.iter().take(5) {
            let gain = if low.percent_down() > analysis.fit.interval[0].percent_down() {
                format!(" Shown, it would lift the lower end of the range to {} %.", low.percent_down())
            } else {
                String::new()
            };
            let mut line = Line::advice(&capital(&self.short(*at)), question(analysis, *at) + &gain);
            (line.requirement, line.cites) = (Some(*at), vec![analysis.requirements[*at].span.clone()]);
            letter.items.push(line);
        }
        if letter.items.is_empty() {
            letter.paragraphs.push(Line::advice(
                "",
                "Nothing is open; tell the story that connects what is shown.".to_owned(),
            ));
        }

        let mut concerns = Section::new(3, "Addressing Potential Concerns");
        let worries = self.ranked(|status| {
            matches!(status, Status::NotFound | Status::Transferable | Status::Partial | Status::Contradicted)
        });
        let worries: Vec<usize> = worries
            .into_iter()
            .filter(|&at| analysis.requirements[at].strength <= Strength::Strong)
            .take(8)
            .collect();
        let is_bare = |at: &usize| {
            analysis.verdicts[*at].status != Status::Contradicted && self.best_facts(*at, 1).is_empty()
        };
        concerns.items.extend(worries.iter().filter(|at| !is_bare(at)).take(5).map(|&at| self.concern(at)));
        let bare: Vec<usize> = worries.iter().copied().filter(is_bare).collect();
        if !bare.is_empty() {
            let names: Vec<String> = bare.iter().map(|&at| self.short(at)).collect();
            let text = format!(
                "{}. If you have it, add it; if not, say so in a sentence or leave it out.",
                capital(&list(&names, "and"))
            );
            let mut line = Line::advice("Nothing in the documents helps with", text);
            line.cites = bare.iter().map(|&at| analysis.requirements[at].span.clone()).collect();
            concerns.items.push(line);
        }
        if concerns.items.is_empty() {
            let text = if analysis.requirements.iter().any(|asked| asked.strength <= Strength::Strong) {
                "Nothing that the posting insists on is left without an answer."
            } else {
                "The posting insists on nothing in so many words; what its duties need stands above."
            };
            concerns.paragraphs.push(Line::advice("", text.to_owned()));
        }
        vec![Section::new(2, "Strategic Recommendations"), positioning, letter, concerns]
    }

    fn concern(&self, at: usize) -> Line {
        let verdict = &self.analysis.verdicts[at];
        let mut cites = vec![self.analysis.requirements[at].span.clone()];
        let text = match (verdict.status, self.best_facts(at, 1).first()) {
            (Status::Contradicted, _) => {
                "Your documents deny it. Say so plainly if it is asked, and do not argue.".to_owned()
            }
            (_, Some(&fact)) => {
                let (said, spans) = evidence(self.analysis, fact);
                cites.extend(spans);
                format!("Start from what there is, {said}, and say plainly what it is not.")
            }
            _ => "Nothing in the documents helps.".to_owned(),
        };
        let mut line = Line::advice(&capital(&self.short(at)), text);
        (line.cites, line.requirement) = (cites, Some(at));
        line
    }

    fn interview(&self) -> Vec<Section> {
        let analysis = self.analysis;
        let mut deep = Section::new(3, "Deep Dives");
        let mut seen: Vec<usize> = Vec::new();
        for at in self.ranked(|status| status == Status::Met) {
            let Some(&fact) = self.best_facts(at, 1).iter().find(|fact| !seen.contains(fact)) else {
                continue;
            };
            let is_deep =
                self.is_work(at) || matches!(analysis.requirements[at].node.need, Need::Degree { .. });
            if analysis.profile.facts[fact].grade < Grade::Shown || deep.items.len() >= 5 || !is_deep {
                continue;
            }
            seen.push(fact);
            let (said, cites) = evidence(analysis, fact);
            let ask = match analysis.profile.facts[fact].grade {
                _ if matches!(analysis.requirements[at].node.need, Need::Degree { .. }) => {
                    "What of it do you use today?"
                }
                _ if matches!(analysis.requirements[at].node.need, Need::Years { .. }) => {
                    "What was yours there, and what changed because of it?"
                }
                Grade::Outcome => "How was that measured, and what was your own part?",
                Grade::Artefact => "Be ready to explain it to someone who has read it.",
                _ => "What was hard about it, and what would you do differently?",
            };
            let mut line = Line::claim(&capital(&self.claim(at)), format!("{said}. {ask}"), cites);
            line.requirement = Some(at);
            deep.items.push(line);
        }
        if deep.items.is_empty() {
            deep.paragraphs
                .push(Line::advice("", "Nothing is shown that an interviewer could go deep on.".to_owned()));
        }
        let mut probes = Section::new(3, "Questions to Expect");
        for at in self.ranked(|status| status < Status::Met).into_iter().take(6) {
            let text = probe(analysis, at);
            let what = self.short(at);
            let mut line = Line::advice(&capital(&what), text);
            (line.requirement, line.cites) = (Some(at), vec![analysis.requirements[at].span.clone()]);
            probes.items.push(line);
        }
        let mut employer = Section::new(3, "About the Employer");
        for &at in &analysis.notes {
            let document = &analysis.documents[at];
            let blocks = document
                .blocks
                .iter()
                .filter(|block| !matches!(block.kind, crate::document::Kind::Heading(_)));
            for block in blocks.take(5) {
                let text = format!("“{}”", cut(document.block_text(block), 200));
                let span = Span { document: at, start: block.range.start, end: block.range.end };
                employer.items.push(Line::claim("", text, vec![span]));
            }
        }
        if !employer.items.is_empty() {
            employer.paragraphs.push(Line::advice(
                "",
                "From your notes. Decide of each what you make of it, and what you would ask.".to_owned(),
            ));
        } else {
            employer.paragraphs.push(Line::advice(
                "",
                "No notes about the employer were given, and nothing is made up here. Add them with --notes."
                    .to_owned(),
            ));
        }
        vec![Section::new(2, "Interview Preparation"), deep, probes, employer]
    }

    fn key_message(&self) -> Vec<Section> {
        let analysis = self.analysis;
        let mut message = Section::new(2, "Key Message");
        let strong: Vec<usize> = self
            .ranked(|status| status == Status::Met)
            .into_iter()
            .filter(|&at| self.best_grade(at) >= Grade::Shown && self.is_work(at))
            .collect();
        let mut used: Vec<usize> = Vec::new();
        let mut proofs: Vec<(usize, usize)> = Vec::new();
        for &at in &strong {
            if let Some(&fact) = self.best_facts(at, 3).iter().find(|fact| !used.contains(fact))
                && proofs.len() < 4
            {
                used.push(fact);
                proofs.push((at, fact));
            }
        }
        if proofs.len() < 2 {
            message.paragraphs.push(Line::advice(
                "",
                "Too little is shown for a message that would stand. Answer the questions above first."
                    .to_owned(),
            ));
            return vec![message];
        }
        let cites =
            proofs.iter().take(2).map(|(_, fact)| analysis.profile.facts[*fact].span.clone()).collect();
        let said = |(at, fact): (usize, usize)| {
            let quote = cut(analysis.quote(&analysis.profile.facts[fact].span).trim_end_matches('.'), 120);
            format!("{}: {}", self.claim(at), first_person(&quote))
        };
        let text = format!("What I bring is {}. And {}.", said(proofs[0]), said(proofs[1]));
        message.paragraphs.push(Line::claim("", text, cites));
        let mut supporting = Section::new(3, "Supporting Evidence");
        supporting.numbered = true;
        for (at, fact) in proofs {
            let (said, cites) = evidence(analysis, fact);
            supporting.items.push(Line::claim(&capital(&self.claim(at)), format!("{said}."), cites));
        }
        vec![message, supporting]
    }

    fn conclusion(&self) -> Section {
        let analysis = self.analysis;
        let mut section = Section::new(2, "Conclusion");
        let verdict = match analysis.fit.label {
            "strong" => "The documents cover most of what is asked. Apply, and spend the time on the story.",
            "plausible" => "There is enough to apply with, and there are a few things to answer first.",
            "a stretch" => {
                "It is a stretch on paper. Whether to apply depends on what the documents leave out."
            }
            "weak" => {
                "On these documents there is little to build on. Look again at what they leave out before you spend a day on it."
            }
            "blocked until resolved" => {
                "Something that decides by itself is missing. Resolve it first, or leave this posting."
            }
            "no evidence" => {
                "The profile holds nothing to compare. Add what you have done and run this again."
            }
            _ => "The range is too wide to advise by. Settle the first points below and run this again.",
        };
        let text = format!("Coverage is {}. {verdict}", percents(analysis.fit.interval));
        section.paragraphs.push(Line::claim("", text, vec![self.whole_posting()]));
        section.numbered = true;
        let gates =
            analysis.fit.open_gates.iter().map(|&at| (at, format!("Settle {} first", self.short(at))));
        let raises = analysis.fit.raises.iter().map(|&(at, _)| {
            let text = step(analysis, at);
            (at, text)
        });
        for (at, text) in gates.chain(raises).take(3) {
            let mut line = Line::advice("", format!("{text}."));
            (line.requirement, line.cites) = (Some(at), vec![analysis.requirements[at].span.clone()]);
            section.items.push(line);
        }
        section
    }

    fn appendix(&self) -> Vec<Section> {
        let analysis = self.analysis;
        let mut derivation = Section::new(2, "Appendix A: How the Fit Was Derived");
        let [lo, hi] = analysis.fit.interval;
        let text = format!(
            "The fit is a weighted mean of credits. Weights and credits are intervals by convention, not estimates; the range runs over all of \
             them: exactly {lo} to {hi}, shown as {}. Gates are left out of it.",
            percents(analysis.fit.interval)
        );
        derivation.paragraphs.push(Line::claim("", text, vec![self.whole_posting()]));
        for (at, requirement, verdict) in self.pairs() {
            let ([c0, c1], [w0, w1]) = (credit_of(verdict), weight(requirement.strength));
            let gate = if requirement.gate { "; a gate, left out" } else { "" };
            let text = format!(
                "{} ({}), credit {c0} to {c1}, weight {w0} to {w1}{gate}",
                verdict.status.words(),
                verdict.rule
            );
            derivation.items.push(Line::claim(
                &format!("{} {}", requirement.id, self.short(at)),
                text,
                vec![requirement.span.clone()],
            ));
            for leaf in leaves(verdict).into_iter().filter(|leaf| !leaf.roles.is_empty()) {
                derivation.items.push(self.months(&requirement.id, leaf));
            }
        }
        let mut all = Section::new(2, "Appendix B: Every Requirement");
        all.items = self
            .pairs()
            .map(|(at, requirement, verdict)| {
                let mut cites = vec![requirement.span.clone()];
                cites.extend(
                    verdict
                        .all_support()
                        .iter()
                        .take(3)
                        .map(|&fact| analysis.profile.facts[fact].span.clone()),
                );
                let lead = format!("{} {}", requirement.id, cut(analysis.quote(&requirement.span), 160));
                Line::claim(&lead, format!("{}: {}.", verdict.status.words(), verdict.because), cites)
                    .about(at, verdict.status)
            })
            .collect();
        let mut unused = Section::new(2, "Appendix C: Shown and Not Asked For");
        let used: Vec<usize> = analysis.verdicts.iter().flat_map(Verdict::all_support).collect();
        unused.items = analysis
            .profile
            .facts
            .iter()
            .enumerate()
            .filter(|(at, fact)| fact.grade >= Grade::Shown && !used.contains(at))
            .take(25)
            .map(|(at, fact)| Line::claim("", evidence(analysis, at).0 + ".", vec![fact.span.clone()]))
            .collect();
        let mut findings = Section::new(2, "Appendix D: Findings");
        findings.items = analysis
            .findings
            .iter()
            .map(|finding| Line::claim("", finding.text.clone(), finding.span.iter().cloned().collect()))
            .collect();
        for section in [&mut unused, &mut findings] {
            if section.items.is_empty() {
                section.paragraphs.push(Line::advice("", "None.".to_owned()));
            }
        }
        vec![derivation, all, unused, findings]
    }

    /// The roles behind a number of months.
    fn months(&self, id: &str, leaf: &Verdict) -> Line {
        let roles = &self.analysis.profile.roles;
        let parts: Vec<String> = leaf
            .roles
            .iter()
            .map(|&at| {
                let role = &roles[at];
                let (sure, possible) = (role.sure.len(), role.possible.len());
                let counted = if sure == possible {
                    in_words(sure)
                } else {
                    format!("{} to {}", in_words(sure), in_words(possible))
                };
                format!("{} ({counted})", cut(&role.title, 60))
            })
            .collect();
        let (sure, possible, _) = leaf.months.unwrap_or_default();
        let total = if sure == possible {
            in_words(sure)
        } else {
            format!("{} to {}", in_words(sure), in_words(possible))
        };
        let cites = leaf.roles.iter().map(|&at| roles[at].span.clone()).collect();
        Line::claim(
            &format!("{id}, months"),
            format!("{}; together {total}, overlaps counted once", parts.join("; ")),
            cites,
        )
    }
}
