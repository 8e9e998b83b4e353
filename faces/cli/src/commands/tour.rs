//! `pellucid tour`: the main jobs on embedded data and models. Everything shown is computed on the spot.

use std::path::Path;

use clap::Parser as _;

use pellucid::data::read::{CsvReader, ReadOptions};
use pellucid::data::write::Heading;
use pellucid::explain::Space;
use pellucid::explain::shapley::Method;
use pellucid::models::trees::import::import;
use pellucid::models::trees::{Ensemble, FeatureMatrix};
use pellucid::models::{Predict as _, Scale};
use pellucid::views::number::{count, pretty, residual};
use pellucid::views::render::{html, png, svg};
use pellucid::views::report::{Report, Section, finding, lead, sections};
use pellucid::views::theme::Mode;
use pellucid::views::{View, bar, beeswarm, waterfall};
use pellucid_position::months::Day;
use pellucid_position::read::Input;
use pellucid_position::{Request, analyze, report};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::report::{facts, notes};
use super::{Context, print};
use crate::args::{Cli, Command, Tour};
use crate::explaining::{Explained, Feed, explain};
use crate::failure::Failure;
use crate::output::{TableFormat, table_writer, write_file};

const DATA: &[u8] = include_bytes!("../../../../fixtures/tour/adult.csv");
const XGBOOST: &[u8] = include_bytes!("../../../../fixtures/tour/adult-xgboost.ubj");
const LIGHTGBM: &[u8] = include_bytes!("../../../../fixtures/tour/adult-lightgbm.txt");
const EXPECTED: &[u8] = include_bytes!("../../../../fixtures/tour/adult.expected.json");

/// A fictional person and posting.
const PROFILE: &[u8] = include_bytes!("../../../../fixtures/position/twin/profile.md");
const PUBLICATIONS: &[u8] = include_bytes!("../../../../fixtures/position/twin/publications.bib");
const POSTING: &[u8] = include_bytes!("../../../../fixtures/position/twin/posting.md");

/// The distinct rows of the binarized COMPAS data with their number of people.
const COMPAS: &[u8] = include_bytes!("../../../../fixtures/compas/compas.csv");

/// What that data is not fit for; on every page that is made of it.
const CONTESTED: &str = "The data are 6489 people judged by COMPAS (ProPublica, 2016, public; as binarized by the authors of CORELS). Its \
    label is arrest within two years, not crime, and who is arrested depends on where police look. It is fit for comparing methods, since many papers \
    use it; it is not fit for deciding about anybody, and nothing on this page says that these rules should be used.";

/// An embedded model and what its library computed.
pub(crate) struct Embedded {
    pub(crate) name: &'static str,
    pub(crate) model: Ensemble,
    bytes: &'static [u8],
}

pub(crate) fn embedded() -> Result<Vec<Embedded>, Failure> {
    let read = |name: &'static str, bytes: &'static [u8]| {
        let model = import(bytes).map_err(|e| Failure::Bug(format!("the embedded model {name}: {e}")))?;
        Ok::<_, Failure>(Embedded { name, model, bytes })
    };
    Ok(vec![read("xgboost", XGBOOST)?, read("lightgbm", LIGHTGBM)?])
}

fn feed(model: &Ensemble, context: &Context<'_>) -> Result<Feed, Failure> {
    let reader = CsvReader::new(DATA, ReadOptions { batch_rows: 16_384, ..ReadOptions::default() })?;
    Feed::new(
        model.clone(),
        Box::new(reader),
        Path::new("adult.csv"),
        &["income".to_owned()],
        context.console,
    )
}

/// How far an embedded model is from its library, and from its own sum.
pub(crate) struct Worst {
    /// Largest relative difference of a margin.
    pub(crate) margin: f64,
    /// Largest residual.
    pub(crate) residual: f64,
}

pub(crate) fn check_embedded(model: &Ensemble, context: &Context<'_>) -> Result<Worst, Failure> {
    let expected: Value = serde_json::from_slice(EXPECTED).map_err(|e| Failure::Bug(e.to_string()))?;
    let theirs = &expected[model.origin.library.to_lowercase()]["margin"];
    let theirs: Vec<f64> = theirs.as_array().into_iter().flatten().filter_map(margin_of).collect();
    if theirs.is_empty() {
        return Err(Failure::Bug("the embedded margins are not there".to_owned()));
    }
    let Some((_, rows)) = feed(model, context)?.rows.next_rows()? else {
        return Err(Failure::Bug("the embedded data is empty".to_owned()));
    };
    let ours = model.predict(&rows.slice(0..theirs.len()), Scale::Margin);
    let off = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs() / b.abs().max(1e-6));
    let explained = explain(
        &mut feed(model, context)?,
        (Method::Auto, Space::Margin),
        None,
        context.console,
        |_| Ok(()),
    )?;
    // NaN is worse than any number.
    let worst = off.fold(0.0_f64, |worst, x| if x.is_nan() || x > worst { x } else { worst });
    Ok(Worst { margin: worst, residual: explained.worst_residual() })
}

/// A margin, written alone or as a row of one.
fn margin_of(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.get(0)?.as_f64())
}

fn all_rows(model: &Ensemble, context: &Context<'_>) -> Result<Option<FeatureMatrix>, Failure> {
    Ok(feed(model, context)?.rows.next_rows()?.map(|(_, rows)| rows))
}

pub(crate) fn run(args: &Tour, context: &Context<'_>) -> Result<u8, Failure> {
    fs_err::create_dir_all(&args.dir)?;
    let models = embedded()?;
    let mut explained = Vec::new();
    for Embedded { model, .. } in &models {
        explained.push(explain(
            &mut feed(model, context)?,
            (Method::Auto, Space::Margin),
            None,
            context.console,
            |_| Ok(()),
        )?);
    }
    let (first, other) = (&models[0], &models[1]);
    let subject = explained[0].sample.subject(&first.model, 0);
    // The same person in both models: the one whom the first is surest of.
    let surest = (0..subject.n_shown())
        .max_by(|&a, &b| subject.margins[a].total_cmp(&subject.margins[b]))
        .unwrap_or(0);
    let row = subject.rows[surest];

    let hash = Sha256::digest(first.bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut parts = sections(&subject, None);
    parts.push(second_model(other, &explained[1], surest, &first.model, context)?);
    let mut said = notes(&subject);
    said.push(
        "The data are 1 500 people of the UCI Adult set (Becker and Kohavi, 1996, CC BY 4.0), a sample of the 1994 US \
         census; the models were trained on other people of the same set. They show a tool at work, and are no basis for \
         judging anybody."
            .to_owned(),
    );
    let report = Report {
        title: finding(&subject),
        lead: format!("Whose yearly income is over 50 000 dollars? {}", lead(&subject)),
        facts: facts(
            &first.model,
            &explained[0],
            "adult-xgboost.ubj (embedded)",
            "adult.csv (embedded)",
            &hash,
        ),
        sections: parts,
        notes: said,
        command: Some(context.command_line()),
    };
    let path = |name: &str| args.dir.join(name);
    write_file(&path("index.html"), html::page(&report).as_bytes())?;
    let picture = waterfall::waterfall(&subject, surest, 10);
    write_file(&path("waterfall.svg"), svg::file(&picture.scene(860.0)).as_bytes())?;
    let swarm = beeswarm::beeswarm(&subject, 12).scene(860.0);
    let pixels = png::file(&swarm, Mode::Light, 2.0).map_err(|e| Failure::Bug(e.to_string()))?;
    write_file(&path("beeswarm.png"), &pixels)?;
    // The model and its data, so that every command of the README can be tried on them.
    write_file(&path("adult-xgboost.ubj"), first.bytes)?;
    write_file(&path("adult-lightgbm.txt"), other.bytes)?;
    write_file(&path("adult.csv"), DATA)?;
    let mut table = Vec::new();
    let mut writer = table_writer(
        TableFormat::Parquet,
        &mut table,
        Heading::numbers(&["margin".into(), "probability".into()]),
        &[],
    )?;
    let rows = all_rows(&first.model, context)?;
    let margins = rows.map_or(Vec::new(), |rows| first.model.predict(&rows, Scale::Margin));
    let probabilities = margins.iter().flat_map(|&m| first.model.predictions(&[m])).collect();
    writer.write(&[margins, probabilities])?;
    writer.finish()?;
    write_file(&path("predictions.parquet"), &table)?;

    let fit = position(&path)?;
    rules(&args.dir, context)?;
    let circuit = super::tour_circuit::run(&args.dir, context)?;

    let results = json!({
        "position_fit": fit,
        "circuit": circuit,
        "rows": explained[0].n_rows(),
        "worst_residual": explained.iter().map(Explained::worst_residual).fold(0.0_f64, |w, x| if x.is_nan() || x > w { x } else { w }),
    });
    let files = [
        "index.html",
        "waterfall.svg",
        "beeswarm.png",
        "predictions.parquet",
        "position.html",
        "rules.html",
        "rashomon.html",
        "study.html",
        "heads.html",
        "patch.html",
        "path.html",
    ]
    .map(|name| (name, path(name)));
    let outputs: Vec<(&str, &Path)> = files.iter().map(|(name, path)| (*name, path.as_path())).collect();
    context.write_run_to(&args.dir, "tour", &[], &outputs, json!({}), results.clone())?;
    let shown = path("index.html").display().to_string();
    if context.json {
        return context.print_json("tour", json!({"report": shown, "results": results}));
    }
    let text = [
        bar::bar(&subject, 6).text(96),
        picture.text(96),
        format!(
            "A transformer whose circuit is known: of {} edges {} move its answer, and {} the circuit's.\n\n\
             Wrote {shown}, {}, {}, {}, {}, {}, {} and {}. Open them in a browser.\nThe models, data and documents lie beside them: try\n  \
             pellucid explain {} {} --row {row}\n  pellucid position {} {}\n  pellucid rules show {}\n  pellucid lens logits {} \"a b c d e a\"\n",
            results["circuit"]["edges"],
            results["circuit"]["found"],
            if results["circuit"]["are_the_same"] == true { "they are" } else { "they are not" },
            path("rules.html").display(),
            path("rashomon.html").display(),
            path("study.html").display(),
            path("position.html").display(),
            path("heads.html").display(),
            path("patch.html").display(),
            path("path.html").display(),
            path("adult-xgboost.ubj").display(),
            path("adult.csv").display(),
            path("profile.md").display(),
            path("posting.md").display(),
            path("rules.json").display(),
            path("induction").display()
        ),
    ];
    print(&text.join("\n"))
}

/// The best rule set on the COMPAS data with its certificate, and every other one within 1/100 of it.
fn rules(dir: &Path, context: &Context<'_>) -> Result<(), Failure> {
    let place = |name: &str| dir.join(name).display().to_string();
    write_file(&dir.join("compas.csv"), COMPAS)?;
    let data = place("compas.csv");
    let about = [data.as_str(), "--target", "recidivate-within-two-years:1", "--weights", "people"];
    let outputs = [place("rules.json"), place("rules.html"), place("rashomon.html"), place("study.html")];
    let learn = ["pellucid", "rules", "learn"];
    for (verb, more, out) in [
        (&learn[..], &[][..], &outputs[0]),
        (&learn[..], &["--note", CONTESTED][..], &outputs[1]),
        (
            &["pellucid", "rashomon", "count"][..],
            &["--within", "1/100", "--exclude-empty", "--note", CONTESTED][..],
            &outputs[2],
        ),
        (
            &["pellucid", "rashomon", "study"][..],
            &["--within", "1/100", "--exclude-empty", "--group", "sex:Male", "--note", CONTESTED][..],
            &outputs[3],
        ),
    ] {
        let words: Vec<&str> = [verb, &about[..], more, &["-o", out]].concat();
        let cli = Cli::try_parse_from(&words).map_err(|error| Failure::Bug(error.to_string()))?;
        let context = context.typed(&words);
        match &cli.command {
            Command::Rules(args) => super::rules::run(args, &context)?,
            Command::Rashomon(args) => super::rashomon::run(args, &context)?,
            _ => return Err(Failure::Bug("the tour's own words".to_owned())),
        };
    }
    Ok(())
}

/// How a fictional profile fits a fictional posting, with its documents beside the report.
fn position(path: &dyn Fn(&str) -> std::path::PathBuf) -> Result<Value, Failure> {
    let input = |name: &str, bytes: &[u8]| Input { name: name.to_owned(), bytes: bytes.to_vec() };
    let request = Request {
        profile: vec![input("profile.md", PROFILE), input("publications.bib", PUBLICATIONS)],
        posting: Some(input("posting.md", POSTING)),
        ..Request::default()
    };
    let as_of = Day::new(2025, 1, 1).ok_or_else(|| Failure::Bug("the tour's day".to_owned()))?;
    let analysis = analyze(&request, as_of)?;
    write_file(&path("position.html"), report::html(&analysis, &report::compose(&analysis)).as_bytes())?;
    for (name, bytes) in
        [("profile.md", PROFILE), ("publications.bib", PUBLICATIONS), ("posting.md", POSTING)]
    {
        write_file(&path(name), bytes)?;
    }
    let [lo, hi] = analysis.fit.interval;
    Ok(json!({"lo": lo.value(), "hi": hi.value(), "label": analysis.fit.label}))
}

/// The same data through another library's model.
fn second_model(
    other: &Embedded,
    explained: &Explained,
    row: usize,
    first: &Ensemble,
    context: &Context<'_>,
) -> Result<Section, Failure> {
    let subject = explained.sample.subject(&other.model, 0);
    let agree = match (all_rows(first, context)?, all_rows(&other.model, context)?) {
        (Some(a), Some(b)) => {
            let (a, b) = (first.predict(&a, Scale::Margin), other.model.predict(&b, Scale::Margin));
            a.iter().zip(&b).filter(|(a, b)| (**a > 0.0) == (**b > 0.0)).count()
        }
        _ => 0,
    };
    let figures: Vec<(Box<dyn View>, bool)> = vec![
        (Box::new(bar::bar(&subject, 8)), false),
        (Box::new(waterfall::waterfall(&subject, row, 10)), false),
    ];
    Ok(Section {
        heading: "The same people, seen by another model".to_owned(),
        intro: format!(
            "A LightGBM model of {} trees on the same columns. It agrees with the first on which side of even odds a person \
             stands for {} of {} people. Base {}, residual at most {}.",
            count(other.model.trees.len()),
            count(agree),
            count(subject.totals.n_rows),
            pretty(subject.base, 4),
            residual(subject.totals.worst_residual)
        ),
        figures,
    })
}
