//! What if bytes come that no browser sends? No answer is a bug, and the next request is served.

use pellucid_server::{Address, Answer};
use proptest::prelude::*;

use super::*;

/// Something of every kind, and little of each.
fn everything() -> Arc<Workbench> {
    let folder = tempfile::tempdir().unwrap().keep();
    let few = few_rows(&folder, 60);
    let documents = ["profile.md", "posting.md"].map(|name| fixture("position/twin").join(name));
    let files = [fixture("tour/adult-xgboost.ubj"), few].into_iter().chain(documents);
    let sources = files.map(Source::File).chain([Source::Circuit]).collect();
    Arc::new(Workbench::open(sources, options()).unwrap())
}

/// What each page is asked with.
const ASKED: [(&str, &str); 13] = [
    ("/api/session", ""),
    ("/api/row", "model data row output space set hold up down cut feature"),
    ("/api/global", "model data output space feature where explanation"),
    (
        "/api/rules",
        "data target positive weights drop lambda cost max_conditions min_support bins groups max_rules max_size require exclude_empty seconds off rules",
    ),
    (
        "/api/rashomon",
        "data target positive lambda max_rules theta within times identity group limit use a b seconds",
    ),
    ("/api/position", "profile posting reject confirm as_of"),
    (
        "/api/patching",
        "transformer clean corrupt answer wrong site by noising with metric position verify run cell",
    ),
    ("/api/attention", "transformer text token layer head score answer wrong from"),
    ("/api/data", "data column by where rows_from sort"),
    ("/api/trees", "model data tree row output depth node by from"),
    ("/api/runs", "runs run verb tag text since sort from other"),
    ("/api/jobs", ""),
    ("/api/jobs/j1", "model"),
];

/// A path, and parameters of which most are its own, with values of which some make sense.
fn asked() -> impl Strategy<Value = (&'static str, Vec<(&'static str, String)>)> {
    let value = || {
        prop_oneof![
            2 => "[ -~]{0,12}",
            2 => "(age|sex|income):(=|>=|missing|Male|)?:?[-0-9.eMale]{0,6}",
            2 => "-?[0-9]{0,25}",
            2 => "[0-9]{1,3}(:[0-9]{1,3}){0,2}",
            1 => "[0-9]{1,3}/[0-9]{0,4}",
            1 => "\\PC{0,6}",
            3 => prop::sample::select(vec!["NaN", "inf", "1", "adult", "adult-xgboost", "income", "age", "a b c d e a", "a d c b e a", "b", "d", "resid_pre", "z", "pattern", "induction", "layer-position-head", "-1"]).prop_map(str::to_owned),
        ]
    };
    prop::sample::select(ASKED.to_vec()).prop_flat_map(move |(path, own)| {
        let names: Vec<&'static str> = own.split(' ').chain(["", "model"]).collect();
        (Just(path), prop::collection::vec((prop::sample::select(names), value()), 0..5))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_address_is_a_bug(
        (path, parameters) in asked(),
    ) {
        thread_local!(static BENCH: Arc<Workbench> = everything());
        let pairs: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let address = Address::of(path, &pairs);
        let again = address.canonical();
        let (_, query) = again.split_once('?').unwrap();
        prop_assert_eq!(Address::parse(path, query).unwrap(), address.clone());
        match BENCH.with(|bench| bench.answer(&address)) {
            Ok(Answer::Ready(value)) => prop_assert!(value["schema"].is_string()),
            Ok(Answer::Working(job)) => job.cancel(),
            Err(failure) => {
                prop_assert!(failure.status() < 500, "{}: {}", again, failure);
                prop_assert!(!failure.message.is_empty());
            }
        }
    }
}

#[test]
fn bytes_that_are_no_request_do_not_stop_the_server() {
    let server = Server::new();
    let long = format!("GET /api/row?{} HTTP/1.1\r\nHost: {}\r\n\r\n", "a=1&".repeat(50_000), server.address);
    let many = format!(
        "GET /api/row?{} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        "a=1&".repeat(5_000),
        server.address
    );
    let body = format!(
        "POST /api/jobs/j1/cancel HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\nxxxx",
        server.address
    );
    let headers = format!("GET / HTTP/1.1\r\nHost: {}\r\n{}\r\n", server.address, "X: y\r\n".repeat(2_000));
    for bytes in [
        b"\0\xff\xfe garbage".to_vec(),
        b"GET".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"GET /%zz%00%ff?%zz=%ff HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n".to_vec(),
        long.into_bytes(),
        many.into_bytes(),
        headers.into_bytes(),
    ] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let _ = stream.write_all(&bytes);
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut out = Vec::new();
        let _ = stream.read_to_end(&mut out);
        let text = String::from_utf8_lossy(&out);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
    }
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    drop(stream);
    assert_eq!(server.get("/api/session").status, 200);
}
