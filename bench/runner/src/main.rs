//! Runs the engine beside its peers: one job a line on standard input, one answer a line on standard
//! output, so that a script can interleave it with other programs on the same machine.
//!
//! `pellucid-bench-runner MODEL DATA FEATURES THREADS METHOD`, where DATA is row-major little-endian `f32`.
//! It answers `ready ROWS`. Then `run [ROWS]` explains the first ROWS rows from scratch (plan and tables
//! included) and answers `build_s total_wall_s total_cpu_s worst_residual`; `save FILE [ROWS]` also writes
//! the values, row-major `f64`.
#![expect(clippy::print_stdout, reason = "standard output is this program's only interface")]

use std::io::{BufRead, Write};
use std::num::NonZeroUsize;
use std::time::Instant;

use anyhow::{Context, bail};
use pellucid_data::OutputId;
use pellucid_explain::shapley::{Method, plan, tree_shap};
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
}

impl Job {
    fn run(&self, n_rows: usize) -> anyhow::Result<(Attributions, [f64; 4])> {
        let rows = self.rows.slice(0..n_rows.min(self.rows.n_rows()));
        let (wall, cpu) = (Instant::now(), cpu_seconds());
        let plan = plan(&self.model, self.method, rows.n_rows())?;
        let build = wall.elapsed().as_secs_f64();
        let control = Control { threads: self.threads, watch: &Quiet };
        let found = tree_shap(&self.model, &plan, &rows, &control)?;
        let spent = [build, wall.elapsed().as_secs_f64(), cpu_seconds() - cpu, found.worst_residual()];
        Ok((found, spent))
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
    let [model, data, n_features, threads, method] = args.as_slice() else {
        bail!("usage: pellucid-bench-runner MODEL DATA FEATURES THREADS METHOD");
    };
    let model = import::import(&fs_err::read(model)?)?;
    let rows = matrix(&fs_err::read(data)?, n_features.parse()?, &model)?;
    let (_, method) = *Method::NAMES.iter().find(|(name, _)| name == method).context("no such method")?;
    let job = Job { model, rows, threads: threads.parse()?, method };
    println!("ready {}", job.rows.n_rows());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let (file, count) = match words.as_slice() {
            ["run", count @ ..] => (None, count),
            ["save", file, count @ ..] => (Some(*file), count),
            _ => bail!("unknown job `{line}`"),
        };
        let count = count.first().map_or(Ok(job.rows.n_rows()), |n| n.parse())?;
        let (found, [build, wall, cpu, residual]) = job.run(count)?;
        if let Some(file) = file {
            let mut out = std::io::BufWriter::new(fs_err::File::create(file)?);
            for row in 0..found.n_rows() {
                for output in (0..found.n_outputs()).map(OutputId::at) {
                    for value in found.values(row, output) {
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
