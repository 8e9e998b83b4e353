//! The command `pellucid`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pellucid_cli::main(std::env::args_os())
}
