//! The workbench as a browser meets it: a real server on a socket, with real models and data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that can't go on fails")]

mod answers;
mod attention;
mod data;
mod doors;
mod explanations;
mod exported;
mod jobs;
mod patching;
mod positions;
mod runs;
mod strangers;
mod trees;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pellucid::data::read::ReadOptions;
use pellucid_server::http::{Guard, bind, serve};
use pellucid_server::{Options, Source, Workbench};
use serde_json::Value;

fn options() -> Options {
    Options {
        reading: ReadOptions::default(),
        drop: Vec::new(),
        threads: NonZeroUsize::MIN,
        most_bytes: 1 << 30,
    }
}

fn fixture(name: &str) -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap();
    package.join("../../fixtures").join(name)
}

/// The first rows of the tour's table, as a file in a folder.
fn few_rows(folder: &Path, n: usize) -> PathBuf {
    let few = folder.join("adult.csv");
    let text = fs_err::read_to_string(fixture("tour/adult.csv")).unwrap();
    fs_err::write(&few, text.lines().take(n + 1).collect::<Vec<_>>().join("\n")).unwrap();
    few
}

fn adult() -> Vec<Source> {
    ["tour/adult-xgboost.ubj", "tour/adult-lightgbm.txt", "tour/adult.csv"]
        .map(|name| Source::File(fixture(name)))
        .to_vec()
}

fn workbench() -> Arc<Workbench> {
    Arc::new(Workbench::open(adult(), options()).unwrap())
}

/// A server that ends with the process.
struct Server {
    address: SocketAddr,
    workbench: Arc<Workbench>,
}

impl Server {
    fn new() -> Self {
        Self::of(workbench(), None)
    }

    fn of(workbench: Arc<Workbench>, token: Option<&str>) -> Self {
        let bound = bind(IpAddr::V4(Ipv4Addr::LOCALHOST), 0).unwrap();
        let (address, guard) = (bound.address, Guard::of(bound.address, token).unwrap());
        let own = Arc::clone(&workbench);
        std::thread::spawn(move || serve(own, bound, guard));
        Self { address, workbench }
    }

    /// Sends bytes as they are, and reads until the server closes.
    fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        // A server that refuses early may close before it has read all.
        let _ = stream.write_all(request);
        let mut out = Vec::new();
        let _ = stream.read_to_end(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn ask(&self, method: &str, target: &str, headers: &str) -> Reply {
        let host = self.address;
        let head = if headers.contains("Host:") { String::new() } else { format!("Host: {host}\r\n") };
        let request = format!("{method} {target} HTTP/1.1\r\n{head}Connection: close\r\n{headers}\r\n");
        Reply::of(&self.raw(request.as_bytes()))
    }

    fn get(&self, target: &str) -> Reply {
        self.ask("GET", target, "")
    }

    /// What comes back in the end, however long a job takes.
    fn settled(&self, target: &str) -> Reply {
        loop {
            let reply = self.get(target);
            if reply.status != 202 {
                return reply;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// That a question is refused, in words of which some are these.
    fn refuses(&self, target: &str, status: u16, words: &str) {
        let (reply, shown) = (self.settled(target), target.chars().take(120).collect::<String>());
        assert_eq!(reply.status, status, "{shown}: {}", reply.body);
        assert!(reply.error().contains(words), "{shown}: {}", reply.error());
    }

    /// The answer.
    fn answer(&self, target: &str) -> Value {
        let reply = self.settled(target);
        assert_eq!(reply.status, 200, "{target}: {}", reply.body);
        reply.json()
    }
}

/// What came back.
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn of(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        let body = if head.to_lowercase().contains("transfer-encoding: chunked") {
            chunks(body)
        } else {
            body.to_owned()
        };
        Self { status, head: head.to_lowercase(), body }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn error(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap().to_owned()
    }
}

fn chunks(mut body: &str) -> String {
    let mut out = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || rest.len() < size {
            break;
        }
        out += &rest[..size];
        body = rest[size..].trim_start_matches("\r\n");
    }
    out
}
