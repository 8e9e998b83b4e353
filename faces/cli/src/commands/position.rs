//! `pellucid position PROFILE... POSTING`: how well a profile fits a posting, every claim with its source.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use pellucid::explain::Watch as _;
use pellucid_position::months::{Day, Month};
use pellucid_position::read::{Input, MOST_BYTES, Repository};
use pellucid_position::report::{compose, docx, html, json, markdown};
use pellucid_position::{Analysis, AnalysisError, Request, analyze};
use serde_json::json;

use super::{Context, print};
use crate::args::Position;
use crate::failure::Failure;
use crate::output::write_file;

/// Files of a checkout that are opened, and how much of each.
const MOST_TEXTS: usize = 12;
const MOST_TEXT: usize = 100_000;
/// Manifests whose names say what a project is built with.
const MANIFESTS: [&str; 5] = ["requirements.txt", "pyproject.toml", "Cargo.toml", "package.json", "go.mod"];

impl From<AnalysisError> for Failure {
    fn from(error: AnalysisError) -> Self {
        match error {
            AnalysisError::Swapped { .. } => Self::Usage(error.to_string()),
            other => Self::Input(other.to_string()),
        }
    }
}

pub(crate) fn run(args: &Position, context: &Context<'_>) -> Result<u8, Failure> {
    let Some((posting, profile)) = args.files.split_last().filter(|(_, profile)| !profile.is_empty()) else {
        return Err(Failure::Usage("give at least one profile file, then the posting".to_owned()));
    };
    let as_of = args.as_of.unwrap_or_else(today);
    // The tables load beside the reading of the files; whoever needs one first waits for it.
    std::thread::spawn(pellucid_position::prepare);
    let mut request = Request::default();
    for path in profile {
        if path.is_dir() {
            request.repositories.push(checkout(path)?);
        } else {
            request.profile.push(input(path)?);
        }
    }
    request.notes = args.notes.iter().map(|path| input(path)).collect::<Result<_, _>>()?;
    if posting.is_dir() {
        return many(request, posting, as_of, args, context);
    }
    request.posting = Some(input(posting)?);
    let ending = args.out.as_deref().map(ending).transpose()?;
    let analysis = analyze(&request, as_of)?;
    let report = compose(&analysis);
    let written = match ending {
        Some("html") => html(&analysis, &report).into_bytes(),
        Some("json") => format!("{:#}\n", json(&analysis, &report)).into_bytes(),
        Some("docx") => docx(&analysis, &report),
        _ => markdown(&analysis, &report).into_bytes(),
    };
    for finding in &analysis.findings {
        let place = finding.span.as_ref().map_or(String::new(), |span| format!("{}: ", analysis.cite(span)));
        context.console.note(&format!("{place}{}", finding.text));
    }
    match args.out.as_deref() {
        Some(path) => {
            write_file(path, &written)?;
            context.console.done(&format!("wrote the analysis to {}", path.display()));
        }
        None if context.json => {}
        None => return print(&String::from_utf8_lossy(&written)),
    }
    if context.json {
        return print(&format!("{}\n", json(&analysis, &report)));
    }
    Ok(0)
}

/// What the file's ending asks for.
fn ending(path: &Path) -> Result<&'static str, Failure> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let known = ["md", "html", "json", "docx"];
    known.into_iter().find(|known| *known == ending).ok_or_else(|| {
        Failure::Usage(format!("`{}`: an analysis is written as .{}", path.display(), known.join(" .")))
    })
}

fn input(path: &Path) -> Result<Input, Failure> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        let most = MOST_BYTES as u64 + 1;
        std::io::Read::read_to_end(&mut std::io::Read::take(std::io::stdin(), most), &mut bytes)?;
        return Ok(Input { name: "standard input".to_owned(), bytes });
    }
    // What would be refused for its size is not read.
    let length = fs_err::metadata(path)?.len();
    if length > MOST_BYTES as u64 {
        return Err(Failure::Input(format!(
            "{}: it has {} MB; at most {} are read",
            path.display(),
            length >> 20,
            MOST_BYTES >> 20
        )));
    }
    Ok(Input { name: path.display().to_string(), bytes: fs_err::read(path)? })
}

/// The current day, by the clock.
fn today() -> Day {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let said = pellucid_runs::rfc3339(seconds);
    let part =
        |range: std::ops::Range<usize>| said.get(range).and_then(|part| part.parse().ok()).unwrap_or(1);
    let month = Month::new(part(0..4), part(5..7));
    u8::try_from(part(8..10))
        .ok()
        .and_then(|day| Day::new(month.year(), month.month(), day))
        .unwrap_or(Day::end_of(month))
}

/// A checkout: its files by git where there is one, its README and manifests, the months of its commits.
///
/// # Errors
/// When the folder or one of these files can't be read; the message names it.
pub fn checkout(path: &Path) -> std::io::Result<Repository> {
    let git = |words: &[&str]| -> Option<String> {
        let output = Command::new("git").arg("-C").arg(path).args(words).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let listed = git(&["ls-files"]).unwrap_or_default();
    let mut files: Vec<String> = listed.lines().map(str::to_owned).collect();
    if files.is_empty() {
        for entry in fs_err::read_dir(path)? {
            files.push(entry?.file_name().to_string_lossy().into_owned());
        }
        files.sort();
    }
    let is_told = |file: &&String| {
        let name = file.rsplit('/').next().unwrap_or(file);
        name.to_lowercase().starts_with("readme") || MANIFESTS.contains(&name)
    };
    let mut texts = Vec::new();
    for file in files.iter().filter(is_told).take(MOST_TEXTS) {
        let full: PathBuf = path.join(file);
        if full.is_file() {
            let mut bytes = Vec::new();
            let reader = fs_err::File::open(&full)?;
            std::io::Read::read_to_end(&mut std::io::Read::take(reader, MOST_TEXT as u64), &mut bytes)?;
            texts.push((file.clone(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    let months = git(&["log", "--format=%ad", "--date=format:%Y-%m"]).unwrap_or_default();
    let history = months
        .lines()
        .next_back()
        .zip(months.lines().next())
        .map(|(first, last)| (first.to_owned(), last.to_owned()));
    Ok(Repository { name: path.display().to_string(), files, texts, history })
}

/// One profile against a folder of postings: a line each, in the order of their names. Postings are compared, never
/// people.
fn many(
    mut request: Request,
    folder: &Path,
    as_of: Day,
    args: &Position,
    context: &Context<'_>,
) -> Result<u8, Failure> {
    if let Some(path) =
        args.out.as_deref().filter(|path| path.extension().is_none_or(|ending| ending != "csv"))
    {
        return Err(Failure::Usage(format!(
            "`{}`: for a folder of postings the result is a .csv",
            path.display()
        )));
    }
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    let mut table = String::from("posting,lo,hi,label,met,asked,open_gates,problem\n");
    let mut lines = Vec::new();
    let progress = context.console.progress(Some(paths.len() as u64));
    for path in &paths {
        if context.console.is_interrupted() {
            return Err(Failure::Interrupted);
        }
        if context.console.is_out_of_time() {
            break;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().replace(['"', ','], " ");
        // One file that can't be read is a line of the table, not its end.
        let read = input(path).map_err(|failure| failure.to_string());
        let analysed = read.and_then(|posting| {
            request.posting = Some(posting);
            analyze(&request, as_of).map_err(|error| error.to_string())
        });
        match analysed {
            Ok(analysis) => {
                let [lo, hi] = analysis.fit.interval;
                let (met, asked) = met(&analysis);
                table += &format!(
                    "{name},{:.4},{:.4},{},{met},{asked},{},\n",
                    lo.value(),
                    hi.value(),
                    analysis.fit.label,
                    analysis.fit.open_gates.len()
                );
                lines.push(json!({"posting": name, "lo": lo.value(), "hi": hi.value(), "label": analysis.fit.label, "met": met, "asked": asked}));
            }
            Err(error) => {
                table += &format!("{name},,,,,,,\"{}\"\n", error.replace('"', "'"));
                lines.push(json!({"posting": name, "problem": error}));
            }
        }
        progress.advance(1);
    }
    drop(progress);
    let complete = lines.len() == paths.len();
    if let Some(path) = &args.out {
        write_file(path, table.as_bytes())?;
        context.console.done(&format!("wrote {} postings to {}", lines.len(), path.display()));
    }
    if context.json {
        context.print_json("position_many", json!({"postings": lines, "complete": complete}))?;
    } else if args.out.is_none() {
        print(&table)?;
    }
    Ok(if complete { 0 } else { 4 })
}

fn met(analysis: &Analysis) -> (usize, usize) {
    let met = analysis
        .verdicts
        .iter()
        .filter(|verdict| verdict.status == pellucid_position::model::Status::Met)
        .count();
    (met, analysis.verdicts.len())
}
