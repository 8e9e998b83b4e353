//! Who gets in? Pages of this server; not pages of others, not names that were rebound, not who lacks the token.

use super::*;

#[test]
fn pages_of_other_sites_can_neither_read_nor_post() {
    let server = Server::new();
    let own = server.address;
    for (method, target, headers) in [
        ("GET", "/api/session", "Origin: http://evil.example\r\n".to_owned()),
        ("GET", "/api/session", "Origin: null\r\n".to_owned()),
        ("GET", "/api/session", format!("Origin: https://{own}\r\n")),
        ("GET", "/api/session", "Origin: http://127.0.0.1:1\r\n".to_owned()),
        ("GET", "/api/session", "Sec-Fetch-Site: cross-site\r\n".to_owned()),
        ("GET", "/app.js", "Sec-Fetch-Site: same-site\r\n".to_owned()),
        ("GET", "/api/session", format!("Host: evil.example:{}\r\n", own.port())),
        ("GET", "/api/session", "Host: evil.example\r\n".to_owned()),
        ("GET", "/api/session", "Host: 127.0.0.1\r\n".to_owned()),
        ("GET", "/api/session", format!("Host: 127.0.0.1.evil.example:{}\r\n", own.port())),
        ("GET", "/api/session", "Host:\r\n".to_owned()),
        ("POST", "/api/jobs/j1/cancel", String::new()),
        ("POST", "/api/jobs/j1/cancel", "Origin: http://evil.example\r\n".to_owned()),
    ] {
        let reply = server.ask(method, target, &headers);
        assert_eq!(reply.status, 403, "{method} {target} with {headers:?}: {}", reply.body);
        assert!(!reply.head.contains("access-control"), "{}", reply.head);
    }
    // A preflight is answered with no permission.
    let preflight = server.ask(
        "OPTIONS",
        "/api/session",
        "Origin: http://evil.example\r\nAccess-Control-Request-Method: GET\r\n",
    );
    assert_eq!(preflight.status, 403);
}

#[test]
fn its_own_pages_may() {
    let server = Server::new();
    let own = server.address;
    for headers in [
        String::new(),
        format!("Origin: http://{own}\r\nSec-Fetch-Site: same-origin\r\n"),
        format!("Host: localhost:{}\r\nOrigin: http://localhost:{}\r\n", own.port(), own.port()),
        "Sec-Fetch-Site: none\r\n".to_owned(),
    ] {
        let reply = server.ask("GET", "/api/session", &headers);
        assert_eq!(reply.status, 200, "{headers:?}: {}", reply.body);
        for header in [
            "content-security-policy: default-src 'none'",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "cache-control: no-store",
        ] {
            assert!(reply.head.contains(header), "{header} in {}", reply.head);
        }
    }
    let post = server.ask("POST", "/api/jobs/j1/cancel", &format!("Origin: http://{own}\r\n"));
    assert_eq!(post.status, 404, "there is no such job, and that may be said: {}", post.body);
}

#[test]
fn files_of_the_pages_are_served_and_nothing_else() {
    let server = Server::new();
    for (path, kind) in [
        ("/", "text/html"),
        ("/app.js", "text/javascript"),
        ("/app.css", "text/css"),
        ("/theme.css", "text/css"),
        ("/inter-400.otf", "font/otf"),
        ("/inter-600.otf", "font/otf"),
    ] {
        let reply = server.get(path);
        assert_eq!(reply.status, 200);
        assert!(reply.head.contains(kind) && !reply.body.is_empty(), "{path}");
        let tag = reply.head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
        assert_eq!(server.ask("GET", path, &format!("If-None-Match: {tag}\r\n")).status, 304);
    }
    for path in [
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/etc/passwd",
        "//etc/passwd",
        "/api/../app.js",
        "/fixtures/tour/adult.csv",
    ] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    assert_eq!(
        server.ask("DELETE", "/app.js", &format!("Origin: http://{}\r\n", server.address)).status,
        405
    );
}

#[test]
fn who_asks_from_elsewhere_needs_the_token() {
    let anywhere: SocketAddr = "0.0.0.0:80".parse().unwrap();
    assert!(Guard::of(anywhere, None).unwrap_err().message.contains("PELLUCID_TOKEN"));
    assert!(Guard::of(anywhere, Some("short")).unwrap_err().message.contains("16 letters"));
    let token = "a-token-of-many-letters";
    let server = Server::of(workbench(), Some(token));
    assert_eq!(server.get("/api/session").status, 401);
    assert_eq!(server.get("/").status, 401);
    assert_eq!(
        server.ask("GET", "/api/session", "Authorization: Bearer a-token-of-many-letterz\r\n").status,
        401
    );
    assert_eq!(server.ask("GET", "/api/session", &format!("Authorization: Bearer {token}\r\n")).status, 200);
    assert_eq!(server.get("/?token=wrong").status, 401);
    let entered = server.get(&format!("/?token={token}"));
    assert_eq!(entered.status, 303);
    let cookie = entered.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap().to_owned();
    assert!(cookie.contains("httponly") && cookie.contains("samesite=strict"));
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(server.ask("GET", "/api/session", &format!("Cookie: other=1; {cookie}\r\n")).status, 200);
}
