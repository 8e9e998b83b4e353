//! A git checkout: what its files show about what was built and with what. The face lists and opens the files.

use sha2::{Digest, Sha256};

use crate::document::{Document, Kind, Media, Place};

/// A checkout, as far as it was looked at.
#[derive(Debug, Clone, Default)]
pub struct Repository {
    /// How the user named it.
    pub name: String,
    /// Paths of all files.
    pub files: Vec<String>,
    /// The README and manifests: path and text.
    pub texts: Vec<(String, String)>,
    /// First and last commit, as `YYYY-MM`, if there is a history.
    pub history: Option<(String, String)>,
}

/// Programming languages by the ending of files.
const LANGUAGES: [(&str, &str); 22] = [
    ("rs", "Rust"),
    ("py", "Python"),
    ("ts", "TypeScript"),
    ("tsx", "TypeScript"),
    ("js", "JavaScript"),
    ("jsx", "JavaScript"),
    ("java", "Java"),
    ("kt", "Kotlin"),
    ("go", "Go language"),
    ("c", "C language"),
    ("cpp", "C++"),
    ("cc", "C++"),
    ("cs", "C#"),
    ("rb", "Ruby"),
    ("php", "PHP"),
    ("swift", "Swift language"),
    ("scala", "Scala"),
    ("r", "R language"),
    ("jl", "Julia"),
    ("sql", "SQL"),
    ("sh", "Bash"),
    ("ipynb", "Jupyter"),
];

/// What a checkout shows, as a section of projects.
#[must_use]
pub fn read(repository: &Repository) -> Document {
    let mut document = Document::new(&repository.name, Media::Repository);
    let node = |name: &str| Place::Node(name.to_owned());
    let title = repository.name.trim_end_matches('/').rsplit('/').next().unwrap_or(&repository.name);
    let dates =
        repository.history.as_ref().map_or(String::new(), |(first, last)| format!(" ({first} – {last})"));
    document.push(Kind::Heading(1), [("Projects", node(""))]);
    document.push(Kind::Heading(2), [(format!("{title}{dates}").as_str(), node(""))]);
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for file in &repository.files {
        let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
        if let Some((_, language)) = LANGUAGES.iter().find(|(known, _)| *known == ending) {
            match counts.iter_mut().find(|(name, _)| name == language) {
                Some(entry) => entry.1 += 1,
                None => counts.push((language, 1)),
            }
        }
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    for (language, n) in counts {
        document.push(Kind::Item, [(format!("Code in {language} ({n} files)").as_str(), node(""))]);
    }
    for (path, text) in &repository.texts {
        if path.to_lowercase().contains("readme") {
            // Badges, instructions and calls to cite say nothing about the author's work.
            let lines = text.lines().enumerate().filter(|(_, line)| {
                let line = line.trim();
                line.len() > 30 && !line.starts_with(['#', '[', '!', '<', '`', '$', '|'])
            });
            for (at, line) in lines.take(12) {
                document.push(
                    Kind::Item,
                    [(line.trim().trim_start_matches(['-', '*', ' ']), node(&format!("{path}:{}", at + 1)))],
                );
            }
        } else {
            let names = dependencies(text);
            if !names.is_empty() {
                document.push(Kind::Item, [(format!("Uses {}", names.join(", ")).as_str(), node(path))]);
            }
        }
    }
    let mut hash = Sha256::new();
    document.text.bytes().for_each(|byte| hash.update([byte]));
    document.sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    document
}

/// Names at the start of lines of a manifest (requirements.txt, Cargo.toml, package.json, pyproject.toml).
fn dependencies(text: &str) -> Vec<String> {
    let name = |line: &str| {
        let line = line.trim().trim_start_matches(['"', '\'']);
        let end = line.find(|c: char| !(c.is_alphanumeric() || "-_.".contains(c))).unwrap_or(line.len());
        let rest = line[end..].trim_start_matches(['"', '\'']).trim_start();
        let is_entry = rest.is_empty() || rest.starts_with(['=', '>', '<', '~', '[', ':', '^', ',']);
        (end > 1 && is_entry).then(|| line[..end].to_owned())
    };
    let mut names: Vec<String> = text.lines().filter_map(name).collect();
    names.sort();
    names.dedup();
    names.truncate(80);
    names
}
