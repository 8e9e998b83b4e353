//! Runs the engine beside its peers: one job a line on standard input, one answer a line on standard
//! output, so that a script can interleave it with other programs on the same machine.
//!
//! `pellucid-bench-runner MODEL DATA FEATURES THREADS METHOD LEVEL`, where DATA is row-major little-endian `f32`.
//! It answers `ready ROWS`. Then `path ROWS` explains the first ROWS rows from scratch (plan and tables
//! included) and answers `build_s total_wall_s total_cpu_s worst_residual`; `background B ROWS` does so over the last B
//! rows, `pairs ROWS` computes interactions, and `alone ROWS` explains each of the first ROWS rows from scratch,
//! `ready ROWS` with one plan for all. With `save FILE` before it a job also writes what it found, row-major `f64`.
#![expect(clippy::print_stdout, reason = "standard output is this program's only interface")]

use std::io::{BufRead, Write};
use std::num::NonZeroUsize;
use std::time::Instant;

use anyhow::{Context, bail};
use pellucid_data::{FeatureId, Level, OutputId};
use pellucid_explain::shapley::{
    Background, Game, How, Interactions, Method, plan_game, plan_interactions, shap_interactions, tree_shap,
};
use pellucid_explain::{Attributions, Control, Quiet};
use pellucid_models::trees::{Ensemble, FeatureMatrix, import};

/// CPU seconds of this thread so far; all work of a one-threaded job is done on it.
fn cpu_seconds() -> f64 {
    let text = fs_err::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds: Option<f64> = text.split_whitespace().next().and_then(|ns| ns.parse().ok());
    nanoseconds.unwrap_or(f64::NAN) * 1e-9
}

struct Job {
    model: Ensemble,
    rows: FeatureMatrix,
    threads: NonZeroUsize,
    method: Method,
    level: Level,
}

/// What a job found.
enum Found {
    Values(Attributions),
    Pairs(Interactions),
    /// Each row by itself.
    Alone(Vec<Attributions>),
}

impl Found {
    fn n_rows(&self) -> usize {
        match self {
            Self::Values(values) => values.n_rows(),
            Self::Pairs(pairs) => pairs.values().n_rows(),
            Self::Alone(rows) => rows.len(),
        }
    }

    /// The numbers of a row and output: values, or a matrix.
    fn numbers(&self, row: usize, output: OutputId) -> Vec<f64> {
        match self {
            Self::Values(values) => values.values(row, output).to_vec(),
            Self::Alone(rows) => rows[row].values(0, output).to_vec(),
            Self::Pairs(pairs) => {
                let features = || (0..pairs.values().n_features()).map(FeatureId::at);
                features().flat_map(|i| features().map(move |j| pairs.at(row, output, i, j))).collect()
            }
        }
    }
}

impl Job {
    fn run(&self, words: &[&str]) -> anyhow::Result<(Found, [f64; 4])> {
        let (what, n_rows) = words.split_last().map(|(n, what)| (what, n)).context("a job needs rows")?;
        let rows = self.rows.slice(0..n_rows.parse::<usize>()?.min(self.rows.n_rows()));
        let how = How { level: self.level, ..How::new(self.method, rows.n_rows()) };
        let control = Control { threads: self.threads, watch: &Quiet };
        // Rows are there in memory, as the peers' are.
        let others = match what {
            ["background", b] => {
                let n = self.rows.n_rows();
                Some(self.rows.slice(n - b.parse::<usize>()?.min(n)..n))
            }
            _ => None,
        };
        let (wall, cpu) = (Instant::now(), cpu_seconds());
        let spent = |build: f64, found: &Attributions| {
            [build, wall.elapsed().as_secs_f64(), cpu_seconds() - cpu, found.worst_residual()]
        };
        if let ["pairs"] = what {
            let plan = plan_interactions(&self.model, Game::PathDependent, how, &control)?;
            let build = wall.elapsed().as_secs_f64();
            let found = shap_interactions(&self.model, &plan, &rows, &control)?;
            let spent = spent(build, found.values());
            return Ok((Found::Pairs(found), spent));
        }
        let background = others.map(|rows| Background::new(rows, None)).transpose()?;
        let game = match (what, &background) {
            (["background", _], Some(background)) => Game::Background(background),
            (["path" | "alone" | "ready"], None) => Game::PathDependent,
            _ => bail!("unknown job `{}`", words.join(" ")),
        };
        if let ["alone" | "ready"] = what {
            let alone: Vec<FeatureMatrix> = (0..rows.n_rows()).map(|row| rows.slice(row..row + 1)).collect();
            let prepare = || {
                plan_game(
                    &self.model,
                    game,
                    How { expected_rows: if *what == ["ready"] { 32 } else { 1 }, ..how },
                    &control,
                )
            };
            let ready = if *what == ["ready"] { Some(prepare()?) } else { None };
            let (wall, cpu) = (Instant::now(), cpu_seconds());
            let mut build = 0.0;
            let mut found = Vec::with_capacity(alone.len());
            for row in &alone {
                let start = Instant::now();
                let own = if ready.is_none() { Some(prepare()?) } else { None };
                build += start.elapsed().as_secs_f64();
                let plan = ready.as_ref().or(own.as_ref()).context("one of both was made")?;
                found.push(tree_shap(&self.model, plan, row, &control)?);
            }
            let worst = found.iter().map(Attributions::worst_residual).fold(0.0, f64::max);
            let spent = [build, wall.elapsed().as_secs_f64(), cpu_seconds() - cpu, worst];
            return Ok((Found::Alone(found), spent));
        }
        let plan = plan_game(&self.model, game, how, &control)?;
        let build = wall.elapsed().as_secs_f64();
        let found = tree_shap(&self.model, &plan, &rows, &control)?;
        let spent = spent(build, &found);
        Ok((Found::Values(found), spent))
    }
}

fn matrix(bytes: &[u8], n_features: usize, model: &Ensemble) -> anyhow::Result<FeatureMatrix> {
    let n_rows = bytes.len() / 4 / n_features;
    let value = |row: usize, feature: usize| {
        let at = (row * n_features + feature) * 4;
        f64::from(f32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]))
    };
    let columns = (0..n_features).map(|f| (0..n_rows).map(|row| value(row, f)).collect()).collect();
    FeatureMatrix::new(columns, n_rows, model.cast).context("the data has no whole rows")
}

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, data, n_features, threads, method, level] = args.as_slice() else {
        bail!("usage: pellucid-bench-runner MODEL DATA FEATURES THREADS METHOD LEVEL");
    };
    let model = import::import(&fs_err::read(model)?)?;
    let rows = matrix(&fs_err::read(data)?, n_features.parse()?, &model)?;
    let (_, method) = *Method::NAMES.iter().find(|(name, _)| name == method).context("no such method")?;
    let level = match level.as_str() {
        "best" => Level::detect(),
        "avx2" => Level::Avx2.or_lower(),
        "portable" => Level::Portable,
        other => bail!("no such level: {other}"),
    };
    let job = Job { model, rows, threads: threads.parse()?, method, level };
    println!("ready {}", job.rows.n_rows());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let (file, words) = match words.as_slice() {
            ["save", file, words @ ..] => (Some(*file), words),
            words => (None, words),
        };
        let (found, [build, wall, cpu, residual]) = job.run(words)?;
        if let Some(file) = file {
            let mut out = std::io::BufWriter::new(fs_err::File::create(file)?);
            for row in 0..found.n_rows() {
                for output in (0..job.model.base.len()).map(OutputId::at) {
                    for value in found.numbers(row, output) {
                        out.write_all(&value.to_le_bytes())?;
                    }
                }
            }
            out.flush()?;
        }
        println!("{build} {wall} {cpu} {residual}");
        std::io::stdout().flush()?;
    }
    Ok(())
}
