//! In which way is a model explained, and can it be? Everything about it that does not depend on rows, worked out once.

use pellucid_data::Level;
use pellucid_models::trees::Ensemble;

use super::boxes::{self, Boxes};
use super::columns::Wanted;
use super::compile::{Compiled, compile};
use super::correlated::{self, Correlated};
use super::costs::Costs;
use super::definition::MAX_FEATURES;
use super::direct::{self, Direct};
use super::game::{Background, Game};
use super::histogram::MOST_SLOTS;
use super::tables::MAX_BITS;
use super::units::{Aim, Allowed, UNIT_BITS as MOST_LEVELS, is_symmetric};
use crate::{Control, Space, Watch};

/// Bytes of tables that are too many to be meant: two gigabytes.
pub(super) const MAX_TABLE_BYTES: usize = 2 << 30;
/// Where there is a choice, tables of one tree take no more bytes than this: many trees are made ready at a time.
const AUTO_TREE_BYTES: usize = 64 << 20;
/// Bytes for the quadrature of one tree that are too many to be meant: one gigabyte.
pub(super) const MAX_POINT_BYTES: usize = 1 << 30;

/// Fewer rows than this are not worth cutting tables into planes.
const FEW_ROWS: usize = 64;

/// Answers of the model that explaining a probability may take for one row: seconds.
pub(super) const MOST_ANSWERS: u128 = 1 << 20;

/// How Shapley values are computed. All answers but those of the last are equal up to rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Method {
    /// For each leaf whichever of tables and integrals (pairs of patterns in the background game) is cheaper; few rows are walked or
    /// looked at box by box.
    #[default]
    Auto,
    /// Pattern tables only.
    Tables,
    /// Quadrature only (path-dependent game).
    Quadrature,
    /// One table a tree, of models all of whose trees are symmetric (CatBoost's usual ones).
    Oblivious,
    /// Patterns of rows against patterns of the background only (background game).
    Pairs,
    /// The sum over all subsets of features.
    Definition,
    /// Saabas values, which are quick and no Shapley values (path-dependent game).
    Approximate,
}

impl Method {
    /// The names that users type.
    pub const NAMES: [(&'static str, Self); 7] = [
        ("auto", Self::Auto),
        ("tables", Self::Tables),
        ("quadrature", Self::Quadrature),
        ("oblivious", Self::Oblivious),
        ("pairs", Self::Pairs),
        ("definition", Self::Definition),
        ("approximate", Self::Approximate),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, method)| *method == self).map_or("auto", |(name, _)| name)
    }
}

/// How a model is made ready. The answers depend on all of it, by rounding only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct How {
    /// The method.
    pub method: Method,
    /// About how many rows will be explained: more are worth larger tables. For rows that come one by one and all go through one
    /// plan, say 32: that takes microseconds a row, where tables take a block's time for each.
    pub expected_rows: usize,
    /// Which instructions may be used; those that the machine has not are not.
    pub level: Level,
    /// The scale on which values add up; probabilities need a background.
    pub space: Space,
}

impl How {
    /// With all instructions that the machine has.
    #[must_use]
    pub fn new(method: Method, expected_rows: usize) -> Self {
        Self { method, expected_rows, level: Level::detect(), space: Space::Margin }
    }
}

/// Why a model can't be explained by the method that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The file does not say how many training rows reached each node.
    #[error(
        "the model file stores no cover (training weight) of its nodes, so the path-dependent game is not defined; give rows to compare with (--background), or \
         save the model in its library's own format (of XGBoost, 3.1 or later stores it for vector leaves)"
    )]
    NoCovers,
    /// A linear model alone says nothing of what its features are usually.
    #[error(
        "a linear model has no trees that tell how training rows went, so the path-dependent game is not defined; give rows to compare with \
         (--background), the training data or a part of it"
    )]
    LinearNeedsBackground,
    /// The correlation-dependent game of trees.
    #[error(
        "the correlation-dependent game is for linear models; trees are explained by the background or the path-dependent game"
    )]
    NotLinear,
    /// What the correlation-dependent game has not.
    #[error(
        "the correlation-dependent game has values of the margin only, and one way to them (`--method auto`); use the background game for \
         interactions, other scales and other methods"
    )]
    CorrelatedValuesOnly,
    /// Too many features for all subsets.
    #[error(
        "{found} features vary in the background and the model has {outputs} output(s); correlation-dependent values are a sum over all subsets of \
         these features for each output, and up to {} features are done, fewer for many outputs: use the background game, which has no such limit",
        correlated::MOST_FEATURES
    )]
    TooManyCorrelated {
        /// Features that vary.
        found: usize,
        /// Outputs of the model.
        outputs: usize,
    },
    /// Nothing to explain.
    #[error("the model has no outputs")]
    NoOutputs,
    /// The caller asked to stop.
    #[error("stopped while the model was made ready")]
    Stopped,
    /// Saabas's approximation knows no pairs.
    #[error("method `approximate` has no interactions; use `auto`, which is exact")]
    NoApproximatePairs,
    /// Probabilities without a background.
    #[error("probabilities are explained with rows to compare with: give --background")]
    SpaceNeedsBackground,
    /// A model without probabilities.
    #[error("this model has no probabilities beside its margin; use `margin`")]
    NoProbabilities,
    /// Classes whose probabilities depend on each other.
    #[error(
        "shap's rescaling is for probabilities of their own, and those of classes depend on each other; use `probability`"
    )]
    ClassesTogether,
    /// A way that is not for probabilities.
    #[error("method `{method}` is not for probabilities; use `auto`")]
    OtherSpace {
        /// The method.
        method: &'static str,
    },
    /// Too many answers a row for the probability itself.
    #[error(
        "a row would take {answers} answers of the model (all subsets of its {features} features, {rows} rows of background); up to \
         {MOST_ANSWERS} are done: give a smaller background, or use `probability-rescaled`, which is quick and no Shapley value"
    )]
    TooManyAnswers {
        /// Answers a row.
        answers: u128,
        /// Features that some split looks at.
        features: usize,
        /// Rows of the background.
        rows: usize,
    },
    /// One table for a tree that has not one question a level.
    #[error(
        "tree {tree} does not ask one question a level, on up to {MOST_LEVELS} levels, so that one table can't hold it; use `auto`"
    )]
    NotOblivious {
        /// The tree, from 0.
        tree: usize,
    },
    /// A method of the other game.
    #[error("method `{method}` is not for the {game} game; use `auto`")]
    OtherGame {
        /// The method.
        method: &'static str,
        /// The game.
        game: &'static str,
    },
    /// More features on a path than a pattern has bits.
    #[error(
        "tree {tree} has a path of more than {MOST_SLOTS} distinct features, too many for the background game; the path-dependent game has no such limit"
    )]
    PathTooLongForPatterns {
        /// The tree, from 0.
        tree: usize,
    },
    /// Too many features for the sum over subsets.
    #[error(
        "the model uses {found} features; `definition` sums over all subsets and stops at {MAX_FEATURES}; use `auto`"
    )]
    TooManyFeatures {
        /// Features that some split looks at.
        found: usize,
    },
    /// A path too long for a table.
    #[error(
        "tree {tree} has a path of more than {MAX_BITS} distinct features, too long for a table; use `auto`"
    )]
    PathTooLong {
        /// The tree, from 0.
        tree: usize,
    },
    /// A path too long for quadrature.
    #[error("tree {tree} has paths of thousands of distinct features; no training library grows such, and their quadrature would take more than {} MiB", MAX_POINT_BYTES >> 20)]
    PathTooDeep {
        /// The tree, from 0.
        tree: usize,
    },
    /// Leaves that are looked at pattern by pattern would not fit into memory.
    #[error("leaves with long paths would take more than {} MiB; give fewer rows of background", MAX_TABLE_BYTES >> 20)]
    PatternsTooLarge,
    /// Tables that would not fit into memory.
    #[error("the tables would take more than {} MiB; use `auto` or `quadrature`", MAX_TABLE_BYTES >> 20)]
    TablesTooLarge,
}

/// What a plan consists of, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Subtrees with a table.
    pub n_units: usize,
    /// Look-ups a row: the columns of all units.
    pub n_look_ups: usize,
    /// Bytes of all tables.
    pub table_bytes: usize,
    /// Leaves that are integrated.
    pub n_integrated: usize,
    /// The largest number of quadrature points.
    pub n_points: usize,
    /// Leaves that are looked at pattern by pattern of the background.
    pub n_paired: usize,
    /// Features of the background that others say all of (correlation-dependent game).
    pub n_determined: usize,
}

impl Summary {
    /// Counts what another part of the model needs.
    pub(super) fn add(&mut self, other: &Self) {
        self.n_units += other.n_units;
        self.n_look_ups += other.n_look_ups;
        self.table_bytes += other.table_bytes;
        self.n_integrated += other.n_integrated;
        self.n_points = self.n_points.max(other.n_points);
        self.n_paired += other.n_paired;
        self.n_determined += other.n_determined;
    }
}

impl Way {
    /// The game of those that compute it from its definition.
    pub(super) fn game(&self) -> Game<'_> {
        match self {
            Self::Subsets(Some(background)) | Self::Rescaled(background) => Game::Background(background),
            Self::Subsets(None)
            | Self::Compiled(_)
            | Self::Direct(_)
            | Self::Boxes(_)
            | Self::Correlated(_)
            | Self::Saabas => Game::PathDependent,
        }
    }
}

/// A model made ready to explain rows.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) game: &'static str,
    pub(super) how: How,
    pub(super) summary: Summary,
    pub(super) way: Way,
}

/// How a plan's values are computed; what needs the background once more holds it.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// Tables, integrals and patterns.
    Compiled(Box<Compiled>),
    /// The sum over all subsets.
    Subsets(Option<Background>),
    /// Margins rescaled, pair by pair.
    Rescaled(Background),
    /// A walk of each row through the trees as they are.
    Direct(Direct),
    /// Every leaf by itself, eight side by side.
    Boxes(Box<Boxes>),
    /// A matrix of a linear model.
    Correlated(Box<Correlated>),
    /// A walk down each tree.
    Saabas,
}

impl Plan {
    /// The game's name.
    #[must_use]
    pub fn game(&self) -> &'static str {
        self.game
    }

    /// The method that was asked for.
    #[must_use]
    pub fn method(&self) -> Method {
        self.how.method
    }

    /// The scale on which values will add up.
    #[must_use]
    pub fn space(&self) -> Space {
        self.how.space
    }

    /// How rows are explained without tables, in words; `None` where there are tables or another method was asked for.
    #[must_use]
    pub fn without_tables(&self) -> Option<&'static str> {
        match self.way {
            Way::Direct(_) => Some("a walk of each row through the trees as they are"),
            Way::Boxes(_) => Some("every leaf integrated for each row, eight side by side"),
            _ => None,
        }
    }

    /// What it consists of.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// The same for other instructions: the same sums, to the bit.
    #[cfg(test)]
    pub(super) fn at_level(mut self, level: Level) -> Self {
        match &mut self.way {
            Way::Compiled(compiled) => compiled.level = level,
            Way::Boxes(boxes) => boxes.level = level,
            _ => {}
        }
        self
    }

    pub(super) fn way(&self) -> &Way {
        &self.way
    }
}

/// Prepares a model for the path-dependent game and about `expected_rows` rows: more rows are worth larger tables. The
/// answers do depend on it, by rounding only; give the same number to get the same bytes.
///
/// # Errors
/// When the game is not defined for the model, or the method can't be used on it.
pub fn plan(model: &Ensemble, method: Method, expected_rows: usize) -> Result<Plan, PlanError> {
    plan_game(model, Game::PathDependent, How::new(method, expected_rows), &Control::quiet())
}

/// Prepares a model for a game. A background is folded into the plan: its rows cost nothing when others are explained.
///
/// # Errors
/// As [`plan`], and when `control.watch` asks to stop: a large background takes a while.
pub fn plan_game(
    model: &Ensemble,
    game: Game<'_>,
    how: How,
    control: &Control<'_>,
) -> Result<Plan, PlanError> {
    plan_columns(model, game, Wanted::Values, how, control)
}

/// Prepares a model for values or for pairs.
pub(super) fn plan_columns(
    model: &Ensemble,
    game: Game<'_>,
    wanted: Wanted,
    how: How,
    control: &Control<'_>,
) -> Result<Plan, PlanError> {
    let How { method, expected_rows, level, space } = how;
    let background = match game {
        _ if model.base.is_empty() => return Err(PlanError::NoOutputs),
        Game::PathDependent if model.linear.is_some() => return Err(PlanError::LinearNeedsBackground),
        Game::PathDependent if !model.has_covers => return Err(PlanError::NoCovers),
        Game::PathDependent => None,
        Game::Background(background) => Some(background),
        Game::Correlated(background) => {
            let way = way_of_correlated(model, background, wanted, how, control.watch)?;
            let n_determined = if let Way::Correlated(made) = &way { made.n_determined } else { 0 };
            let summary = Summary { n_determined, ..Summary::default() };
            return Ok(Plan { game: game.name(), how, summary, way });
        }
    };
    let (game, is_background) = (game.name(), background.is_some());
    let without_tables = |way| Ok(Plan { game, how, summary: Summary::default(), way });
    if space != Space::Margin {
        return without_tables(way_to_probabilities(model, how, wanted, background)?);
    }
    let allowed = match method {
        Method::Auto => Allowed::Both,
        Method::Tables => Allowed::TablesOnly,
        Method::Oblivious => match model.trees.iter().position(|tree| !is_symmetric(tree)) {
            Some(tree) => return Err(PlanError::NotOblivious { tree }),
            None => Allowed::Whole,
        },
        Method::Quadrature if !is_background => Allowed::PointsOnly,
        Method::Pairs if is_background => Allowed::PointsOnly,
        Method::Approximate if wanted == Wanted::Pairs => return Err(PlanError::NoApproximatePairs),
        Method::Approximate if !is_background => return without_tables(Way::Saabas),
        Method::Quadrature | Method::Pairs | Method::Approximate => {
            return Err(PlanError::OtherGame { method: method.name(), game });
        }
        Method::Definition => {
            let found = model.features_in_use().len();
            if found > MAX_FEATURES {
                return Err(PlanError::TooManyFeatures { found });
            }
            return without_tables(Way::Subsets(background.cloned()));
        }
    };
    let has_choice = method == Method::Auto && wanted == Wanted::Values && !is_background;
    if has_choice
        && boxes::is_worth(expected_rows, model.n_leaves())
        && let Some(boxes) = Boxes::new(model, level.or_lower())
    {
        return without_tables(Way::Boxes(Box::new(boxes)));
    }
    if has_choice
        && expected_rows <= direct::MOST_ROWS
        && let Some(direct) = Direct::new(model, level.or_lower())
    {
        return without_tables(Way::Direct(direct));
    }
    let in_planes = level.or_lower() == Level::Avx512 && expected_rows >= FEW_ROWS;
    let aim = Aim {
        n_rows: expected_rows.max(1),
        allowed,
        wanted,
        in_planes,
        most_bytes: AUTO_TREE_BYTES,
        costs: Costs::of(level.or_lower(), in_planes),
    };
    let (compiled, summary) = compile(model, background, (game, aim, level.or_lower()), control)?;
    Ok(Plan { game, how, summary, way: Way::Compiled(Box::new(compiled)) })
}

/// How a linear model is explained by correlations, if it is one.
fn way_of_correlated(
    model: &Ensemble,
    background: &Background,
    wanted: Wanted,
    how: How,
    watch: &dyn Watch,
) -> Result<Way, PlanError> {
    let linear = model.linear.as_ref().filter(|_| model.trees.is_empty()).ok_or(PlanError::NotLinear)?;
    if wanted == Wanted::Pairs || how.space != Space::Margin || how.method != Method::Auto {
        return Err(PlanError::CorrelatedValuesOnly);
    }
    Correlated::new(model, linear, background, watch).map(|made| Way::Correlated(Box::new(made)))
}

/// How the model's probabilities are explained, if they can be and that in a time.
fn way_to_probabilities(
    model: &Ensemble,
    how: How,
    wanted: Wanted,
    background: Option<&Background>,
) -> Result<Way, PlanError> {
    let background = background.ok_or(PlanError::SpaceNeedsBackground)?;
    if !model.link.is_probability() {
        return Err(PlanError::NoProbabilities);
    }
    if wanted == Wanted::Pairs {
        return Err(PlanError::OtherSpace { method: "interactions" });
    }
    let method = how.method.name();
    if how.space == Space::Rescaled {
        if model.link.is_of_all_classes() {
            return Err(PlanError::ClassesTogether);
        }
        if how.method != Method::Auto {
            return Err(PlanError::OtherSpace { method });
        }
        return Ok(Way::Rescaled(background.clone()));
    }
    if !matches!(how.method, Method::Auto | Method::Definition) {
        return Err(PlanError::OtherSpace { method });
    }
    let features = model.features_in_use().len();
    let rows = background.rows().n_rows();
    let answers =
        1_u128.checked_shl(features as u32).map_or(u128::MAX, |all| all.saturating_mul(rows as u128));
    if features > MAX_FEATURES || answers > MOST_ANSWERS {
        return Err(PlanError::TooManyAnswers { answers, features, rows });
    }
    Ok(Way::Subsets(Some(background.clone())))
}
