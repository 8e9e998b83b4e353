//! Is an export the same answers, in one file that asks for nothing?

use pellucid_server::export;

use super::*;

#[test]
fn an_export_holds_the_answers_of_the_server() {
    // Few rows, whose rules are searched in no time.
    let folder = tempfile::tempdir().unwrap();
    let few = few_rows(folder.path(), 60);
    let sources = vec![Source::File(fixture("tour/adult-xgboost.ubj")), Source::File(few)];
    let server = Server::of(Arc::new(Workbench::open(sources, options()).unwrap()), None);
    let (page, notes) = export::html(&server.workbench).unwrap();
    assert!(notes.is_empty(), "{notes:?}");
    let (_, rest) = page.split_once("id=\"pellucid-frozen\">").unwrap();
    let (island, _) = rest.split_once("</script>").unwrap();
    let frozen: Value = serde_json::from_str(island).unwrap();
    let answers = frozen["answers"].as_object().unwrap();
    assert!(answers.keys().filter(|address| address.starts_with("/api/row?")).count() >= 10);
    let shared = frozen["shared"].as_array().unwrap();
    assert!(!shared.is_empty());
    for (address, frozen) in answers {
        assert_eq!(whole(frozen, shared), server.answer(address), "{address}");
    }
    assert!(page.len() < 6_000_000, "{} bytes", page.len());
    // Names of files are told as they were given, and nothing is loaded from anywhere.
    let (head, _) = page.split_once("<script").unwrap();
    assert!(!head.contains("href=\"./") && !head.contains("src=\""));
    assert_eq!(page.matches("</script>").count(), 2);
}

#[test]
fn an_archive_holds_more_answers_each_in_a_script_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let few = few_rows(folder.path(), 30);
    let sources = vec![Source::File(fixture("tour/adult-xgboost.ubj")), Source::File(few)];
    let server = Server::of(Arc::new(Workbench::open(sources, options()).unwrap()), None);
    let (addresses, notes) = export::everything(&server.workbench).unwrap();
    assert!(notes.is_empty(), "{notes:?}");
    let bytes = export::zip(&server.workbench, &addresses, &pellucid::explain::Quiet).unwrap();
    assert_eq!(bytes, export::zip(&server.workbench, &addresses, &pellucid::explain::Quiet).unwrap());
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut read =
        |name: &str| std::io::read_to_string(archive.by_name(&format!("workbench/{name}")).unwrap()).unwrap();
    // The list, then the program that asks for it; nothing from elsewhere.
    let page = read("index.html");
    assert!(page.find("./answers/list.js").unwrap() < page.find("./app.js").unwrap());
    assert!(!page.contains("http://") && !page.contains("https://"));
    let list = read("answers/list.js");
    let places = list.split_once("pellucidPlaces = ").unwrap().1.trim_end().trim_end_matches(';');
    let places: serde_json::Map<String, Value> = serde_json::from_str(places).unwrap();
    assert_eq!(places.keys().filter(|address| address.starts_with("/api/row?")).count(), 30, "every row");
    for (address, place) in &places {
        let script = read(&format!("answers/{place}.js"));
        let (name, answer) = script.split_once(" = ").unwrap();
        assert_eq!(name, format!("pellucidAnswers[{place}]"));
        let answer: Value = serde_json::from_str(answer.trim_end().trim_end_matches(';')).unwrap();
        assert_eq!(answer, server.answer(address), "{address}");
    }
    let stopped = export::zip(&server.workbench, &addresses, &Never);
    assert_eq!(stopped.unwrap_err().code, pellucid_server::Code::Cancelled);
}

/// Wants nothing.
struct Never;

impl pellucid::explain::Watch for Never {
    fn should_stop(&self) -> bool {
        true
    }
}

/// An answer with the pictures that stand elsewhere.
fn whole(value: &Value, shared: &[Value]) -> Value {
    match value {
        Value::Object(own) => match own.get("$").and_then(Value::as_u64) {
            Some(at) => shared[at as usize].clone(),
            None => own.iter().map(|(name, inner)| (name.clone(), whole(inner, shared))).collect(),
        },
        Value::Array(all) => all.iter().map(|inner| whole(inner, shared)).collect(),
        other => other.clone(),
    }
}
