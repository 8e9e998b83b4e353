//! Where are runs found fast? In SQLite, in tables that can be made again from the folders at any time.
//!
//! Nothing is kept here that the folders lack, so that whatever is wrong with the file, it may be set aside.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params};

use super::record::{Known, Named, Record, Stamp};
use crate::Artifact;

/// The version of the tables.
pub(crate) const VERSION: i64 = 1;

/// `Pllc`: whose database this is.
const APPLICATION: i64 = 0x506c_6c63;

/// How long a writer waits for others.
const PATIENCE: Duration = Duration::from_secs(20);

/// Tables by version: what brings a database from the one before.
const STEPS: [&str; VERSION as usize] = ["
    CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE folders (
        id TEXT PRIMARY KEY,
        run_changed INTEGER NOT NULL, run_bytes INTEGER NOT NULL,
        notes_changed INTEGER NOT NULL, notes_bytes INTEGER NOT NULL,
        trouble TEXT
    ) WITHOUT ROWID;
    CREATE TABLE runs (
        id TEXT PRIMARY KEY REFERENCES folders (id) ON DELETE CASCADE,
        verb TEXT NOT NULL, started TEXT NOT NULL, seconds REAL NOT NULL, version TEXT NOT NULL,
        model TEXT, model_sha256 TEXT, data TEXT, data_sha256 TEXT,
        note TEXT, results TEXT NOT NULL, content TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX runs_by_start ON runs (started, id);
    CREATE INDEX runs_by_content ON runs (content);
    CREATE TABLE tags (
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE, tag TEXT NOT NULL,
        PRIMARY KEY (run, tag)
    ) WITHOUT ROWID;
    CREATE INDEX tags_by_tag ON tags (tag, run);
    CREATE TABLE artifacts (
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        direction TEXT NOT NULL, place INTEGER NOT NULL,
        role TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT, bytes INTEGER,
        PRIMARY KEY (run, direction, place)
    ) WITHOUT ROWID;
    CREATE INDEX artifacts_by_hash ON artifacts (sha256, run);
"];

/// All that is asked of the tables: what one of them lacks shows when the file is opened.
const COLUMNS: [&str; 4] = [
    "SELECT id, run_changed, run_bytes, notes_changed, notes_bytes, trouble FROM folders",
    "SELECT id, verb, started, seconds, version, model, model_sha256, data, data_sha256, note, results, content FROM runs",
    "SELECT run, tag FROM tags",
    "SELECT run, direction, place, role, path, sha256, bytes FROM artifacts",
];

/// Why an index can't be used.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It is not what this program wrote, or no longer: it is to be made anew.
    Broken(String),
    /// A later program's.
    Later { found: i64, by: String },
    /// It may be good, and can't be used: no room, no rights, others that don't let go.
    Unusable(String),
    /// The folders themselves can't be read.
    Folders(std::io::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::DiskFull
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::NoLargeFileSupport,
            ) => Self::Unusable(text),
            // Not a database, damaged, other tables, other types in them.
            _ => Self::Broken(text),
        }
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Folders(error)
    }
}

/// An open index.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) sql: Connection,
    /// How it keeps what is written whole: `wal`, `delete`, `memory`.
    pub(crate) journal: String,
}

impl Index {
    /// One that is gone with the process.
    pub(crate) fn in_memory() -> Result<Self, Trouble> {
        Self::prepared(Connection::open_in_memory()?, false)
    }

    /// Opens or makes the file. `together` says that readers and a writer may be in it at once, which needs memory that all
    /// processes share: not across machines. Who calls holds the store's guard, so that nobody makes it at the same time.
    pub(crate) fn open(path: &Path, together: bool) -> Result<Self, Trouble> {
        let opened =
            Connection::open(path).map_err(Trouble::from).and_then(|sql| Self::prepared(sql, together));
        match opened {
            // A file that was made where memory can be shared, and is now where it can't be.
            Err(Trouble::Unusable(_)) if together => {
                let sql = Connection::open(path)?;
                sql.pragma_update(None, "locking_mode", "exclusive")?;
                let index = Self::prepared(sql, false)?;
                drop(index);
                Self::prepared(Connection::open(path)?, false)
            }
            other => other,
        }
    }

    /// The same with another of SQLite's ways to the file system.
    #[cfg(test)]
    pub(crate) fn open_with(path: &Path, vfs: &str) -> Result<Self, Trouble> {
        let sql = Connection::open_with_flags_and_vfs(path, rusqlite::OpenFlags::default(), vfs)?;
        Self::prepared(sql, true)
    }

    fn prepared(mut sql: Connection, together: bool) -> Result<Self, Trouble> {
        sql.busy_timeout(PATIENCE)?;
        sql.pragma_update(None, "foreign_keys", true)?;
        let version: i64 = sql.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let application: i64 = sql.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let n_tables: i64 = sql.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let is_empty = (version, application, n_tables) == (0, 0, 0);
        if !is_empty && application != APPLICATION {
            return Err(Trouble::Broken("another program's database".to_owned()));
        }
        if version > VERSION {
            let by = sql.query_row("SELECT value FROM about WHERE key = 'program'", [], |row| row.get(0));
            let by = by.optional().ok().flatten().unwrap_or_else(|| "of a later version".to_owned());
            return Err(Trouble::Later { found: version, by });
        }
        if version < 0 {
            return Err(Trouble::Broken(format!("version {version}")));
        }
        let asked = if together { "wal" } else { "delete" };
        let set = |mode: &str| {
            sql.pragma_update_and_check(None, "journal_mode", mode, |row| row.get::<_, String>(0))
        };
        let mut journal = set(asked)?;
        if together && journal != "wal" {
            journal = set("delete")?;
        }
        // What a loss of power takes from the index is read from the folders again.
        sql.pragma_update(None, "synchronous", "normal")?;
        if version < VERSION {
            let change = sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for step in &STEPS[version as usize..] {
                change.execute_batch(step)?;
            }
            change.pragma_update(None, "application_id", APPLICATION)?;
            change.pragma_update(None, "user_version", VERSION)?;
            change.execute("INSERT OR REPLACE INTO about VALUES ('program', ?)", [crate::VERSION])?;
            change.commit()?;
        }
        for columns in COLUMNS {
            drop(sql.prepare(columns)?);
        }
        Ok(Self { sql, journal })
    }

    /// Whether SQLite finds the file whole.
    pub(crate) fn check(&self) -> Result<(), Trouble> {
        let said: String = self.sql.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if said == "ok" { Ok(()) } else { Err(Trouble::Broken(said)) }
    }

    /// All folders that are known, and how they looked; sorted by name.
    pub(crate) fn stamps(&self) -> Result<Vec<(String, Stamp)>, Trouble> {
        let mut ask = self.sql.prepare(
            "SELECT id, run_changed, run_bytes, notes_changed, notes_bytes FROM folders ORDER BY id",
        )?;
        let rows = ask.query_map([], |row| {
            Ok((row.get(0)?, Stamp { run: (row.get(1)?, row.get(2)?), notes: (row.get(3)?, row.get(4)?) }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Puts folders in, or in the place of what was known of them.
    pub(crate) fn put(&mut self, records: &[Record]) -> Result<(), Trouble> {
        let change = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        put(&change, records)?;
        Ok(change.commit()?)
    }

    /// Forgets folders.
    pub(crate) fn remove(&mut self, ids: &[String]) -> Result<(), Trouble> {
        let change = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for id in ids {
            change.execute("DELETE FROM folders WHERE id = ?", [id])?;
        }
        Ok(change.commit()?)
    }
}

fn put(change: &Transaction<'_>, records: &[Record]) -> rusqlite::Result<()> {
    let mut remove = change.prepare("DELETE FROM folders WHERE id = ?")?;
    let mut put_folder = change.prepare("INSERT INTO folders VALUES (?, ?, ?, ?, ?, ?)")?;
    let mut put_run = change.prepare("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    let mut put_tag = change.prepare("INSERT INTO tags VALUES (?, ?)")?;
    let mut put_file = change.prepare("INSERT INTO artifacts VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    for record in records {
        remove.execute([&record.id])?;
        let Stamp { run, notes } = record.stamp;
        let trouble = match &record.found {
            Ok(known) => known.no_notes.as_ref(),
            Err(reason) => Some(reason),
        };
        put_folder.execute(params![record.id, run.0, run.1, notes.0, notes.1, trouble])?;
        let Ok(known) = &record.found else { continue };
        let Known { entry, inputs, outputs, content, .. } = known.as_ref();
        let results = serde_json::to_string(&entry.results).unwrap_or_else(|_| "{}".to_owned());
        let path = |file: &Option<Named>| file.as_ref().map(|file| file.path.clone());
        let hash = |file: &Option<Named>| file.as_ref().and_then(|file| file.sha256.clone());
        put_run.execute(params![
            entry.id,
            entry.verb,
            entry.started,
            entry.seconds,
            entry.version,
            path(&entry.model),
            hash(&entry.model),
            path(&entry.data),
            hash(&entry.data),
            entry.note,
            results,
            content,
        ])?;
        for tag in &entry.tags {
            put_tag.execute([&entry.id, tag])?;
        }
        for (direction, files) in [("in", inputs), ("out", outputs)] {
            for (place, Artifact { role, path, sha256, bytes }) in (0_i64..).zip(files) {
                let bytes = bytes.and_then(|bytes| i64::try_from(bytes).ok());
                put_file.execute(params![entry.id, direction, place, role, path, sha256, bytes])?;
            }
        }
    }
    Ok(())
}
