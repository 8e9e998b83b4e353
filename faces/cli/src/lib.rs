//! What did the user type, and what does it mean? Text arguments first, one engine call for each thing
//! that is asked, then text again.

mod args;
mod chosen;
mod commands;
mod console;
mod explaining;
mod failure;
mod groups;
mod lens_args;
mod output;
mod rule_args;
mod task;
mod tree_args;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use args::Cli;
pub use commands::{checkout, memory_left};
use console::Console;
pub use console::default_threads;
use failure::Failure;

/// Runs the program on its arguments, the first being its name. See `pellucid --help` for exit codes.
pub fn main(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::from(run(words))
}

/// Runs the program on its arguments, the first being its name, and answers its exit code: for a program of another language.
pub fn run(words: impl IntoIterator<Item = OsString>) -> u8 {
    let words: Vec<OsString> = words.into_iter().collect();
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no failure.
            if !error.use_stderr() {
                let _ = error.print();
                return 0;
            }
            // Whether JSON was asked for is only known from the words themselves.
            console::usage_error(&error, words.iter().any(|word| word == "--json"));
            return 2;
        }
    };
    let console = Console::new(&cli.global);
    // A panic is reported once, at the end, unless a reader of untrusted bytes has made an error of it.
    std::panic::set_hook(Box::new(|_| {}));
    let ran =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| commands::run(&cli, &console, &words)));
    let result = ran.unwrap_or_else(|panic| Err(Failure::from_panic(panic.as_ref())));
    match result {
        Ok(code) => code,
        Err(failure) => {
            // Whoever stops a search by hand hears of that, whatever the search says it lacks.
            let failure = match failure {
                Failure::Limit(_) | Failure::NothingInTime if console.is_interrupted() => {
                    Failure::Interrupted
                }
                other => other,
            };
            console.failure(&failure, cli.global.json);
            failure.exit_code()
        }
    }
}
