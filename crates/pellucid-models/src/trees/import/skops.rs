//! skops: a Python object as a zip archive, `schema.json` and one `.npy` an array. Nothing in it can run.
//!
//! Follows `skops/io` of 0.16, protocol 2. An object is `{"__class__", "__module__", "__loader__", "content"}`; its attributes
//! stand in a dictionary in its content, and what JSON can say stands there as a text of JSON.

use std::cell::RefCell;
use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::document::{Place, Value};
use super::error::ImportError;
use super::npy::Array;

/// No model is larger, unpacked, in one piece.
const MOST_BYTES: u64 = 4 << 30;

const FORMAT: &str = "skops";

/// The members of an archive.
pub(super) struct Members<'a>(RefCell<ZipArchive<Cursor<&'a [u8]>>>);

fn wrong(what: impl Into<String>) -> ImportError {
    ImportError::Syntax { format: FORMAT, offset: 0, what: what.into() }
}

impl<'a> Members<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, ImportError> {
        let archive = ZipArchive::new(Cursor::new(bytes))
            .map_err(|e| wrong(format!("the archive can't be opened ({e})")))?;
        Ok(Self(RefCell::new(archive)))
    }

    /// A member, unpacked.
    fn read(&self, name: &str) -> Result<Vec<u8>, ImportError> {
        let mut archive = self.0.borrow_mut();
        let member =
            archive.by_name(name).map_err(|e| wrong(format!("`{name}` is not in the archive ({e})")))?;
        let size = member.size();
        if size > MOST_BYTES {
            return Err(ImportError::TooLarge { path: name.to_owned(), found: size, limit: MOST_BYTES });
        }
        let mut bytes = Vec::new();
        // No more than is said is unpacked, whatever is packed.
        let read = member.take(size + 1).read_to_end(&mut bytes);
        match read {
            Ok(found) if found as u64 == size => Ok(bytes),
            Ok(_) => Err(wrong(format!("`{name}` is not as long as it says"))),
            Err(e) => Err(wrong(format!("`{name}` can't be unpacked ({e})"))),
        }
    }

    /// The description of the object.
    pub(super) fn schema(&self) -> Result<Vec<u8>, ImportError> {
        self.read("schema.json").map_err(|_| ImportError::Unsupported {
            what: "a zip archive without `schema.json`".to_owned(),
            remedy: "of archives, only models that `skops.io.dump` wrote are read",
        })
    }
}

/// A Python object.
#[derive(Clone)]
pub(super) struct Object<'d, 'a> {
    place: Place<'d, 'a>,
    members: &'d Members<'d>,
}

impl<'d, 'a> Object<'d, 'a> {
    pub(super) fn root(document: &'d Value<'a>, members: &'d Members<'d>) -> Self {
        Self { place: Place::root(document), members }
    }

    fn at(&self, place: Place<'d, 'a>) -> Self {
        Self { place, members: self.members }
    }

    pub(super) fn path(&self) -> &str {
        self.place.path()
    }

    /// The name of its class, without module.
    pub(super) fn class(&self) -> Result<&'d str, ImportError> {
        self.place.get("__class__").text()
    }

    pub(super) fn module(&self) -> Result<&'d str, ImportError> {
        self.place.get("__module__").text()
    }

    /// An attribute; it may not be there.
    pub(super) fn attribute(&self, name: &str) -> Self {
        self.at(self.place.get("content").get("content").get(name))
    }

    /// Arguments of an object that is made by a call.
    pub(super) fn arguments(&self) -> Result<Vec<Self>, ImportError> {
        self.at(self.place.get("__reduce__").get("args")).items()
    }

    /// Whether it is there, and not None.
    pub(super) fn is_something(&self) -> bool {
        self.place.is_there() && self.json().is_none_or(|json| json != "null")
    }

    /// The entries of a list, a tuple, or an array of objects.
    pub(super) fn items(&self) -> Result<Vec<Self>, ImportError> {
        Ok(self.place.get("content").items()?.into_iter().map(|place| self.at(place)).collect())
    }

    /// The JSON of what JSON can say.
    fn json(&self) -> Option<&'d str> {
        let is_json = self.place.get("__loader__").text().is_ok_and(|loader| loader == "JsonNode");
        is_json.then(|| self.place.get("content").text().ok()).flatten()
    }

    pub(super) fn text(&self) -> Result<String, ImportError> {
        let found = self.json().and_then(|json| serde_json::from_str(json).ok());
        found.ok_or_else(|| ImportError::value(self.path(), "a text"))
    }

    pub(super) fn number(&self) -> Result<f64, ImportError> {
        let found = self.json().and_then(|json| json.trim().parse().ok());
        found.ok_or_else(|| ImportError::value(self.path(), "a number"))
    }

    pub(super) fn count(&self) -> Result<usize, ImportError> {
        let found = self.json().and_then(|json| json.trim().parse().ok());
        found.ok_or_else(|| ImportError::value(self.path(), "a whole number"))
    }

    /// An array of numbers or records.
    pub(super) fn array(&self) -> Result<Array, ImportError> {
        let file = self.place.get("file").text()?;
        Array::parse(self.path(), &self.members.read(file)?)
    }

    /// An array of texts or numbers, as texts; of objects, those that are texts (a missing category is none).
    pub(super) fn texts(&self) -> Result<Vec<String>, ImportError> {
        if self.place.get("file").is_there() {
            return self.array()?.texts();
        }
        Ok(self.items()?.iter().filter_map(|item| item.text().ok()).collect())
    }
}
