//! `pellucid workbench [FILE...]`: pages in a browser, on this machine.

use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use pellucid_server::http::{Bound, Guard, bind, serve};
use pellucid_server::{Code, Options, Source, Workbench, export};

use super::{Context, print};
use crate::args::Workbench as Args;
use crate::explaining::read_options;
use crate::failure::Failure;
use crate::output::{check_distinct, check_place, write_file};

/// The port if nobody says another.
const PORT: u16 = 7373;

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8, Failure> {
    let is_folder = args.export.as_deref().map(is_archive).transpose()?.unwrap_or(false);
    if let Some(path) = &args.export {
        check_place(path)?;
        check_distinct(path, &args.files.iter().map(std::path::PathBuf::as_path).collect::<Vec<_>>())?;
    }
    let sources = if args.files.is_empty() {
        Workbench::examples()
    } else {
        args.files.iter().cloned().map(Source::File).collect()
    };
    let options = Options {
        reading: read_options(&args.reading),
        drop: args.drop.clone(),
        threads: context.console.threads().0,
        most_bytes: args.max_memory.get().saturating_mul(1 << 20),
    };
    let workbench = Arc::new(Workbench::open(sources, options)?);
    workbench.notes().iter().for_each(|note| context.console.note(note));
    if let Some(path) = &args.export {
        let (bytes, notes) = if is_folder {
            let (addresses, notes) = export::everything(&workbench)?;
            let progress = context.console.counting(addresses.len() as u64, "answers");
            (context.console.unless_interrupted(export::zip(&workbench, &addresses, &progress))?, notes)
        } else {
            let (page, notes) = export::html(&workbench)?;
            (page.into_bytes(), notes)
        };
        notes.iter().for_each(|note| context.console.note(&format!("a page without an answer: {note}")));
        write_file(path, &bytes)?;
        context.console.done(&format!("wrote {}", path.display()));
        return Ok(0);
    }
    let bound = bound(args, context)?;
    let token = std::env::var("PELLUCID_TOKEN").ok();
    let guard = Guard::of(bound.address, token.as_deref())?;
    let host = match bound.address.ip() {
        ip if ip.is_unspecified() => "localhost".to_owned(),
        IpAddr::V6(ip) => format!("[{ip}]"),
        IpAddr::V4(ip) => ip.to_string(),
    };
    let address = format!("http://{host}:{}/", bound.address.port());
    print(&format!("{address}\n"))?;
    if token.is_some() {
        context
            .console
            .note("open it with ?token= and the value of PELLUCID_TOKEN; the browser keeps it as a cookie");
    }
    if !args.no_open && token.is_none() {
        open_browser(&address, context);
    }
    serve(workbench, bound, guard)?;
    Ok(0)
}

/// Whether pages go into a folder, by the ending of the file's name.
fn is_archive(path: &Path) -> Result<bool, Failure> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("html" | "htm") => Ok(false),
        Some("zip") => Ok(true),
        _ => Err(Failure::Usage(format!(
            "--export {}: pages go into a file that ends in .html, or with more rows into one that ends in .zip",
            path.display()
        ))),
    }
}

/// The port that was asked for, or the usual one, or a free one.
fn bound(args: &Args, context: &Context<'_>) -> Result<Bound, Failure> {
    let taken = |port: u16, cause: std::io::Error| {
        Failure::Usage(format!("--host {} --port {port}: {cause}; name another one", args.host))
    };
    if let Some(port) = args.port {
        return bind(args.host, port).map_err(|cause| taken(port, cause));
    }
    bind(args.host, PORT).or_else(|_| {
        let bound = bind(args.host, 0).map_err(|cause| taken(0, cause))?;
        context.console.detail(&format!("port {PORT} is taken"));
        Ok(bound)
    })
}

/// Opens the address where people look at things; without a screen nothing happens.
fn open_browser(address: &str, context: &Context<'_>) {
    use std::io::IsTerminal as _;

    if !std::io::stdout().is_terminal() {
        return;
    }
    let (program, words): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("cmd", &["/C", "start", ""])
    } else {
        ("xdg-open", &[])
    };
    let mut command = Command::new(program);
    command.args(words).arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if command.spawn().is_err() {
        context.console.detail("no browser could be opened; open the address yourself");
    }
}

impl From<pellucid_server::Failure> for Failure {
    fn from(failure: pellucid_server::Failure) -> Self {
        match failure.code {
            Code::Usage => Self::Usage(failure.message),
            Code::Limit => Self::Limit(failure.message),
            Code::Bug => Self::Bug(failure.message),
            _ => Self::Input(failure.message),
        }
    }
}
