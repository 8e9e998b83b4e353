//! Runs searches over rule sets for `bench/rules/run.py`: `VERB FILE --lambda P/Q --theta P/Q [--repeats N] [--threads T]`.
//!
//! FILE is a CSV of 0 and 1: one column a candidate rule, the label last. The answer is one JSON object on standard output.
//! Times are CPU seconds of the whole process, over and over in one process; reading, preparing and searching apart.
#![expect(clippy::print_stdout, reason = "standard output is this program's only interface")]

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::Instant;

use anyhow::{Context, bail};
use pellucid_data::{Control, Quiet, Ratio, RowSet};
use pellucid_learn::optimal::{PlainBounds, plain};
use pellucid_learn::rashomon::sets_file::Header;
use pellucid_learn::rashomon::{Detail, Explorer};
use pellucid_learn::{Instance, Objective, Searching, Within};
use serde_json::json;

/// CPU seconds of this process so far, all threads.
fn cpu() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

fn read(path: &str) -> anyhow::Result<Instance> {
    let text = fs_err::read_to_string(path)?;
    let n = text.lines().count().saturating_sub(1);
    let width = text.lines().next().context("an empty file")?.split(',').count();
    let mut columns = vec![RowSet::empty(n); width];
    for (row, line) in text.lines().skip(1).enumerate() {
        for (column, cell) in line.split(',').enumerate().take(width) {
            if cell == "1" {
                columns[column].insert(row);
            }
        }
    }
    let label = columns.pop().context("no columns")?;
    Ok(Instance::new(columns, label, vec![1; n])?)
}

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [verb, file, options @ ..] = words.as_slice() else {
        bail!("usage: VERB FILE --lambda P/Q --theta P/Q ...")
    };
    let options: HashMap<&str, &str> =
        options.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    let ratio = |name: &str| -> anyhow::Result<Ratio> {
        Ok(options.get(name).context("--lambda and --theta are needed")?.parse()?)
    };
    let whole = |name: &str, default: usize| options.get(name).map_or(Ok(default), |text| text.parse());
    let before = cpu();
    let instance = read(file)?;
    let read_cpu_s = cpu() - before;
    let objective = Objective::new(ratio("--lambda")?)?;
    let within = Within { include_empty: false, ..Within::new(ratio("--theta")?) };
    let control =
        Control { threads: NonZeroUsize::new(whole("--threads", 1)?).context("--threads 0")?, watch: &Quiet };
    let searching = Searching::with(control);
    let detail = if options.get("--tally") == Some(&"full") { Detail::Full } else { Detail::Sizes };
    let mut answer = json!({"read_cpu_s": read_cpu_s});
    let (mut prepare_s, mut cpu_s, mut wall_s) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..whole("--repeats", 1)? {
        let start = cpu();
        let explorer = Explorer::new(&instance, &objective, &within)?;
        prepare_s.push(cpu() - start);
        let (wall, start) = (Instant::now(), cpu());
        match verb.as_str() {
            "count" => {
                let found = explorer.count(detail, &searching)?;
                answer["count"] = found.count.to_string().into();
                answer["nodes"] = found.nodes.into();
            }
            "plain" => {
                let found = plain(&instance, &objective, &within, &PlainBounds::published(), &searching)?;
                answer["count"] = found.count.to_string().into();
                answer["nodes"] = found.kept.into();
                answer["lb_evaluations"] = found.lower_bound_evaluations.into();
                answer["objective_evaluations"] = found.objective_evaluations.into();
            }
            "enumerate" => {
                let path = options.get("-o").context("enumerate needs -o FILE")?;
                let out = fs_err::File::create(*path)?;
                let rules = (0..instance.n_rules()).map(|rule| format!("rule {rule}")).collect();
                let header =
                    Header { rules, weight: instance.total_weight(), ..Header::of(&objective, &within) };
                let sets = explorer.write_sets(&header, &searching, out)?;
                answer["count"] = sets.to_string().into();
                answer["nodes"] = 0.into();
                answer["bytes"] = fs_err::metadata(*path)?.len().into();
                answer["sets_per_s"] = (sets as f64 / wall.elapsed().as_secs_f64()).into();
            }
            "sample" => {
                let drawn =
                    explorer.sample(whole("-n", 10_000)?, whole("--seed", 1)? as u64, 0.0, &searching)?;
                answer["count"] = drawn.count.to_string().into();
                answer["nodes"] = 0.into();
                answer["sample_cpu_s"] = (cpu() - start).into();
            }
            other => bail!("there is no verb `{other}`"),
        }
        cpu_s.push(cpu() - start);
        wall_s.push(wall.elapsed().as_secs_f64());
    }
    answer["prepare_cpu_s"] = prepare_s.into();
    answer["search_cpu_s"] = cpu_s.into();
    answer["wall_s"] = wall_s.into();
    println!("{answer}");
    Ok(())
}
