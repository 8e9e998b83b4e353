//! Is all that is worked on told, with who asked, and can it be stopped?

use super::*;

/// A table on which an explanation takes long.
fn long(folder: &std::path::Path) -> Server {
    let text = fs_err::read_to_string(fixture("tour/adult.csv")).unwrap();
    let (head, rows) = text.trim().split_once('\n').unwrap();
    let many = folder.join("many.csv");
    fs_err::write(&many, format!("{head}\n{}", format!("{rows}\n").repeat(150))).unwrap();
    let sources = vec![Source::File(fixture("tour/adult-xgboost.ubj")), Source::File(many)];
    Server::of(Arc::new(Workbench::open(sources, options()).unwrap()), None)
}

#[test]
fn work_is_listed_with_its_address_and_all_of_it_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let server = long(folder.path());
    let none = server.answer("/api/jobs");
    assert_eq!((none["jobs"].as_array().unwrap().len(), &none["n_running"]), (0, &0.into()));
    let asked = "/api/global?data=many&model=adult-xgboost";
    // The table is read first, then its rows are explained.
    let explaining = loop {
        let reply = server.get(asked);
        assert!(reply.status == 202, "{}", reply.body);
        let job = reply.json()["job"].clone();
        if job["title"].as_str().unwrap().starts_with("Explaining") {
            break job;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let told = server.answer("/api/jobs");
    let first = &told["jobs"][0];
    assert_eq!(first["id"], explaining["id"], "the newest first");
    assert_eq!(first["asked"], asked);
    assert!(first["state"] == "running" && told["n_running"] == 1, "{told}");
    let own = format!("Origin: http://{}\r\n", server.address);
    let stopped = server.ask("POST", "/api/jobs/cancel", &own);
    assert_eq!((stopped.status, &stopped.json()["stopped"]), (200, &1.into()));
    let over = loop {
        let told = server.answer("/api/jobs");
        if told["n_running"] == 0 {
            break told;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(over["jobs"][0]["state"], "cancelled");
    // Whoever asks again begins anew.
    assert_eq!(server.get(asked).status, 202);
    server.ask("POST", "/api/jobs/cancel", &own);
}

#[test]
fn the_list_takes_no_parameters_and_strangers_stop_nothing() {
    let server = Server::new();
    assert_eq!(server.get("/api/jobs?x=1").status, 400);
    assert_eq!(server.ask("POST", "/api/jobs/cancel", "Origin: http://evil.example\r\n").status, 403);
    assert_eq!(server.ask("POST", "/api/jobs/cancel", "").status, 403);
    assert_eq!(server.get("/api/jobs/cancel").status, 405);
}
