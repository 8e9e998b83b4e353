//! Which parts of a model write to the residual stream and read of it? The nodes of a circuit, and the edges between them.
//!
//! Names are those of EAP (Syed et al. 2023, arXiv 2310.10348) and EAP-IG: `input`, `a3.h5`, `m3`, `logits`; `a0.h1->a2.h3<q>`. Where
//! several heads share keys and values, those are read by `a2.kv1<k>`.

use std::fmt;
use std::str::FromStr;

use super::spec::Spec;

/// What writes to the residual stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sender {
    /// Embeddings, all kinds of them together.
    Input,
    /// An attention head, without the bias that all share.
    Head {
        /// The block.
        layer: usize,
        /// The head.
        head: usize,
    },
    /// An MLP.
    Mlp {
        /// The block.
        layer: usize,
    },
}

/// What of an attention head reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The query.
    Query,
    /// The key.
    Key,
    /// The value.
    Value,
}

/// What reads of the residual stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Receiver {
    /// A part of an attention head; of keys and values the head of those.
    Head {
        /// The block.
        layer: usize,
        /// Which part.
        part: Part,
        /// The head, or the head of keys and values.
        head: usize,
    },
    /// An MLP.
    Mlp {
        /// The block.
        layer: usize,
    },
    /// The last norm and the unembedding.
    Logits,
}

/// From what writes to what reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// What writes.
    pub from: Sender,
    /// What reads.
    pub to: Receiver,
}

/// Why a text names no node, or the model has it not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// No such name.
    #[error("`{name}` names nothing that {does}; names are {names}")]
    Unknown {
        /// What was given.
        name: String,
        /// What it should do.
        does: &'static str,
        /// What there is.
        names: &'static str,
    },
    /// Not two nodes.
    #[error("`{name}` is no edge; one is written `a0.h1->a2.h3<q>`")]
    NoEdge {
        /// What was given.
        name: String,
    },
    /// A node beyond the model's.
    #[error("the model has no `{name}`: it has the blocks 0 to {last} with the {heads} 0 to {last_head}")]
    Beyond {
        /// What was given.
        name: String,
        /// The last block.
        last: usize,
        /// Which kind of heads.
        heads: &'static str,
        /// The last head.
        last_head: usize,
    },
    /// Keys or values of a head that shares them.
    #[error("`{name}`: heads share keys and values here; that head reads those of `{right}`")]
    Shared {
        /// What was given.
        name: String,
        /// The head of keys and values that is meant.
        right: String,
    },
    /// An edge that leads back.
    #[error("`{edge}`: what reads comes before what writes")]
    Backward {
        /// The edge.
        edge: String,
    },
}

const SENDERS: &str = "`input`, `a3.h5` (a head) and `m3` (an MLP)";
const RECEIVERS: &str =
    "`a3.h5<q>`, `a3.h5<k>`, `a3.h5<v>` (`a3.kv1<k>` where heads share keys and values), `m3` and `logits`";

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input => f.write_str("input"),
            Self::Head { layer, head } => write!(f, "a{layer}.h{head}"),
            Self::Mlp { layer } => write!(f, "m{layer}"),
        }
    }
}

impl Receiver {
    /// Its name; where heads share keys and values, those have names of their own.
    #[must_use]
    pub fn name(self, spec: &Spec) -> String {
        match self {
            Self::Head { layer, part, head } => {
                let (letter, kind) = match part {
                    Part::Query => ('q', "h"),
                    Part::Key => ('k', if spec.n_shared() > 1 { "kv" } else { "h" }),
                    Part::Value => ('v', if spec.n_shared() > 1 { "kv" } else { "h" }),
                };
                format!("a{layer}.{kind}{head}<{letter}>")
            }
            Self::Mlp { layer } => format!("m{layer}"),
            Self::Logits => "logits".to_owned(),
        }
    }

    /// Whether the model has it.
    ///
    /// # Errors
    /// When it has not.
    pub fn check(self, spec: &Spec) -> Result<(), NodeError> {
        let (layer, head, n_heads) = match self {
            Self::Head { layer, part: Part::Query, head } => (layer, head, spec.n_heads),
            Self::Head { layer, head, .. } => (layer, head, spec.n_kv_heads),
            Self::Mlp { layer } => (layer, 0, spec.n_heads),
            Self::Logits => return Ok(()),
        };
        within(self.name(spec), layer, head, n_heads, spec)
    }
}

impl Sender {
    /// Whether the model has it.
    ///
    /// # Errors
    /// When it has not.
    pub fn check(self, spec: &Spec) -> Result<(), NodeError> {
        match self {
            Self::Input => Ok(()),
            Self::Head { layer, head } => within(self.to_string(), layer, head, spec.n_heads, spec),
            Self::Mlp { layer } => within(self.to_string(), layer, 0, spec.n_heads, spec),
        }
    }

    /// All of a model, in the order of the forward pass.
    #[must_use]
    pub fn all(spec: &Spec) -> Vec<Self> {
        let of = |layer| {
            let heads = (0..spec.n_heads).map(move |head| Self::Head { layer, head });
            heads.chain([Self::Mlp { layer }])
        };
        [Self::Input].into_iter().chain((0..spec.n_layers).flat_map(of)).collect()
    }
}

impl Receiver {
    /// All of a model, in the order of the forward pass.
    #[must_use]
    pub fn all(spec: &Spec) -> Vec<Self> {
        let of = |layer| {
            let part = move |part, n: usize| (0..n).map(move |head| Self::Head { layer, part, head });
            part(Part::Query, spec.n_heads)
                .chain(part(Part::Key, spec.n_kv_heads))
                .chain(part(Part::Value, spec.n_kv_heads))
                .chain([Self::Mlp { layer }])
        };
        (0..spec.n_layers).flat_map(of).chain([Self::Logits]).collect()
    }
}

fn within(name: String, layer: usize, head: usize, n_heads: usize, spec: &Spec) -> Result<(), NodeError> {
    if layer < spec.n_layers && head < n_heads {
        return Ok(());
    }
    let heads = if n_heads == spec.n_heads { "heads" } else { "heads of keys and values" };
    Err(NodeError::Beyond { name, last: spec.n_layers - 1, heads, last_head: n_heads - 1 })
}

impl Receiver {
    /// What a name means in a model: where heads share keys and values, those have no names by the heads that read them.
    ///
    /// # Errors
    /// When it names nothing, or keys or values of a head that shares them.
    pub fn of(name: &str, spec: &Spec) -> Result<Self, NodeError> {
        let found: Self = name.parse()?;
        match found {
            Self::Head { layer, part: part @ (Part::Key | Part::Value), head }
                if spec.n_shared() > 1 && !name.contains(".kv") =>
            {
                let right = Self::Head { layer, part, head: head / spec.n_shared() }.name(spec);
                Err(NodeError::Shared { name: name.to_owned(), right })
            }
            found => Ok(found),
        }
    }
}

impl Edge {
    /// What a name means in a model, see [`Receiver::of`].
    ///
    /// # Errors
    /// When it is no edge, or names keys or values of a head that shares them.
    pub fn of(name: &str, spec: &Spec) -> Result<Self, NodeError> {
        let edge: Self = name.parse()?;
        let to = name.split_once("->").map_or("", |(_, to)| to.trim());
        Receiver::of(to, spec).map(|_| edge)
    }

    /// Whether what reads comes after what writes.
    #[must_use]
    pub fn is_forward(self) -> bool {
        // A head is read by the MLP of its block, an MLP by the next block.
        let written = match self.from {
            Sender::Input => 0,
            Sender::Head { layer, .. } => 2 * layer + 1,
            Sender::Mlp { layer } => 2 * layer + 2,
        };
        let read = match self.to {
            Receiver::Head { layer, .. } => 2 * layer,
            Receiver::Mlp { layer } => 2 * layer + 1,
            Receiver::Logits => usize::MAX,
        };
        written <= read
    }

    /// All of a model, by what reads.
    #[must_use]
    pub fn all(spec: &Spec) -> Vec<Self> {
        let senders = Sender::all(spec);
        let into = |to| senders.iter().map(move |&from| Self { from, to }).filter(|edge| edge.is_forward());
        Receiver::all(spec).into_iter().flat_map(into).collect()
    }

    /// Its name: `a0.h1->a2.h3<q>`.
    #[must_use]
    pub fn name(self, spec: &Spec) -> String {
        format!("{}->{}", self.from, self.to.name(spec))
    }

    /// Whether the model has it.
    ///
    /// # Errors
    /// When it lacks a node, or the edge leads back.
    pub fn check(self, spec: &Spec) -> Result<(), NodeError> {
        self.from.check(spec)?;
        self.to.check(spec)?;
        if self.is_forward() { Ok(()) } else { Err(NodeError::Backward { edge: self.name(spec) }) }
    }
}

/// `a3.h5` as block and head.
fn block_and_head(name: &str, kind: &str) -> Option<(usize, usize)> {
    let (layer, head) = name.strip_prefix('a')?.split_once('.')?;
    Some((layer.parse().ok()?, head.strip_prefix(kind)?.parse().ok()?))
}

impl FromStr for Sender {
    type Err = NodeError;

    fn from_str(name: &str) -> Result<Self, NodeError> {
        let mlp = || name.strip_prefix('m').and_then(|layer| layer.parse().ok());
        if name == "input" {
            Ok(Self::Input)
        } else if let Some((layer, head)) = block_and_head(name, "h") {
            Ok(Self::Head { layer, head })
        } else if let Some(layer) = mlp() {
            Ok(Self::Mlp { layer })
        } else {
            Err(NodeError::Unknown { name: name.to_owned(), does: "writes", names: SENDERS })
        }
    }
}

impl FromStr for Receiver {
    type Err = NodeError;

    fn from_str(name: &str) -> Result<Self, NodeError> {
        let unknown = || NodeError::Unknown { name: name.to_owned(), does: "reads", names: RECEIVERS };
        if name == "logits" {
            return Ok(Self::Logits);
        }
        if let Some(layer) = name.strip_prefix('m').and_then(|layer| layer.parse().ok()) {
            return Ok(Self::Mlp { layer });
        }
        let (head, part) =
            name.strip_suffix('>').and_then(|name| name.split_once('<')).ok_or_else(unknown)?;
        let part = match part {
            "q" => Part::Query,
            "k" => Part::Key,
            "v" => Part::Value,
            _ => return Err(unknown()),
        };
        let found = match part {
            Part::Query => block_and_head(head, "h"),
            Part::Key | Part::Value => block_and_head(head, "kv").or_else(|| block_and_head(head, "h")),
        };
        let (layer, head) = found.ok_or_else(unknown)?;
        Ok(Self::Head { layer, part, head })
    }
}

impl FromStr for Edge {
    type Err = NodeError;

    fn from_str(name: &str) -> Result<Self, NodeError> {
        let (from, to) = name.split_once("->").ok_or_else(|| NodeError::NoEdge { name: name.to_owned() })?;
        Ok(Self { from: from.trim().parse()?, to: to.trim().parse()? })
    }
}
