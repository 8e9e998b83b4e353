//! What if bytes come that no browser sends? No answer is a bug, and the next request is served.

use pellucid_server::{Address, Answer};
use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_address_is_a_bug(
        path in prop::sample::select(vec!["/api/session", "/api/row", "/api/global", "/api/", "/api/jobs/j1", "/"]),
        parameters in prop::collection::vec(
            (
                prop::sample::select(vec!["model", "data", "row", "output", "space", "set", "hold", "up", "down", "cut", "feature", ""]),
                prop_oneof!["[ -~]{0,12}", "age:[-0-9.e]{0,6}", "sex:(Male|Female|)", "[0-9]{0,25}", "\\PC{0,6}", Just("NaN".to_owned()), Just("adult".to_owned())],
            ),
            0..5,
        ),
    ) {
        thread_local!(static BENCH: Arc<Workbench> = workbench());
        let pairs: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let address = Address::of(path, &pairs);
        let again = address.canonical();
        let (_, query) = again.split_once('?').unwrap();
        prop_assert_eq!(Address::parse(path, query).unwrap(), address.clone());
        match BENCH.with(|bench| bench.answer(&address)) {
            Ok(Answer::Ready(value)) => prop_assert!(value["schema"].is_string()),
            Ok(Answer::Working(_)) => {}
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
