//! skops: a Python object as a zip archive, `schema.json` and one `.npy` an array. Nothing in it can run.
//!
//! Follows `skops/io` of 0.16, protocol 2. An object is `{"__class__", "__module__", "__loader__", "content"}`; its attributes
//! stand in a dictionary in its content, and what JSON can say stands there as a text of JSON.

use std::cell::{Cell, RefCell};
use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::document::{Place, Value};
use super::error::ImportError;
use super::npy::Array;
use crate::trees::bind::number_name;

/// No model is larger, unpacked.
const MOST_BYTES: u64 = 4 << 30;

/// Or so many times larger than packed, unless it is small. Arrays of nodes reach 10 to 30.
const MOST_TIMES: u64 = 200;
const SMALL: u64 = 64 << 20;

const RETRAIN: &str = "no value of a table could be told to be one of them; train with texts or numbers, and with NaN for what is missing";

const FORMAT: &str = "skops";

/// The members of an archive.
pub(super) struct Members<'a> {
    archive: RefCell<ZipArchive<Cursor<&'a [u8]>>>,
    /// How many bytes may still be unpacked.
    left: Cell<u64>,
}

fn wrong(what: impl Into<String>) -> ImportError {
    ImportError::Syntax { format: FORMAT, offset: 0, what: what.into() }
}

impl<'a> Members<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, ImportError> {
        let archive = ZipArchive::new(Cursor::new(bytes))
            .map_err(|e| wrong(format!("the archive can't be opened ({e})")))?;
        let most = (bytes.len() as u64).saturating_mul(MOST_TIMES).clamp(SMALL, MOST_BYTES);
        Ok(Self { archive: RefCell::new(archive), left: Cell::new(most) })
    }

    /// A member, unpacked.
    fn read(&self, name: &str) -> Result<Vec<u8>, ImportError> {
        let mut archive = self.archive.borrow_mut();
        let member = archive.by_name(name).map_err(|e| match e {
            ZipError::FileNotFound => wrong(format!("`{name}` is not in the archive")),
            e => wrong(format!("`{name}` can't be unpacked ({e})")),
        })?;
        let (size, left) = (member.size(), self.left.get());
        if size > left {
            let path = format!("bytes of `{name}`, unpacked,");
            return Err(ImportError::TooLarge { path, found: size, limit: left });
        }
        self.left.set(left - size);
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
        const SCHEMA: &str = "schema.json";
        if self.archive.borrow().index_for_name(SCHEMA).is_none() {
            return Err(ImportError::unsupported(
                "a zip archive without `schema.json`",
                "of archives, only models that `skops.io.dump` wrote are read",
            ));
        }
        self.read(SCHEMA)
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
        let path = self.path();
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        self.at(self.place.get("content").get("content").get(name).called(path))
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
        let items = self.place.get("content").called(self.path().to_owned()).items()?;
        Ok(items.into_iter().map(|place| self.at(place)).collect())
    }

    /// The JSON of what JSON can say.
    fn json(&self) -> Option<&'d str> {
        let is_json = self.place.get("__loader__").text().is_ok_and(|loader| loader == "JsonNode");
        is_json.then(|| self.place.get("content").text().ok()).flatten()
    }

    /// A number that NumPy wrote as an array without dimensions.
    fn scalar(&self) -> Option<Array> {
        let array = self.place.get("file").is_there().then(|| self.array().ok()).flatten()?;
        (array.shape.is_empty()).then_some(array)
    }

    pub(super) fn text(&self) -> Result<String, ImportError> {
        let from_json = || self.json().and_then(|json| serde_json::from_str(json).ok());
        let found = from_json().or_else(|| self.scalar()?.texts().ok()?.pop());
        found.ok_or_else(|| ImportError::value(self.path(), "a text"))
    }

    pub(super) fn number(&self) -> Result<f64, ImportError> {
        let from_json = || self.json().and_then(|json| json.trim().parse().ok());
        let found = from_json().or_else(|| self.scalar()?.numbers("").ok()?.pop());
        found.ok_or_else(|| ImportError::value(self.path(), "a number"))
    }

    pub(super) fn count(&self) -> Result<usize, ImportError> {
        let from_json = || self.json().and_then(|json| json.trim().parse().ok());
        let from_array = || usize::try_from(self.scalar()?.ints("").ok()?.pop()?).ok();
        from_json().or_else(from_array).ok_or_else(|| ImportError::value(self.path(), "a whole number"))
    }

    /// An array of numbers or records.
    pub(super) fn array(&self) -> Result<Array, ImportError> {
        let file = self.place.get("file").called(self.path().to_owned()).text()?;
        Array::parse(self.path(), &self.members.read(file)?)
    }

    /// An array of texts.
    pub(super) fn texts(&self) -> Result<Vec<String>, ImportError> {
        if self.place.get("file").is_there() {
            return self.array()?.texts();
        }
        self.items()?.iter().map(Self::text).collect()
    }

    /// The categories of an encoder by their codes, and whether they are numbers. NaN, which comes last, is how the encoder
    /// knows missing values: it has no code.
    pub(super) fn levels(&self) -> Result<(Vec<String>, bool), ImportError> {
        let is_file = self.place.get("file").is_there();
        let array = is_file.then(|| self.array()).transpose()?;
        if let Some(array) = array.as_ref().filter(|array| array.is_text()) {
            return Ok((array.texts()?, false));
        }
        let numbers = match array {
            Some(array) => array.numbers("")?,
            None => {
                let mut items = self.items()?;
                if items.last().is_some_and(Self::is_nan) {
                    items.pop();
                }
                let texts: Vec<String> = items.iter().filter_map(|item| item.text().ok()).collect();
                if texts.len() == items.len() {
                    return Ok((texts, false));
                }
                let number = |item: &Self| match item.json() {
                    Some("true") => Ok(1.0),
                    Some("false") => Ok(0.0),
                    _ => item.number(),
                };
                items.iter().map(number).collect::<Result<Vec<f64>, _>>().map_err(|_| {
                    ImportError::unsupported("categories that are neither all texts nor all numbers", RETRAIN)
                })?
            }
        };
        let known = match numbers.as_slice() {
            [known @ .., last] if last.is_nan() => known,
            all => all,
        };
        if known.iter().any(|x| x.is_nan()) {
            return Err(ImportError::unsupported("several missing categories of one feature", RETRAIN));
        }
        Ok((known.iter().map(|&x| number_name(x)).collect(), true))
    }

    fn is_nan(&self) -> bool {
        self.number().is_ok_and(f64::is_nan)
    }
}
