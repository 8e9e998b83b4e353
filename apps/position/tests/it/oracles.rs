//! Does every claim cite, does every number derive, and does nothing that must not matter change a verdict?

use pellucid_position::judge::Verdict;
use pellucid_position::model::Status;
use pellucid_position::report::{Line, compose, docx, html, json, markdown};
use pellucid_position::sections::Area;
use pellucid_position::{Analysis, AnalysisError, Request, analyze};

use super::{as_of, compare, fixtures, judged, profession, text};

const PROFESSIONS: [&str; 6] = ["twin", "nurse", "accountant", "teacher", "electrician", "developer"];

fn read(name: &str) -> String {
    fs_err::read_to_string(fixtures().join(name)).unwrap()
}

fn lines(analysis: &Analysis) -> Vec<Line> {
    compose(analysis)
        .sections
        .into_iter()
        .flat_map(|section| [section.paragraphs, section.items].concat())
        .collect()
}

#[test]
fn every_claim_cites_and_every_quote_is_in_its_document() {
    for name in PROFESSIONS {
        let analysis = profession(name);
        for line in lines(&analysis) {
            assert!(line.advice || !line.cites.is_empty(), "{name}: no cite for {line:?}");
            for span in &line.cites {
                let document = &analysis.documents[span.document];
                assert_eq!(analysis.quote(span), &document.text[span.start..span.end]);
            }
            // What stands between quotation marks stands in a document (or is advice in a form of words).
            for quoted in line
                .text
                .split('“')
                .skip(1)
                .filter_map(|rest| rest.split('”').next())
                .filter(|_| !line.advice && !line.text.starts_with("“I bring"))
            {
                let quoted = quoted.trim_end_matches(" …");
                assert!(
                    analysis.documents.iter().any(|document| document.text.contains(quoted)),
                    "{name}: {quoted}"
                );
            }
        }
    }
}

#[test]
fn every_numeral_of_a_report_is_quoted_or_derived() {
    for name in PROFESSIONS {
        let analysis = profession(name);
        // Whole numbers of the documents and their names, not digits inside of longer ones.
        let texts =
            analysis.documents.iter().flat_map(|document| [document.text.as_str(), document.name.as_str()]);
        let sources: std::collections::HashSet<String> = texts
            .flat_map(|text| text.split(|c: char| !c.is_ascii_digit()))
            .filter(|n| !n.is_empty())
            .map(str::to_owned)
            .collect();
        let mut derived: Vec<String> = Vec::new();
        for end in analysis.fit.interval {
            derived.extend([end.percent_down().to_string(), end.percent_up().to_string()]);
            end.to_string().split('/').for_each(|n| derived.push(n.to_owned()));
        }
        analysis.fit.raises.iter().for_each(|(_, low)| derived.push(low.percent_down().to_string()));
        // Months of roles and unions, in years and months; parts and counts; credits and weights in tenths.
        let months = analysis.profile.roles.iter().flat_map(|role| [role.sure.len(), role.possible.len()]);
        let counted = analysis.verdicts.iter().flat_map(verdict_months);
        for n in months.chain(counted) {
            derived.extend([n / 12, n % 12].map(|n| n.to_string()));
        }
        // Numbers of requirements and of what is listed for them.
        derived.extend((0..=analysis.requirements.len()).map(|n| n.to_string()));
        let papers = analysis.profile.facts.iter().filter(|fact| fact.area == Area::Publications).count();
        derived.extend([papers.to_string(), "20".to_owned(), "10".to_owned()]);
        let parts = |verdict: &Verdict| verdict.parts.len().max(1).to_string();
        derived.extend(analysis.verdicts.iter().map(parts));
        for verdict in &analysis.verdicts {
            let credit = pellucid_position::fit::credit_of(verdict);
            credit.iter().for_each(|end| end.to_string().split('/').for_each(|n| derived.push(n.to_owned())));
        }
        for line in lines(&analysis) {
            let said = format!("{} {}", line.lead, line.text);
            for numeral in said.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty()) {
                assert!(
                    sources.contains(numeral) || derived.iter().any(|n| n == numeral),
                    "{name}: {numeral} in {said}"
                );
            }
        }
    }
}

fn verdict_months(verdict: &Verdict) -> Vec<u32> {
    let own = verdict.months.into_iter().flat_map(|(sure, possible, asked)| [sure, possible, asked]);
    own.chain(verdict.parts.iter().flat_map(verdict_months)).collect()
}

const POSTING: &str = "# Requirements\n\n- 5+ years of experience in Python\n- PyTorch or JAX\n- Fluent German\n- A master's degree in physics\n- Kubernetes\n";
const PROFILE: &str = "# Experience\n\n## Engineer, Rosnock (2015-01 – 2021-12)\n\n- Wrote services in Python and trained models with PyTorch\n\n# Education\n\n## MSc in Physics, Elvet University, 2012 – 2014\n\n# Languages\n\n- German: C1\n";

#[test]
fn an_empty_profile_gets_nothing_and_an_empty_posting_is_an_error() {
    let analysis = compare("", POSTING).unwrap();
    assert!(analysis.verdicts.iter().all(|verdict| verdict.status != Status::Met));
    assert_eq!(analysis.fit.label, "no evidence");
    assert_eq!(analysis.fit.interval.map(|end| end.to_string()), ["0", "0"]);
    for empty in ["", "# About us\n\nWe make lamps.\n"] {
        assert!(matches!(compare(PROFILE, empty), Err(AnalysisError::NoRequirements(_))), "{empty:?}");
    }
    assert!(matches!(
        compare(POSTING, &format!("{PROFILE}\n## Analyst, Dunmere (2010-01 – 2014-12)\n\n- Counted\n")),
        Err(AnalysisError::Swapped { .. })
    ));
}

#[test]
fn adding_what_is_so_never_lowers_and_taking_it_away_never_raises() {
    let whole = compare(PROFILE, POSTING).unwrap();
    let facts: Vec<&str> = PROFILE.lines().filter(|line| line.starts_with("- ")).collect();
    for fact in facts {
        let less = compare(&PROFILE.replace(fact, ""), POSTING).unwrap();
        for (more, less) in whole.verdicts.iter().zip(&less.verdicts) {
            assert!(less.status <= more.status, "without `{fact}`: {less:?}");
        }
        assert!(less.fit.interval[0] <= whole.fit.interval[0]);
    }
    let more = compare(&PROFILE.replace("# Education", "- Ran Kubernetes clusters\n\n# Education"), POSTING)
        .unwrap();
    for (more, whole) in more.verdicts.iter().zip(&whole.verdicts) {
        assert!(more.status >= whole.status);
    }
    assert_eq!(more.verdicts[4].status, Status::Met);
}

#[test]
fn more_of_the_same_kind_never_lowers() {
    let role = |lines: &str| {
        format!(
            "# Experience\n\n## Developer, Rosnock, 2018-01 to 2021-12\n\n{lines}\n## Developer, Ilmen, 2022-01 to 2023-12\n\n{lines}"
        )
    };
    let degrees = |lines: &str| format!("# Education\n\n{lines}");
    for (asked, less, more) in [
        (
            "Initiative",
            role("- Built the shop\n").replacen("- Built", "- Took initiative and built", 1),
            role("- Took initiative and built the shop\n"),
        ),
        (
            "Multiple programming languages",
            "# Skills\n\nPython, Java\n".to_owned(),
            format!("# Skills\n\nPython, Java\n\n{}", role("- Wrote Python services\n")),
        ),
        (
            "Master's degree in computer science or a related field",
            degrees("- BSc in Computer Science, Orrisdale, 2015\n"),
            degrees("- BSc in Computer Science, Orrisdale, 2015\n- MSc in History, Orrisdale, 2017\n"),
        ),
    ] {
        let posting = format!("# Requirements\n\n- {asked}\n");
        let (less, more) = (compare(&less, &posting).unwrap(), compare(&more, &posting).unwrap());
        assert!(
            more.verdicts[0].status >= less.verdicts[0].status,
            "{asked}: {:?} {:?}",
            less.verdicts[0],
            more.verdicts[0]
        );
        assert!(more.fit.interval[0] >= less.fit.interval[0], "{asked}");
    }
}

#[test]
fn gates_stand_alone_and_block() {
    let profile = "# Experience\n\n## Driver, Rosnock, 2018-01 to 2021-12\n\n- Drove forklifts\n";
    let posting =
        "# Requirements\n\n- Driving licence and experience with forklifts\n- The right to work in Germany\n";
    let of = |line: &str| compare(&format!("{line}\n\n{profile}"), posting).unwrap();
    let open = of("Hello");
    assert_eq!(open.requirements.iter().map(|asked| asked.gate).collect::<Vec<_>>(), [true, false, true]);
    // The gates count for nothing in the fit, whatever became of them.
    assert_eq!(open.fit.interval.map(|end| end.to_string()), ["1", "1"]);
    assert_eq!(open.fit.label, "blocked until resolved", "no driving licence is named");
    let status = |line: &str| of(line).verdicts[2].status;
    assert_eq!(status("I have the right to work in Germany"), Status::Met);
    assert_eq!(status("I have the right to work in Norway"), Status::Unknown);
    assert_eq!(status("I do not have the right to work in Germany"), Status::Contradicted);
    assert_eq!(status("Cared for senior citizens"), Status::Unknown);
    let lives = |line: &str| {
        compare(&format!("{line}\n\n{profile}"), "# Requirements\n\n- Must be based in York\n")
            .unwrap()
            .verdicts[0]
            .status
    };
    assert_eq!(lives("Lives in York"), Status::Met);
    assert_eq!(lives("I cannot move to York"), Status::Contradicted);
    assert_eq!(lives("The New Yorker, reader since 2010"), Status::Unknown);
}

#[test]
fn degrees_of_others_and_unfinished_ones_are_none() {
    let of =
        |line: &str| judged(&format!("# Education\n\n- {line}\n"), "Bachelor's degree in physics").unwrap();
    assert_eq!(of("BSc in Physics, Orrisdale, 2015"), Status::Met);
    for line in [
        "BSc in Physics, not finished",
        "BSc in Physics, left after two years",
        "BSc in Physics, expected 2026",
        "Supervised 12 MSc theses in physics",
    ] {
        assert!(of(line) < Status::Partial, "{line}: {:?}", of(line));
    }
    let master = |line: &str| {
        judged(&format!("# Education\n\n{line}\n"), "Master's degree in computer science").unwrap()
    };
    assert!(master("## MSc in History, 2015 to 2017\n\n- Minor in computer science") < Status::Met);
    assert!(
        judged(
            "# Experience\n\n## Captain, 2010-01 to 2019-12\n\n- Master of a ship of 40 m\n",
            "Master's degree"
        )
        .unwrap()
            < Status::Partial
    );
}

#[test]
fn versions_and_so_many_of_these_are_counted() {
    let of = |line: &str, asked: &str| {
        judged(&format!("# Experience\n\n## Developer, Rosnock, 2018-01 to 2021-12\n\n- {line}\n"), asked)
            .unwrap()
    };
    assert_eq!(of("Wrote services in Java 8", "Experience with Java 11"), Status::Partial);
    assert_eq!(of("Wrote services in Java 17", "Experience with Java 11"), Status::Met);
    assert_eq!(of("Wrote services in Java", "Experience with Java 11"), Status::Met);
    let two = "Experience with at least two of the following: Redis, MySQL, Django or React";
    assert_eq!(of("Wrote Django pages", two), Status::Partial);
    assert_eq!(of("Wrote Django pages with Redis", two), Status::Met);
}

#[test]
fn very_many_parts_keep_the_fit_exact() {
    let names = [
        "Python",
        "Java",
        "Kotlin",
        "Docker",
        "Redis",
        "MySQL",
        "React",
        "Django",
        "Perl",
        "Jenkins",
        "Ansible",
        "Terraform",
        "Kafka",
        "Spark",
    ];
    let items: String =
        (2..names.len()).map(|n| format!("- Experience with {}\n", names[..n].join(" and "))).collect();
    let posting =
        format!("# Requirements\n\n{items}\n# Nice to have\n\n{}", items.replace("Experience", "Knowledge"));
    let profile = "# Experience\n\n## Developer, Rosnock, 2018-01 to 2021-12\n\n- Wrote Python, Kotlin, Redis and React\n";
    let [lo, hi] = compare(profile, &posting).unwrap().fit.interval;
    assert!(0.0 < lo.value() && lo <= hi && hi.value() < 1.0, "{lo} {hi}");
}

#[test]
fn every_pattern_is_a_pattern() {
    // A pattern that does not compile would switch its check off.
    let raw = regex::Regex::new(r##"pattern!\(\s*(\w+),\s*r"((?:[^"])*)"\s*\)"##).unwrap();
    let mut seen = 0;
    let mut open = vec![std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("src")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs_err::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        for hit in raw.captures_iter(&fs_err::read_to_string(&path).unwrap()) {
            assert!(regex::Regex::new(&hit[2]).is_ok(), "{}: {}", path.display(), &hit[1]);
            seen += 1;
        }
    }
    assert!(seen >= 50, "{seen} patterns");
}

#[test]
fn unrelated_lines_change_nothing() {
    let whole = compare(PROFILE, POSTING).unwrap();
    for n in [10, 100, 300] {
        let lines: String = (0..n)
            .map(|at| format!("- Repaired {at} sheds and painted the fence of the allotment garden\n"))
            .collect();
        let longer = compare(&format!("{PROFILE}\n# Volunteering\n\n{lines}"), POSTING).unwrap();
        let statuses = |a: &Analysis| a.verdicts.iter().map(|v| v.status).collect::<Vec<_>>();
        assert_eq!(statuses(&longer), statuses(&whole), "{n} lines");
        assert_eq!(longer.fit.interval, whole.fit.interval);
    }
}

#[test]
fn another_persons_work_beside_ones_own_changes_nothing() {
    // Long and diverse: four careers in other professions, which no similarity may take for this one.
    let own = read("developer/profile.md");
    let posting = read("developer/posting.md");
    let whole = compare(&own, &posting).unwrap();
    let bullets: String = ["nurse", "teacher", "electrician", "accountant"]
        .iter()
        .flat_map(|name| read(&format!("{name}/profile.md")).lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.starts_with("- ") && line.split_whitespace().count() >= 6)
        .fold(String::new(), |all, line| all + &line + "\n");
    assert!(bullets.lines().count() >= 25, "{}", bullets.lines().count());
    let longer = compare(&format!("{own}\n## Volunteering\n\n{bullets}"), &posting).unwrap();
    // What one is like any work can show: there a line may be asked about, and no more.
    let mut questions = 0;
    for (a, b) in longer.verdicts.iter().zip(&whole.verdicts) {
        let is_question = a.rule == "near.speaks" && a.status == Status::Unknown;
        questions += usize::from(a.status != b.status && is_question);
        assert!(a.status == b.status || is_question, "{} / {}", a.because, b.because);
    }
    assert!(questions <= 1, "{questions} of {} are asked about", whole.verdicts.len());
}

#[test]
fn order_duplicates_and_blanks_change_nothing() {
    let whole = compare(PROFILE, POSTING).unwrap();
    let (experience, rest) = PROFILE.split_at(PROFILE.find("# Education").unwrap());
    let turned = format!("{rest}\n{experience}");
    let twice =
        PROFILE.replace("- Wrote", "- Wrote services in Python and trained models with PyTorch\n- Wrote");
    let spaced = PROFILE.replace('\n', "\n\n").replace(' ', "  ");
    for other in [
        turned,
        twice,
        spaced.replace("##  ", "## ").replace("#  ", "# ").replace("-  ", "- "),
        PROFILE.replace('\n', "\r\n"),
    ] {
        let other = compare(&other, POSTING).unwrap();
        for (a, b) in other.verdicts.iter().zip(&whole.verdicts) {
            assert_eq!((a.status, a.months), (b.status, b.months), "{}", a.because);
        }
    }
}

#[test]
fn denials_wishes_and_others_end_a_met() {
    let asked = "Experience with Kubernetes";
    let with = |line: &str| {
        judged(&format!("# Experience\n\n## Engineer, Rosnock (2015-01 – 2021-12)\n\n- {line}\n"), asked)
            .unwrap()
    };
    assert_eq!(with("Ran Kubernetes clusters"), Status::Met);
    for line in [
        "No experience with Kubernetes so far",
        "Never ran Kubernetes clusters",
        "Would like to run Kubernetes clusters",
        "Currently learning Kubernetes",
        "The platform team ran Kubernetes clusters",
        "Kubernetes was run by an outside agency",
    ] {
        assert!(with(line) < Status::ClaimOnly, "{line}: {:?}", with(line));
    }
}

#[test]
fn thresholds_flip_exactly_where_they_stand() {
    let years = |months: u32| {
        let (year, month) = (2010 + (months - 1) / 12, (months - 1) % 12 + 1);
        let profile =
            format!("# Experience\n\n## Engineer, Rosnock (2010-01 – {year}-{month:02})\n\n- Wrote Python\n");
        judged(&profile, "5+ years of experience in Python").unwrap()
    };
    assert_eq!([59, 60, 61].map(years), [Status::Partial, Status::Met, Status::Met]);
    assert_eq!([35, 36].map(years), [Status::NotFound, Status::Partial]);
    let papers = |n: usize| {
        let list: String = (0..n)
            .map(|at| {
                format!("- A. Author. A paper with number {at} in its title. Journal of Numbers, 2020\n")
            })
            .collect();
        judged(&format!("# Publications\n\n{list}"), "At least 3 peer-reviewed publications").unwrap()
    };
    assert_eq!([2, 3, 4].map(papers), [Status::Partial, Status::Met, Status::Met]);
}

#[test]
fn overlaps_count_once_and_vague_dates_widen() {
    let with =
        |roles: &str| judged(&format!("# Experience\n\n{roles}"), "4 years of experience in Python").unwrap();
    let role = |dates: &str| format!("## Engineer, Rosnock ({dates})\n\n- Wrote Python\n\n");
    assert_eq!(with(&(role("2010-01 – 2012-12") + &role("2011-01 – 2012-12"))), Status::Partial);
    assert_eq!(with(&(role("2010-01 – 2012-12") + &role("2013-01 – 2013-12"))), Status::Met);
    assert_eq!(with(&role("2010 – 2014")), Status::Unknown, "three years and a month to five years");
    assert_eq!(with(&role("2010-06 – 2008-01")), Status::NotFound);
}

#[test]
fn and_or_and_siblings_keep_their_logic() {
    let with = |line: &str, asked: &str| {
        judged(&format!("# Experience\n\n## Engineer, Rosnock (2015-01 – 2021-12)\n\n- {line}\n"), asked)
            .unwrap()
    };
    for (torch, jax) in [(true, true), (true, false), (false, true), (false, false)] {
        let tools = [(torch, "PyTorch"), (jax, "JAX")]
            .iter()
            .filter(|(has, _)| *has)
            .map(|(_, name)| *name)
            .collect::<Vec<_>>()
            .join(" and ");
        let line = format!("Trained models with {}", if tools.is_empty() { "care" } else { &tools });
        assert_eq!(with(&line, "PyTorch or JAX") == Status::Met, torch || jax, "{line}");
        assert_eq!(with(&line, "PyTorch and JAX") == Status::Met, torch && jax, "{line}");
    }
    assert_eq!(with("Trained models with PyTorch", "JAX"), Status::Transferable);
    assert_eq!(with("Trained models with PyTorch", "Experience with a deep learning framework"), Status::Met);
    assert!(with("Chose a deep learning framework", "PyTorch") < Status::Met);
    for (one, other) in [
        ("PostgreSQL", "Oracle Database"),
        ("AWS", "Microsoft Azure"),
        ("Java", "JavaScript"),
        ("SAP", "Oracle ERP"),
    ] {
        assert_ne!(with(&format!("Worked with {one}"), other), Status::Met, "{one} for {other}");
    }
}

#[test]
fn who_one_is_changes_no_byte_of_a_verdict() {
    let head = |name: &str, more: &str| format!("# {name}\n\n{more}\n\n{PROFILE}");
    let verdicts = |profile: &str| {
        let analysis = compare(profile, POSTING).unwrap();
        let said: Vec<_> =
            analysis.verdicts.iter().map(|v| (v.status, v.rule, v.because.clone(), v.months)).collect();
        (said, analysis.fit.interval)
    };
    let oracle = verdicts(&head("Ann Berg", "She is 29, single, from Norway."));
    for (name, more) in [
        ("Mohammed Okafor", "He is 61, married, from Nigeria."),
        ("Kim Lee", "Born 1964. Widowed. Korean."),
        ("Ann Berg", "Photo enclosed. Catholic. Two children."),
    ] {
        assert_eq!(verdicts(&head(name, more)), oracle, "{name}, {more}");
    }
}

#[test]
fn sentences_that_only_look_like_requirements_are_left_out() {
    let posting = "# What you bring\n\n- 3 years of experience in sales\n\n# The company\n\nPension rising to 11 % after one year of service. We have been \
                   remote-first for 5 years. Founded over 180 years ago. In the next 3-5 years we will launch more games.\n";
    let analysis = compare(
        "# Experience\n\n## Sales assistant, Rosnock (2015-01 – 2021-12)\n\n- Sales of lamps\n",
        posting,
    )
    .unwrap();
    assert_eq!(analysis.requirements.len(), 1, "{:?}", analysis.requirements);
}

#[test]
fn the_same_documents_give_the_same_bytes_in_every_form() {
    let request = || Request {
        profile: vec![
            text("cv.md", &read("twin/profile.md")),
            text("publications.bib", &read("twin/publications.bib")),
        ],
        posting: Some(text("posting.md", &read("twin/posting.md"))),
        notes: vec![text("company.md", &read("twin/company.md"))],
        ..Request::default()
    };
    let written = || {
        let analysis = analyze(&request(), as_of()).unwrap();
        let report = compose(&analysis);
        (
            markdown(&analysis, &report),
            html(&analysis, &report),
            json(&analysis, &report).to_string(),
            docx(&analysis, &report),
        )
    };
    let (first, second) = (written(), written());
    assert!(first == second);
    let page = first.1;
    assert!(
        page.contains("default-src 'none'") && !page.contains("http://") && !page.contains("https://www")
    );
    let value: serde_json::Value = serde_json::from_str(&first.2).unwrap();
    assert_eq!(value["schema"], "pellucid.position/1");
    assert!(value["fit"]["lo"].as_f64() <= value["fit"]["hi"].as_f64());
}

#[test]
fn the_twin_gets_every_section_of_the_model_report() {
    let analysis = profession("twin");
    let headings: Vec<String> =
        compose(&analysis).sections.into_iter().map(|section| section.heading).collect();
    for wanted in [
        "Executive Summary",
        "Strong Alignments",
        "Potential Gaps & Areas to Address",
        "Strategic Recommendations",
        "Application Positioning",
        "Cover Letter Focus Areas",
        "Addressing Potential Concerns",
        "Interview Preparation",
        "Deep Dives",
        "Key Message",
        "Supporting Evidence",
        "Conclusion",
        "Appendix A: How the Fit Was Derived",
        "Appendix D: Findings",
    ] {
        assert!(headings.iter().any(|heading| heading == wanted), "{wanted} is not among {headings:?}");
    }
}

#[test]
fn the_twins_years_are_those_that_the_fixture_says() {
    let profile = fs_err::read_to_string(fixtures().join("twin/profile.md")).unwrap();
    let months = |asked: &str| {
        compare(&profile, &format!("# Requirements\n\n- {asked}\n")).unwrap().verdicts[0].months
    };
    assert_eq!(
        months("9+ years of experience in machine learning"),
        Some((115, 115, 108)),
        "9 years 7 months in six roles"
    );
    assert_eq!(
        months("10+ years of experience in machine learning").map(|(sure, _, asked)| (sure, asked)),
        Some((115, 120))
    );
}
