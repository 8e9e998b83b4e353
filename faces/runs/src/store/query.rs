//! Which runs are there?

use rusqlite::{OptionalExtension, Row, named_params};

use super::index::{Index, Trouble};
use super::record::{Entry, MOST_FILES, Named, Unreadable};

/// Which runs a list shows. What is `None` does not choose.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this verb.
    pub verb: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// With this text in its id, its note, or the name of a file that went in or came out, or with such a file whose hash
    /// begins so. Small and large ASCII letters are the same.
    pub text: Option<String>,
    /// Begun at this moment or later: the beginning of an RFC 3339 moment in UTC, as `2026-11` or `2026-11-27T22:13:13Z`.
    pub since: Option<String>,
    /// At most so many.
    pub limit: Option<usize>,
    /// Without the first so many.
    pub skip: usize,
    /// Which come first.
    pub order: Order,
}

/// Which runs come first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Those that began last.
    #[default]
    Newest,
    /// Those that began first.
    Oldest,
    /// Those that took longest.
    Longest,
}

impl Order {
    /// All of them, with their names.
    pub const ALL: [(&str, Self); 3] =
        [("newest", Self::Newest), ("oldest", Self::Oldest), ("longest", Self::Longest)];

    const fn in_sql(self) -> &'static str {
        match self {
            Self::Newest => "started DESC, id DESC",
            Self::Oldest => "started, id",
            Self::Longest => "seconds DESC, started DESC, id DESC",
        }
    }
}

/// Runs, and what there is to choose from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Listing {
    /// Those that were asked for.
    pub runs: Vec<Entry>,
    /// How many fit, without the limit.
    pub n_found: usize,
    /// How many there are.
    pub n_all: usize,
    /// Folders that could not be read, or whose notes could not.
    pub unreadable: Vec<Unreadable>,
    /// All verbs that there are, and how many runs are of each; by name.
    pub verbs: Vec<(String, usize)>,
    /// All tags that there are, and how many runs have each; by name.
    pub tags: Vec<(String, usize)>,
}

const COLUMNS: &str =
    "id, verb, started, seconds, version, model, model_sha256, data, data_sha256, note, results,
    (SELECT json_group_array(tag) FROM (SELECT tag FROM tags WHERE run = runs.id ORDER BY tag)),
    (SELECT json_group_array(path) FROM (SELECT path FROM artifacts WHERE run = runs.id AND direction = 'in' ORDER BY place LIMIT :files)),
    (SELECT count(*) FROM artifacts WHERE run = runs.id AND direction = 'in'),
    (SELECT json_group_array(path) FROM (SELECT path FROM artifacts WHERE run = runs.id AND direction = 'out' ORDER BY place LIMIT :files)),
    (SELECT count(*) FROM artifacts WHERE run = runs.id AND direction = 'out')";

const WHERE: &str = r"
    (:verb IS NULL OR verb = :verb)
    AND (:tag IS NULL OR EXISTS (SELECT 1 FROM tags WHERE run = runs.id AND tag = :tag))
    AND (:since IS NULL OR started >= :since)
    AND (:within IS NULL OR id LIKE :within ESCAPE '\' OR note LIKE :within ESCAPE '\' OR EXISTS (
        SELECT 1 FROM artifacts WHERE run = runs.id
        AND (path LIKE :within ESCAPE '\' OR sha256 LIKE :begins ESCAPE '\')))";

impl Index {
    pub(crate) fn list(&self, filter: &Filter) -> Result<Listing, Trouble> {
        let text = filter.text.as_deref().map(|text| {
            text.chars()
                .flat_map(|c| ['\\'].into_iter().filter(move |_| "\\%_".contains(c)).chain([c]))
                .collect::<String>()
        });
        let within = text.as_ref().map(|text| format!("%{text}%"));
        let begins = text.as_ref().map(|text| format!("{text}%"));
        let limit = filter.limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(-1);
        let skip = i64::try_from(filter.skip).unwrap_or(i64::MAX);
        // One reading transaction: the list and its counts are of the same moment.
        let sql = self.sql.unchecked_transaction()?;
        let runs = sql
            .prepare(&format!(
                "SELECT {COLUMNS} FROM runs WHERE {WHERE} ORDER BY {} LIMIT :limit OFFSET :skip",
                filter.order.in_sql()
            ))?
            .query_map(
                named_params! {":verb": filter.verb, ":tag": filter.tag, ":since": filter.since,
                ":within": within, ":begins": begins, ":limit": limit, ":skip": skip,
                ":files": MOST_FILES as i64},
                entry,
            )?
            .collect::<Result<_, _>>()?;
        let n_found: i64 = sql.query_row(
            &format!("SELECT count(*) FROM runs WHERE {WHERE}"),
            named_params! {":verb": filter.verb, ":tag": filter.tag, ":since": filter.since,
            ":within": within, ":begins": begins},
            |row| row.get(0),
        )?;
        let n_all: i64 = sql.query_row("SELECT count(*) FROM runs", [], |row| row.get(0))?;
        let unreadable = sql
            .prepare("SELECT id, trouble FROM folders WHERE trouble IS NOT NULL ORDER BY id")?
            .query_map([], |row| Ok(Unreadable { id: row.get(0)?, reason: row.get(1)? }))?
            .collect::<Result<_, _>>()?;
        let counted = |of: &str| -> Result<Vec<(String, usize)>, Trouble> {
            let row = |row: &Row<'_>| Ok((row.get(0)?, whole(row.get(1)?)));
            Ok(sql.prepare(of)?.query_map([], row)?.collect::<Result<_, _>>()?)
        };
        Ok(Listing {
            runs,
            n_found: whole(n_found),
            n_all: whole(n_all),
            unreadable,
            verbs: counted("SELECT verb, count(*) FROM runs GROUP BY verb ORDER BY verb")?,
            tags: counted("SELECT tag, count(*) FROM tags GROUP BY tag ORDER BY tag")?,
        })
    }

    /// The run with exactly this `run.json`.
    pub(crate) fn with_content(&self, content: &str) -> Result<Option<String>, Trouble> {
        let ask = "SELECT id FROM runs WHERE content = ? ORDER BY id LIMIT 1";
        Ok(self.sql.query_row(ask, [content], |row| row.get(0)).optional()?)
    }
}

fn whole(n: i64) -> usize {
    usize::try_from(n).unwrap_or(0)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let named = |path: usize| -> rusqlite::Result<Option<Named>> {
        let sha256 = row.get(path + 1)?;
        Ok(row.get::<_, Option<String>>(path)?.map(|path| Named { path, sha256 }))
    };
    let json = |column: usize, error: serde_json::Error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    };
    let text = |column: usize| row.get::<_, String>(column);
    Ok(Entry {
        id: text(0)?,
        verb: text(1)?,
        started: text(2)?,
        seconds: row.get(3)?,
        version: text(4)?,
        model: named(5)?,
        data: named(7)?,
        note: row.get(9)?,
        results: serde_json::from_str(&text(10)?).map_err(|error| json(10, error))?,
        tags: serde_json::from_str(&text(11)?).map_err(|error| json(11, error))?,
        inputs: serde_json::from_str(&text(12)?).map_err(|error| json(12, error))?,
        n_inputs: whole(row.get(13)?),
        outputs: serde_json::from_str(&text(14)?).map_err(|error| json(14, error))?,
        n_outputs: whole(row.get(15)?),
    })
}
