//! What does an address ask of a transformer?

use std::sync::Arc;

use pellucid::example_circuit as circuit;
use pellucid::explain::inside::{By, Case, Cell, PatchError, Patching, peak};
use pellucid::models::transformer::{Site, Token};
use pellucid::patched::prompts::{
    How, Measured, Place, Prompt, PromptError, Texts, Values, cases, misaligned,
};
use pellucid::patched::usual;
use pellucid::told::position;
use pellucid::views::number::count;

use super::sites;
use crate::address::Address;
use crate::failure::{Code, Failure, hint};
use crate::opened::Thing;
use crate::pages::{in_python, in_shell_if_needed, named};
use crate::transformers::Inside;

/// Parameters that say what is asked; beside them stand `run`, `verify` and `cell`.
pub(super) const PARAMETERS: [&str; 11] = [
    "transformer",
    "clean",
    "corrupt",
    "answer",
    "wrong",
    "site",
    "by",
    "noising",
    "with",
    "metric",
    "position",
];
/// Letters of a prompt, at most.
const MOST_LETTERS: usize = 20_000;
/// Cells of a grid, at most: more are no picture.
const MOST_CELLS: usize = 20_000;
const METRICS: [(&str, Measured); 4] = [
    ("logit-difference", Measured::LogitDifference),
    ("logit", Measured::Logit),
    ("log-probability", Measured::LogProbability),
    ("kl-divergence", Measured::KlDivergence),
];

/// Two prompts and two answers that people know.
const KNOWN: [[&str; 4]; 2] = [
    // The indirect object (Wang et al. 2022).
    [
        "When Mary and John went to the store, John gave a drink to",
        "When Mary and John went to the store, Mary gave a drink to",
        " Mary",
        " John",
    ],
    [circuit::CLEAN, circuit::CORRUPT, circuit::ANSWER, circuit::WRONG],
];

/// What is asked, with what is not said filled in.
pub(super) struct Question {
    pub(super) inside: Arc<Inside>,
    pub(super) texts: Texts,
    pub(super) how: How,
    pub(super) patching: Patching,
    /// The tokens of both prompts, whole.
    pub(super) clean: Vec<Token>,
    pub(super) corrupt: Option<Vec<Token>>,
}

/// A question that can be run.
pub(super) struct Ready {
    pub(super) prompt: Prompt,
    pub(super) case: Case,
}

/// Why a question can't be run: its prompts don't go together, which a page shows token by token, or it makes no sense at all.
pub(super) enum NotReady {
    Prompts(String),
    Other(Failure),
}

impl From<PromptError> for Failure {
    fn from(error: PromptError) -> Self {
        match error {
            PromptError::Usage(text) => Self::usage(text),
            PromptError::Input(text) => Self::input(text),
        }
    }
}

/// Whether patching has nothing to do for these prompts, as one sees by looking at them.
pub(super) fn is_of_prompts(error: &PatchError) -> bool {
    matches!(error, PatchError::Same | PatchError::NoDifference { .. } | PatchError::Lengths { .. })
}

/// One of few words.
fn one_of<T: Copy>(address: &Address, name: &str, all: &[(&str, T)]) -> Result<Option<T>, Failure> {
    let Some(given) = address.one(name)? else { return Ok(None) };
    let found = all.iter().find(|(word, _)| *word == given).map(|(_, value)| *value);
    found.map(Some).ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|(word, _)| *word).collect();
        let hint = hint(given, words.iter().copied());
        Failure::usage(format!("{name}={given}: it is one of {}{hint}", words.join(", ")))
    })
}

/// A text that stands in an address; an empty one is none.
fn text(address: &Address, name: &str) -> Result<Option<Option<String>>, Failure> {
    let Some(text) = address.one(name)? else { return Ok(None) };
    if text.chars().count() > MOST_LETTERS {
        return Err(Failure::new(
            Code::Limit,
            format!("{name}: more than {} letters; take a shorter prompt", count(MOST_LETTERS)),
        ));
    }
    Ok(Some(Some(text.to_owned()).filter(|text| !text.is_empty())))
}

/// How prompts are run and measured.
fn how(address: &Address) -> Result<How, Failure> {
    let yes = [("1", true), ("0", false)];
    let noising = one_of(address, "noising", &yes)?.unwrap_or(false);
    let with = one_of(address, "with", &[("other", Values::Other), ("zero", Values::Zero)])?;
    let with = with.unwrap_or(Values::Other);
    if noising && with == Values::Zero {
        return Err(Failure::usage(
            "noising: it says which of two prompts takes the other's values; with zeros the clean one is run",
        ));
    }
    let metric = one_of(address, "metric", &METRICS)?;
    Ok(How { with, noising, metric, position: address.number("position")?.unwrap_or(-1) })
}

/// Prompts that a model's tokenizer takes.
fn known(inside: &Inside) -> [&'static str; 4] {
    let how = How { with: Values::Other, noising: false, metric: None, position: -1 };
    let fits = |[clean, corrupt, answer, wrong]: &[&str; 4]| {
        let owned = |text: &str| Some(text.to_owned());
        let (corrupt, answer, wrong) = (owned(corrupt), owned(answer), owned(wrong));
        let texts = Texts { place: Place::Parameters, clean: (*clean).to_owned(), corrupt, answer, wrong };
        Prompt::of(&texts, &how, &inside.tokens).is_ok_and(|prompt| !prompt.differ().is_empty())
    };
    let [first, ..] = KNOWN;
    KNOWN.into_iter().find(fits).unwrap_or(first)
}

impl Question {
    pub(super) fn of(address: &Address, inside: Arc<Inside>) -> Result<Self, Failure> {
        let spec = &inside.model.spec;
        let how = how(address)?;
        let site: Site = match address.one("site")? {
            None => Site::ResidPre,
            Some(name) => {
                name.parse().map_err(|cause| Failure::new(Code::NotFound, format!("site: {cause}")))?
            }
        };
        let names = sites::BYS.map(|by| (by.to_string(), by));
        let names: Vec<(&str, By)> = names.iter().map(|(name, by)| (name.as_str(), *by)).collect();
        let by = one_of(address, "by", &names)?.unwrap_or_else(|| usual(site));
        let patching = Patching { site, by };
        patching.check(spec).map_err(|cause| Failure::usage(cause.to_string()))?;
        if how.with == Values::Zero && !sites::all(spec, true).contains(&site) {
            return Err(Failure::usage(PatchError::ZeroScale { site }.to_string()));
        }
        let [clean, corrupt, answer, wrong] = known(&inside);
        let or = |name: &str, known: &str, is_read: bool| -> Result<Option<String>, Failure> {
            Ok(text(address, name)?.unwrap_or_else(|| is_read.then(|| known.to_owned())))
        };
        let empty = |name: &str| Failure::usage(format!("{name}: there is no text; write a prompt"));
        let texts = Texts {
            place: Place::Parameters,
            clean: or("clean", clean, true)?.ok_or_else(|| empty("clean"))?,
            corrupt: or("corrupt", corrupt, how.with == Values::Other)?,
            answer: or("answer", answer, Measured::reads(how.metric, "answer"))?,
            wrong: or("wrong", wrong, Measured::reads(how.metric, "wrong"))?,
        };
        if texts.corrupt.is_none() && how.with == Values::Other {
            return Err(empty("corrupt"));
        }
        let cut = |name: &str, text: &str| -> Result<Vec<Token>, Failure> {
            let cut = inside.tokens.of(text).map_err(|cause| Failure::usage(format!("{name}: {cause}")))?;
            let ids: Vec<u32> = cut.iter().map(|token| token.id).collect();
            spec.check_tokens(&ids).map_err(|cause| Failure::input(format!("{name}: {cause}")))?;
            Ok(cut)
        };
        let clean = cut("clean", &texts.clean)?;
        let corrupt = texts.corrupt.as_ref().map(|text| cut("corrupt", text)).transpose()?;
        Ok(Self { inside, texts, how, patching, clean, corrupt })
    }

    /// With prompts that align, within what one grid may take.
    pub(super) fn ready(&self, most_bytes: usize) -> Result<Ready, NotReady> {
        if let (Values::Other, Some(corrupt)) = (self.how.with, &self.corrupt)
            && let Some(problem) = misaligned(&self.clean, corrupt)
        {
            return Err(NotReady::Prompts(problem));
        }
        let prompt = Prompt::of(&self.texts, &self.how, &self.inside.tokens);
        let prompt = prompt.map_err(|cause| NotReady::Other(cause.into()))?;
        let spec = &self.inside.model.spec;
        let limit = |text: String| Err(NotReady::Other(Failure::new(Code::Limit, text)));
        let n = self.patching.cells(spec, prompt.clean.len()).len();
        if n > MOST_CELLS {
            return limit(format!(
                "the grid has {} cells, and at most {} are drawn; take a shorter prompt, or cells of fewer kinds (by=layer-position, by=layer-head)",
                count(n),
                count(MOST_CELLS)
            ));
        }
        let needed = peak(spec, self.patching.site, prompt.clean.len(), prompt.metric);
        if needed > most_bytes {
            return limit(format!(
                "this holds {} MB of activations at once, and {} MB may be used; take shorter prompts, or another site, or give more with --max-memory",
                count(needed.div_ceil(1 << 20)),
                count(most_bytes >> 20)
            ));
        }
        let case = cases(std::slice::from_ref(&prompt), &self.how, 0).into_iter().next();
        let case = case.ok_or_else(|| NotReady::Other(Failure::input(PatchError::NoPrompts)))?;
        match case.check(spec) {
            Ok(()) => Ok(Ready { prompt, case }),
            Err(cause) if is_of_prompts(&cause) => Err(NotReady::Prompts(cause.to_string())),
            Err(cause) => Err(NotReady::Other(Failure::input(cause))),
        }
    }

    /// The tokens that say what comes next, of either prompt: up to where the answer is measured.
    pub(super) fn measured(&self) -> [Vec<u32>; 2] {
        let until = |tokens: &[Token]| -> Vec<u32> {
            let end = position(self.how.position, tokens.len()).map_or(tokens.len(), |at| at + 1);
            tokens.iter().take(end).map(|token| token.id).collect()
        };
        [until(&self.clean), self.corrupt.as_deref().map(until).unwrap_or_default()]
    }

    /// What a shell and Python call for the same, after the verb and without how much is run again.
    pub(super) fn spelled(&self, thing: &Thing, verb: &str, verify: f64) -> (String, String) {
        let (file, path) = named(&thing.source);
        let (mut words, mut python) = (format!("pellucid lens {verb} {file}"), Vec::new());
        let texts = [
            ("clean", Some(&self.texts.clean)),
            ("corrupt", self.texts.corrupt.as_ref()),
            ("answer", self.texts.answer.as_ref()),
            ("wrong", self.texts.wrong.as_ref()),
        ];
        for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text?))) {
            words += &format!(" --{name} {}", in_shell_if_needed(text));
            python.push(format!("{name}={}", in_python(text)));
        }
        let by = Some(self.patching.by).filter(|by| *by != usual(self.patching.site));
        let metric = METRICS.iter().find(|(_, metric)| Some(*metric) == self.how.metric);
        let settings = [
            (
                "site",
                "site",
                Some(self.patching.site).filter(|s| *s != Site::ResidPre).map(|s| s.to_string()),
            ),
            ("by", "by", by.map(|by| by.to_string())),
            ("with", "donor", Some("zero".to_owned()).filter(|_| self.how.with == Values::Zero)),
            ("metric", "metric", metric.map(|(name, _)| (*name).to_owned())),
        ];
        for (name, in_words, value) in settings.into_iter().filter_map(|(a, b, value)| Some((a, b, value?))) {
            words += &format!(" --{name} {value}");
            python.push(format!("{in_words}={}", in_python(&value)));
        }
        if self.how.noising {
            words += " --noising";
            python.push("noising=True".to_owned());
        }
        if self.how.position != -1 {
            words += &format!(" --position {}", self.how.position);
            python.push(format!("position={}", self.how.position));
        }
        if verify > 0.0 {
            words += &format!(" --verify {verify}");
            python.push(format!("verify={verify}"));
        }
        let arguments = python.join(",\n    ");
        let after = if verb == "plan" { "" } else { "\nfound.plot()" };
        let python = format!(
            "import pellucid as pel\n\nmodel = pel.load_model({path})\nfound = model.{verb}(\n    {arguments},\n)\nprint(found){after}\n"
        );
        (words, python)
    }
}

/// A cell as addresses write it: `LAYER:POSITION:HEAD`, of which those are empty that a cell has all of; `3:5`, `3::2`, `3`.
pub(super) fn written(cell: Cell) -> String {
    let number = |n: Option<usize>| n.map_or(String::new(), |n| n.to_string());
    let all = format!("{}:{}:{}", cell.layer, number(cell.position), number(cell.head));
    all.trim_end_matches(':').to_owned()
}

/// The cell that an address names, one of a grid.
pub(super) fn cell(text: &str, cells: &[Cell]) -> Result<Cell, Failure> {
    let mut parts = text.split(':');
    let mut number = || match parts.next() {
        None | Some("") => Ok(None),
        Some(part) => part.parse::<usize>().map(Some),
    };
    let read = (number(), number(), number());
    let (Ok(Some(layer)), Ok(position), Ok(head), None) = (read.0, read.1, read.2, parts.next()) else {
        return Err(Failure::usage(format!(
            "cell={text}: a cell is LAYER:POSITION:HEAD, such as 3:5, and 3::2 where it has no position"
        )));
    };
    let cell = Cell { layer, position, head };
    if cells.contains(&cell) {
        return Ok(cell);
    }
    let last = cells.last().map_or(String::new(), |&last| written(last));
    let text = format!("cell={text}: the grid has no such cell; its first is {}, its last {last}", {
        cells.first().map_or(String::new(), |&first| written(first))
    });
    Err(Failure::new(Code::NotFound, text))
}
