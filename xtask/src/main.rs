//! `cargo xtask`: everything that is done to this repository rather than with it.

mod bench;
mod fixtures;
mod package;
mod places;
mod python;
mod setup;
mod test;
mod tidy;
mod weights;
mod workbench;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask setup                 install what the tests need, outside of the checkout
cargo xtask test                  everything that CI runs
cargo xtask wheel                 build the Python package; prints where it is
cargo xtask workbench             build the workbench's pages again, which are committed
cargo xtask tidy                  check the house's invariants
cargo xtask fixtures [FOLDER...]  make fixtures again with the libraries they come from
cargo xtask bench [shap|rules|lens|python|costs] [ARG...] race the peers; ARGs go to the bench's script";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["setup"] => setup::run(),
        ["test"] => test::run(),
        ["tidy"] => tidy::run(),
        ["wheel"] => package::wheel().map(|path| println!("{}", path.display())),
        ["workbench"] => workbench::setup().and_then(|()| workbench::build()),
        ["fixtures", folders @ ..] => fixtures::run(folders),
        ["bench", rest @ ..] => bench::run(rest),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
