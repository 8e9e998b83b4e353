//! What is said of a run in words, and how is it made again?

use pellucid::explain::inside::{HeadKind, HeadScores};
use pellucid::looked;
use pellucid::views::number::{count, fixed, percent, pretty};
use pellucid::views::patch_grid::visible;

use super::asked::Score;
use super::told::{Told, key, spelled};
use crate::opened::Source;
use crate::pages::{in_python, in_shell_if_needed, named};

impl Told<'_> {
    /// The finding first.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let at = self.traced.tokens.get(self.asked.token).map_or(String::new(), |token| visible(&token.text));
        match self.read.and_then(|(said, _)| said.next.top.first()) {
            Some((token, probability)) => words.push(format!(
                "After {at} comes {}: {}",
                visible(&self.inside.tokens.text(*token)),
                percent(*probability)
            )),
            None => {
                let [_, _, does, none] = spelled(self.asked.score);
                words.push(self.best(self.asked.score).map_or(none.to_owned(), |(head, number)| {
                    let said = if self.asked.score == Score::Distance {
                        pretty(number, 2)
                    } else {
                        fixed(number, 2)
                    };
                    format!("{} {does}: {said}", key(head))
                }));
            }
        }
        let best = HeadKind::ALL.into_iter().filter_map(|kind| {
            let (head, number) = self.best_of(kind)?;
            let of = match self.n_looking(kind) {
                1 => "1 token".to_owned(),
                n => format!("{} tokens", count(n)),
            };
            Some(format!("{} {} ({}, over {of})", key(head), spelled(Score::Kind(kind))[2], fixed(number, 2)))
        });
        let best: Vec<String> = best.collect();
        if !best.is_empty() {
            words.push(format!("{}.", best.join("; ")));
        }
        words.extend(self.unread());
        words
    }

    /// Words that a vocabulary of letters does not know.
    fn unread(&self) -> Option<String> {
        if self.prompt.thing.source != Source::Circuit {
            return None;
        }
        let unknown = self.traced.tokens.iter().filter(|token| token.id == 0);
        let unknown = unknown.filter_map(|token| self.prompt.text.get(token.bytes.clone()));
        let unknown: Vec<&str> = unknown.filter(|text| !text.is_empty()).take(3).collect();
        let said = format!(
            "This model knows the letters a to l, with spaces between them; it can't read {}.",
            unknown.join(", ")
        );
        (!unknown.is_empty()).then_some(said)
    }

    pub(super) fn notes(&self, drawn: &[&HeadScores]) -> Vec<String> {
        let mut notes = Vec::new();
        let wanted = self.wanted().len();
        if drawn.len() < wanted {
            let n = drawn.len();
            notes.push(format!("{n} of {wanted} heads are drawn; pick the others one by one"));
        }
        if !looked::has_repeats(&self.traced.tokens) {
            notes.push("no token comes twice: duplicate token and induction heads have nothing to look at in this text".to_owned());
        }
        notes.push("where a head looks is not yet what it does: its values may carry something else; patch it to know".to_owned());
        if self.read.is_some() {
            notes.push("the lens reads early blocks with the last one's eyes: what they mean may be written in other directions".to_owned());
        }
        if self.prompt.thing.source == Source::Circuit {
            notes.push(
                "`pellucid tour` writes the tiny transformer into the folder that the command names"
                    .to_owned(),
            );
        }
        notes
    }

    pub(super) fn again(&self) -> (String, String) {
        let (model, model_text) = named(&self.prompt.thing.source);
        let text = in_shell_if_needed(self.prompt.text);
        // A text that begins with a hyphen is no option.
        let text = if text.starts_with('-') || text.starts_with("'-") { format!("-- {text}") } else { text };
        let heads = format!("pellucid lens run {model} --heads {text}");
        let heads_text = format!(
            "model = pel.Transformer({model_text})\nheads = model.heads({})\n",
            in_python(self.prompt.text)
        );
        if self.read.is_none() {
            return (heads, format!("import pellucid as pel\n\n{heads_text}"));
        }
        let mut words = String::new();
        let mut arguments = String::new();
        for (name, given) in ["answer", "wrong"].into_iter().zip(&self.asked.texts) {
            if let Some(given) = given {
                words += &format!(" --{name}={}", in_shell_if_needed(given));
                arguments += &format!(", {name}={}", in_python(given));
            }
        }
        if self.asked.token + 1 < self.traced.tokens.len() {
            words += &format!(" --position {}", self.asked.token);
            arguments += &format!(", position={}", self.asked.token);
        }
        let command = format!("{heads} && pellucid lens logits {model}{words} {text}");
        let asked = format!("lens = model.logits({}{arguments})\n", in_python(self.prompt.text));
        (command, format!("import pellucid as pel\n\n{heads_text}{asked}"))
    }
}
