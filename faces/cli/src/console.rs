//! What does the user see besides results? Notes, progress and errors, on standard error.
#![expect(clippy::print_stderr, reason = "the one place that writes to standard error")]

use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pellucid::explain::Watch;

use crate::args::{Global, When};
use crate::failure::Failure;

/// Standard error, the clock and the keyboard.
pub(crate) struct Console {
    quiet: bool,
    verbose: bool,
    color: bool,
    progress: bool,
    deadline: Option<Instant>,
    interrupted: Arc<AtomicBool>,
    threads: (NonZeroUsize, &'static str),
}

/// Tells what is wrong with the words of the command line, before there is a console.
pub(crate) fn usage_error(error: &clap::Error, json: bool) {
    if json {
        let text = error.to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
        eprintln!("{}", Failure::Usage(text.to_owned()).to_json());
    } else {
        let _ = error.print();
    }
}

impl Console {
    pub(crate) fn new(global: &Global) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let color = match global.color {
            When::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
            When::Always => true,
            When::Never => false,
        };
        let progress = match global.progress {
            When::Auto => terminal && !global.quiet,
            When::Always => true,
            When::Never => false,
        };
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        // Without a handler Ctrl-C still ends the program, only less tidily.
        let _ = ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        });
        Self {
            quiet: global.quiet,
            verbose: global.verbose,
            color,
            progress,
            // A limit past all clocks is none.
            deadline: global.time_limit.and_then(|limit| Instant::now().checked_add(limit)),
            interrupted,
            threads: threads(global),
        }
    }

    /// How many worker threads, and who said so.
    pub(crate) fn threads(&self) -> (NonZeroUsize, &'static str) {
        self.threads
    }

    fn label(&self, word: &str, color: u8) -> String {
        if self.color { format!("\u{1b}[1;{color}m{word}\u{1b}[0m") } else { word.to_owned() }
    }

    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            eprintln!("{}: {}", self.label("note", 36), printable(text));
        }
    }

    pub(crate) fn detail(&self, text: &str) {
        if self.verbose {
            eprintln!("{text}");
        }
    }

    /// What was written where.
    pub(crate) fn done(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    pub(crate) fn failure(&self, failure: &Failure, json: bool) {
        if matches!(failure, Failure::BrokenPipe) {
            return;
        }
        if json {
            eprintln!("{}", failure.to_json());
        } else {
            eprintln!("{}: {}", self.label("error", 31), printable(&failure.to_string()));
        }
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    /// What long work found; where it failed and somebody had pressed Ctrl-C, that is why.
    pub(crate) fn unless_interrupted<T, E: Into<Failure>>(&self, found: Result<T, E>) -> Result<T, Failure> {
        found.map_err(|cause| if self.is_interrupted() { Failure::Interrupted } else { cause.into() })
    }

    pub(crate) fn is_out_of_time(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// The exit code of work on rows; says so where the time limit cut it short.
    pub(crate) fn exit_of(&self, cut_short: bool, n_rows: usize) -> u8 {
        if !cut_short {
            return 0;
        }
        self.note(&format!("the time limit was reached; the result is complete for the first {n_rows} rows"));
        4
    }

    /// Progress over rows; `total` where it is known.
    pub(crate) fn progress(&self, total: Option<u64>) -> Progress<'_> {
        self.progress_in(total, "rows")
    }

    /// Progress over nodes of a search, of which nobody knows how many there are.
    pub(crate) fn searching(&self) -> Progress<'_> {
        self.progress_in(None, "nodes")
    }

    /// Progress over so many things of another kind.
    pub(crate) fn counting(&self, total: u64, unit: &str) -> Progress<'_> {
        self.progress_in(Some(total), unit)
    }

    fn progress_in(&self, total: Option<u64>, unit: &str) -> Progress<'_> {
        let bar = if self.progress {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
            let template = if total.is_some() {
                format!("{{wide_bar}} {{human_pos}}/{{human_len}} {unit}, {{eta}} left")
            } else {
                format!("{{spinner}} {{human_pos}} {unit}, {{per_sec}}, {{elapsed}}")
            };
            bar.set_style(
                ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar
        } else {
            ProgressBar::hidden()
        };
        Progress { console: self, bar }
    }
}

/// Progress of one job; gone from the screen when it is dropped.
pub(crate) struct Progress<'c> {
    console: &'c Console,
    bar: ProgressBar,
}

impl Progress<'_> {
    /// Does something that may write to the same terminal.
    pub(crate) fn aside<T>(&self, work: impl FnOnce() -> T) -> T {
        if self.bar.is_hidden() { work() } else { self.bar.suspend(work) }
    }
}

/// Who runs something without progress is stopped by the same.
impl Watch for Console {
    fn should_stop(&self) -> bool {
        self.is_interrupted() || self.is_out_of_time()
    }
}

impl Watch for Progress<'_> {
    fn advance(&self, rows: usize) {
        self.bar.inc(rows as u64);
    }

    fn should_stop(&self) -> bool {
        self.console.should_stop()
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn threads(global: &Global) -> (NonZeroUsize, &'static str) {
    if let Some(n) = global.threads.and_then(|n| NonZeroUsize::new(usize::from(n))) {
        return (n, "--threads");
    }
    from_environment()
}

/// How many worker threads there are where nobody says so: `PELLUCID_NUM_THREADS`, `RAYON_NUM_THREADS`, or all cores.
pub fn default_threads() -> NonZeroUsize {
    from_environment().0
}

fn from_environment() -> (NonZeroUsize, &'static str) {
    for name in ["PELLUCID_NUM_THREADS", "RAYON_NUM_THREADS"] {
        if let Some(n) = std::env::var(name).ok().and_then(|text| text.trim().parse().ok()) {
            return (n, name);
        }
    }
    (std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN), "all cores")
}

/// Without the control characters that a file's names may hold and a terminal would obey.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}
