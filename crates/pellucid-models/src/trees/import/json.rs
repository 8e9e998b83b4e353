//! JSON (RFC 8259) as a [`Value`] that borrows from the text. Recursion is bounded by [`MAX_NESTING`].

use std::borrow::Cow;

use super::document::{MAX_NESTING, Numbers, Value};
use super::error::ImportError;

pub(super) fn parse(bytes: &[u8]) -> Result<Value<'_>, ImportError> {
    let text = std::str::from_utf8(bytes).map_err(|e| syntax(e.valid_up_to(), "not UTF-8"))?;
    let mut parser = Parser { text, bytes, at: 0 };
    let value = parser.value(0)?;
    parser.skip_space();
    if parser.at < bytes.len() {
        return Err(syntax(parser.at, "something follows the end of the document"));
    }
    Ok(value)
}

fn syntax(offset: usize, what: &str) -> ImportError {
    ImportError::Syntax { format: "JSON", offset, what: what.to_owned() }
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Parser<'a> {
    fn error(&self, what: &str) -> ImportError {
        syntax(self.at, what)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8, what: &str) -> Result<(), ImportError> {
        self.skip_space();
        if self.peek() != Some(byte) {
            return Err(self.error(what));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, ImportError> {
        if depth > MAX_NESTING {
            return Err(self.error("nested too deep"));
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::Text),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'-' | b'0'..=b'9' | b'N' | b'I') => self.number().map(Value::Number),
            Some(_) => Err(self.error("a value was expected")),
            None => Err(self.error("the text ends where a value was expected")),
        }
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, ImportError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.error("a value was expected"));
        }
        self.at += word.len();
        Ok(value)
    }

    /// A number, or XGBoost's spellings of what JSON has no number for.
    fn number(&mut self) -> Result<&'a str, ImportError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z')) {
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        if text.parse::<f64>().is_err() {
            return Err(syntax(start, "not a number"));
        }
        Ok(text)
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, ImportError> {
        let open = self.at;
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Numbers(Numbers::Json("")));
        }
        let mut items = Vec::new();
        let mut only_numbers = true;
        loop {
            let start = self.at;
            let value = self.value(depth + 1)?;
            // Of numbers nothing is kept but the place where they stand, until something else stands among them.
            if only_numbers && !matches!(value, Value::Number(_)) {
                only_numbers = false;
                let before = self.text[open + 1..start].split(',').map(str::trim);
                items.extend(before.filter(|text| !text.is_empty()).map(Value::Number));
            }
            if !only_numbers {
                items.push(value);
            }
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.error("`,` or `]` was expected")),
            }
        }
        let inside = &self.text[open + 1..self.at];
        self.at += 1;
        Ok(if only_numbers { Value::Numbers(Numbers::Json(inside)) } else { Value::Array(items) })
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, ImportError> {
        self.at += 1;
        let mut entries = Vec::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(entries));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.error("a key was expected"));
            }
            let key = self.string()?;
            self.expect(b':', "`:` was expected")?;
            entries.push((key, self.value(depth + 1)?));
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.error("`,` or `}` was expected")),
            }
        }
        self.at += 1;
        Ok(Value::Object(entries))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, ImportError> {
        let open = self.at;
        self.at += 1;
        let mut escaped = false;
        loop {
            match self.peek() {
                None => return Err(syntax(open, "the text ends inside a string")),
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        // An escape at the very end moves past it.
        let Some(whole) = self.text.get(open..self.at) else {
            return Err(syntax(open, "the text ends inside a string"));
        };
        if !escaped {
            return Ok(Cow::Borrowed(&whole[1..whole.len() - 1]));
        }
        let unescaped: String = serde_json::from_str(whole).map_err(|e| syntax(open, &e.to_string()))?;
        Ok(Cow::Owned(unescaped))
    }
}
