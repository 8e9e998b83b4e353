//! What is asked? A path and named texts, as they stand in a link.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::failure::{Failure, hint};

/// Texts of one address, at most; more is no question.
const MOST_PARAMETERS: usize = 4_000;

/// A path with its parameters, each of which may stand several times.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    path: String,
    parameters: Vec<(String, String)>,
}

impl Address {
    /// From the path and what stands after the question mark.
    ///
    /// # Errors
    /// When there are thousands of parameters.
    pub fn parse(path: &str, query: &str) -> Result<Self, Failure> {
        let all = form_urlencoded::parse(query.as_bytes()).take(MOST_PARAMETERS + 1);
        let mut parameters: Vec<(String, String)> =
            all.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        if parameters.len() > MOST_PARAMETERS {
            return Err(Failure::usage(format!("more than {MOST_PARAMETERS} parameters in one address")));
        }
        parameters.sort();
        Ok(Self { path: path.to_owned(), parameters })
    }

    /// From a path and pairs.
    #[must_use]
    pub fn of(path: &str, parameters: &[(&str, &str)]) -> Self {
        let mut parameters: Vec<(String, String)> =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        parameters.sort();
        Self { path: path.to_owned(), parameters }
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// One text, parameters by name: two addresses that ask the same are written the same.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.parameters);
        format!("{}?{}", self.path, query.finish())
    }

    /// The same address with one more parameter.
    pub(crate) fn with(&self, name: &str, value: impl Into<String>) -> Self {
        let mut more = self.clone();
        more.parameters.push((name.to_owned(), value.into()));
        more.parameters.sort();
        more
    }

    /// The same address without some parameters.
    pub(crate) fn without(&self, names: &[&str]) -> Self {
        let kept = self.parameters.iter().filter(|own| !names.contains(&own.0.as_str())).cloned();
        Self { path: self.path.clone(), parameters: kept.collect() }
    }

    /// All values of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.parameters.iter().filter(move |own| own.0 == name).map(|own| own.1.as_str())
    }

    /// The value of a parameter that stands once or not at all.
    pub(crate) fn one<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, Failure> {
        let mut all = self.all(name);
        let first = all.next();
        if all.next().is_some() {
            return Err(Failure::usage(format!("`{name}` stands twice in the address; it has one value")));
        }
        Ok(first)
    }

    /// The same as a number.
    pub(crate) fn number<'a, T: std::str::FromStr>(&'a self, name: &'a str) -> Result<Option<T>, Failure> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let read = text.parse().map_err(|_| Failure::usage(format!("{name}={text}: that is no such number")));
        read.map(Some)
    }

    /// That nothing else is asked than what is known; a typo is told from its right spelling.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Failure> {
        let names: BTreeSet<&str> = self.parameters.iter().map(|own| own.0.as_str()).collect();
        match names.into_iter().find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(name) => {
                let hint = hint(name, known.iter().copied());
                Err(Failure::usage(format!("{} has no parameter `{name}`{hint}", self.path)))
            }
        }
    }
}

thread_local! {
    /// What this thread answers.
    static ASKED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The address that this thread answers now, if it does.
pub(crate) fn asked() -> Option<String> {
    ASKED.with_borrow(Clone::clone)
}

/// This thread answers an address, as long as this is held. Answers are given on one thread, so that work that is begun on the way knows for whom.
pub(crate) struct Answering(Option<String>);

impl Answering {
    pub(crate) fn now(address: &Address) -> Self {
        Self(ASKED.replace(Some(address.canonical().trim_end_matches('?').to_owned())))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        ASKED.set(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_is_written_the_same() {
        let one = Address::parse("/api/row", "row=3&model=a%20b&set=x%3A1&set=a:2").unwrap();
        let other = Address::parse("/api/row", "set=a:2&set=x:1&model=a+b&row=3").unwrap();
        assert_eq!(one.canonical(), "/api/row?model=a+b&row=3&set=a%3A2&set=x%3A1");
        assert_eq!(one.canonical(), other.canonical());
        assert_eq!(one.all("set").collect::<Vec<_>>(), ["a:2", "x:1"]);
        assert_eq!(one.number::<usize>("row").unwrap(), Some(3));
    }

    #[test]
    fn a_thread_knows_what_it_answers_and_forgets_it() {
        assert_eq!(asked(), None);
        let outer = Answering::now(&Address::of("/api/row", &[("row", "3")]));
        let inner = Answering::now(&Address::of("/api/session", &[]));
        assert_eq!(asked().as_deref(), Some("/api/session"));
        drop(inner);
        assert_eq!(asked().as_deref(), Some("/api/row?row=3"));
        drop(outer);
        assert_eq!(asked(), None);
    }

    #[test]
    fn wrong_questions_say_what_is_wrong() {
        let address = Address::parse("/api/row", "rwo=3&row=x&set=1&set=2").unwrap();
        assert!(address.only(&["row", "set"]).unwrap_err().message.contains("did you mean `row`?"));
        assert!(address.number::<usize>("row").unwrap_err().message.contains("row=x"));
        assert!(address.one("set").unwrap_err().message.contains("twice"));
        let many = "a=1&".repeat(MOST_PARAMETERS + 1);
        assert!(Address::parse("/", &many).is_err());
    }
}
