"""Exact Shapley values of tree ensembles: `TreeExplainer` asks, `Explanation` answers."""

import warnings

import numpy as np

from ._frames import frame, listed
from ._models import load
from ._plot import Plots
from .errors import DataError, MissingDependencyError, PellucidWarning, UsageError

OUTPUTS = ("margin", "probability", "probability-rescaled")
GAMES = ("path-dependent", "background", "correlation-dependent")


class TreeExplainer:
    """Explains a model of trees (or a linear model) by exact Shapley values.

    Parameters
    ----------
    model : object, path or bytes
        A fitted model of XGBoost, LightGBM, CatBoost or scikit-learn, or the file or bytes that these, skops or ONNX wrote.
    background : array_like or data frame, optional
        Rows that unknown features are taken from: the background (interventional) game of Janzing et al. (2020). Without it, the
        path-dependent game of Lundberg et al. (2018), which takes them from the training rows that each tree counted.
    output : {'margin', 'probability', 'probability-rescaled'}, default 'margin'
        The scale on which values add up. Probabilities need a background.
    method : {'auto', 'tables', 'quadrature', 'oblivious', 'pairs', 'definition', 'approximate'}, default 'auto'
        The way to the values; all but `approximate` (Saabas) are exact and differ by rounding only.
    game : {'path-dependent', 'background', 'correlation-dependent'}, optional
        Follows from `background` unless it is given. The correlation-dependent game is that of linear models.
    background_weights : array_like of shape (n_background,), optional
        How much each row of the background counts.
    feature_names : sequence of str, optional
        Names of the columns of matrices; the model's own names without.
    drop : sequence of str, optional
        Columns of the data that are not looked at.
    missing : sequence of str, optional
        More spellings of a missing value in text files.
    threads : int, optional
        Worker threads; `PELLUCID_NUM_THREADS`, `RAYON_NUM_THREADS` or all cores without. No number depends on it.

    Raises
    ------
    ModelError
        When the model can't be read.
    DataError
        When the background does not fit the model.

    References
    ----------
    Lundberg et al., "Consistent individualized feature attribution for tree ensembles", 2018;
    Janzing et al., "Feature relevance quantification in explainable AI", 2020.

    Examples
    --------
    >>> import numpy as np, pellucid as pel
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> model = RandomForestRegressor(n_estimators=5, random_state=0).fit(X, X[:, 0] * X[:, 1])
    >>> explanation = pel.TreeExplainer(model)(X[:10])
    >>> explanation.values.shape
    (10, 3)
    >>> bool(np.allclose(explanation.base_values + explanation.values.sum(axis=1), model.predict(X[:10])))
    True
    """

    def __init__(
        self,
        model,
        background=None,
        output="margin",
        *,
        method="auto",
        game=None,
        background_weights=None,
        feature_names=None,
        drop=(),
        missing=(),
        threads=None,
    ):
        if output not in OUTPUTS:
            raise UsageError(f"output {output!r}: it is one of {', '.join(OUTPUTS)}")
        if game is not None and game not in GAMES:
            raise UsageError(f"game {game!r}: it is one of {', '.join(GAMES)}")
        if game == "path-dependent" and background is not None:
            raise UsageError("the path-dependent game has no background; leave it out")
        if game in GAMES[1:] and background is None:
            raise UsageError(f"the {game} game needs rows to compare with: give background=")
        if background_weights is not None and background is None:
            raise UsageError("background_weights are those of rows of a background: give background=")
        self.output, self.method = output, method
        self.drop, self.missing, self.threads = listed(drop), listed(missing), threads
        self._game = game or ("path-dependent" if background is None else "background")
        self._names = None if feature_names is None else [str(name) for name in feature_names]
        self._model = load(model)
        if background is not None:
            weights = None if background_weights is None else np.asarray(background_weights, dtype=np.float64).tolist()
            self._model, notes = self._model.with_background(self._frame(background), weights, self._dropped(background))
            _warn(f"background: {note}" for note in notes)

    @classmethod
    def _made(cls, native, game):
        """An explainer of a native model that has what its game needs."""
        self = cls(native)
        self._game = game
        return self

    @property
    def feature_names(self):
        """list of str: The columns that the model was trained on, in its order."""
        return self._model.feature_names

    @property
    def notes(self):
        """list of str: What a reader of the model should know, as that its training stopped early."""
        return list(self._model.origin[3])

    @property
    def expected_value(self):
        """float or ndarray of shape (n_outputs,): The answer with no feature known, on the scale of `output`."""
        base = np.array(self._model.expected(method=self.method, output=self.output, game=self._game))
        return float(base[0]) if len(base) == 1 else base

    def __call__(self, X, *, threads=None):
        """Explains rows.

        Parameters
        ----------
        X : array_like, data frame or path
            Rows x columns: a matrix of numbers; a frame of pandas, polars, pyarrow or duckdb, whose columns are matched by name; a
            mapping of columns; or a CSV, JSON lines, Parquet or Arrow file.
        threads : int, optional
            Overrules that of the explainer.

        Returns
        -------
        Explanation

        Raises
        ------
        MissingColumnsError
            When the model has a column that the data has not.
        UnknownCategoryError, MissingValueError
            When the model's own library refuses such rows.
        """
        found = self._model.explain(
            self._frame(X),
            method=self.method,
            output=self.output,
            game=self._game,
            drop=self._dropped(X),
            threads=self.threads if threads is None else threads,
        )
        _warn(self._worth_saying(found.notes, X))
        return Explanation._of(self, found, X)

    def interactions(self, X, *, threads=None):
        """Explains pairs of features.

        Parameters
        ----------
        X : array_like, data frame or path
            As in `__call__`.
        threads : int, optional
            Overrules that of the explainer.

        Returns
        -------
        ndarray of shape (n_rows, n_features, n_features) or (n_rows, n_features, n_features, n_outputs)
            Half of each interaction on either side of the diagonal, main effects on it; a row's matrix sums up to its answer less the
            base value. On the scale of the margin.

        References
        ----------
        Fujimoto et al., 2006; Lundberg et al., 2018, section 4.
        """
        if self.output != "margin":
            raise UsageError("interactions are on the scale of the margin; leave output out")
        found = self._model.interactions(
            self._frame(X), method=self.method, game=self._game, drop=self._dropped(X), threads=self.threads if threads is None else threads
        )
        _warn(self._worth_saying(found.notes, X))
        values, _, _ = found.take()
        f = len(self.feature_names)
        values = values.reshape(found.n_rows, found.n_outputs, f, f)
        return values[:, 0] if found.n_outputs == 1 else np.moveaxis(values, 1, -1)

    def predict(self, X):
        """The model's margins and predictions, as its own library computes them (of XGBoost's boosters with all trees, see `notes`).

        Parameters
        ----------
        X : array_like, data frame or path
            As in `__call__`.

        Returns
        -------
        margins, predictions : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        """
        margins, predictions, notes = self._model.predict(self._frame(X), drop=self._dropped(X))
        _warn(self._worth_saying(notes, X))
        return tuple(array if width == 1 else array.reshape(-1, width) for array, width in (margins, predictions))

    def __repr__(self):
        library, form, objective, _ = self._model.origin
        trees = f"{self._model.n_trees} trees" if self._model.n_trees else "a linear model"
        return f"TreeExplainer({trees} of {library}, {objective}, {len(self.feature_names)} features; {self._game}, {self.output})"

    def _frame(self, X):
        # A matrix has the model's columns in the model's order; what has names is matched by them.
        return frame(X, self._names or self._model.feature_names, self.missing)

    def _dropped(self, X):
        return [] if isinstance(X, np.ndarray) else self.drop

    def _worth_saying(self, notes, X):
        """Columns of a matrix are matched by position, which nobody needs to hear."""
        if isinstance(X, np.ndarray):
            return [note for note in notes if not note.endswith("matched by position")]
        return notes


class Explanation:
    """Shapley values of rows, with all that belongs to them.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_features) or (n_rows, n_features, n_outputs)
        One number a feature, in the unit of the output.
    base_values : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        The answer with no feature known.
    margins : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        The model's own answers, on the scale on which values add up.
    residual : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        `|base + sum of values - answer|`: what the explanation does not account for.
    feature_names : list of str
    method, game, output : str
        How, in which game and on which scale.
    described : str
        What the values are, for people.
    exact : bool
        Whether values are those of the game up to rounding.
    data : ndarray of shape (n_rows, n_features)
        What the values are about; read from what was given when it is first asked for, so that changing that meanwhile changes it.
    plot : Plots
        Pictures: `plot.beeswarm()`, `plot.bar()`, `plot.waterfall(row)` and others.

    Notes
    -----
    `explanation[3]`, `explanation[:10]` and `explanation[mask]` are explanations of fewer rows.
    """

    def __init__(self, *_, **__):
        raise TypeError("an Explanation comes from an explainer: pellucid.TreeExplainer(model)(X)")

    @classmethod
    def _of(cls, explainer, found, X):
        self = object.__new__(cls)
        n, k = found.n_rows, found.n_outputs
        names = found.feature_names
        values, margins, residual = found.take()
        values = values.reshape(n, k, len(names))
        self.values = values[:, 0] if k == 1 else np.moveaxis(values, 1, 2)
        self.margins = margins if k == 1 else margins.reshape(n, k)
        self.residual = residual if k == 1 else residual.reshape(n, k)
        self.base_values = np.repeat(np.array(found.base)[None, :], n, axis=0)
        self.base_values = self.base_values[:, 0] if k == 1 else self.base_values
        self.feature_names = names
        self.method, self.game, self.output = found.method, found.game, explainer.output
        self.described, self.exact = found.described, found.exact
        self._explainer, self._found, self._X, self._codes = explainer, found, X, None
        self._first = 0
        return self

    @property
    def shape(self):
        """tuple of int: That of `values`."""
        return self.values.shape

    def __len__(self):
        return len(self.values)

    @property
    def n_outputs(self):
        """int: How many answers a row has."""
        return 1 if self.values.ndim == 2 else self.values.shape[2]

    @property
    def plot(self):
        """Plots: Pictures of the values."""
        return Plots(self)

    @property
    def data(self):
        """ndarray of shape (n_rows, n_features): What the values are about, in the model's order of columns and as it compares them (in 32 bits where
        it does); codes of categories. A matrix that was given is answered as it is."""
        if self._codes is None:
            if self._is_as_given():
                return self._X
            self._codes = np.column_stack(self._read())
        return self._codes

    def _is_as_given(self):
        """Whether the rows of the call are a matrix with the model's columns in its order, and no codes of categories."""
        explainer, X = self._explainer, self._X
        if type(X) is not np.ndarray or X.dtype.kind not in "fiub" or X.shape != self.values.shape[:2]:
            return False
        return explainer._names in (None, explainer._model.feature_names) and not any(explainer._model.categories)

    @property
    def display_data(self):
        """ndarray of shape (n_rows, n_features): `data` with the names of categories, as objects; `data` itself where there are none."""
        levels = self._explainer._model.categories
        if not any(levels):
            return self.data
        shown = self.data.astype(object)
        for at, names in enumerate(levels):
            if names:
                known = lambda code: names[int(code)] if code == code and 0 <= code < len(names) else None
                shown[:, at] = [known(code) for code in self.data[:, at]]
        return shown

    def _read(self):
        X = self._X
        if hasattr(X, "read_next_batch"):
            raise DataError("the rows came as a stream that was read to its end, and are not held; explain a table or a file to have them")
        return self._explainer._model.matrix(self._explainer._frame(X), drop=self._explainer._dropped(X))

    def _seen(self):
        """What pictures are drawn from: the rows of the call, or those that are left of them."""
        if self._found is None:
            explainer = self._explainer
            columns = [np.ascontiguousarray(column, dtype=np.float64) for column in self.data.T]
            self._found = explainer._model.explain_rows(
                columns, names=self.feature_names, first=self._first, method=explainer.method, output=explainer.output, game=explainer._game, threads=explainer.threads
            )
        return self._found

    def __getitem__(self, rows):
        if isinstance(rows, tuple):
            raise UsageError("an explanation is cut by rows; take columns of `.values`")
        if isinstance(rows, (int, np.integer)):
            rows = int(rows)
            if not -len(self) <= rows < len(self):
                raise IndexError(f"row {rows}: the explanation has {len(self)} rows")
            rows = slice(rows, rows + 1 or None)
        # Pictures of one row say which it was.
        own = np.arange(len(self))[rows]
        part = object.__new__(type(self))
        part.__dict__.update(self.__dict__)
        part._codes, part._X, part._found = self.data[rows], None, None
        if len(self) > 1:
            part._first = int(own[0]) if len(own) == 1 else 0
        for name in ("values", "margins", "residual", "base_values"):
            setattr(part, name, getattr(self, name)[rows])
        return part

    def to_shap(self):
        """The same as shap's own object, for shap's plots.

        Returns
        -------
        shap.Explanation

        Raises
        ------
        MissingDependencyError
            When shap is not installed.
        """
        try:
            import shap
        except ImportError as error:
            raise MissingDependencyError("to_shap() makes an object of shap: pip install 'pellucid[shap]'") from error
        shown = self.display_data
        return shap.Explanation(
            self.values,
            base_values=self.base_values,
            data=np.asarray(self.data),
            display_data=None if shown is self.data else shown,
            feature_names=list(self.feature_names),
            output_names=[str(at) for at in range(self.n_outputs)] if self.n_outputs > 1 else None,
        )

    def to_dict(self):
        """dict of ndarray: One column a feature, then `base_value` and `residual`, as the command line writes them; with several outputs
        `FEATURE@0`, `FEATURE@1`, ..."""
        columns = {}
        k = self.n_outputs
        taken = {"base_value", "residual"} & set(self.feature_names)
        if taken:
            raise UsageError(f"the column `{min(taken)}` would appear twice, because a feature has that name; take `.values` and `.{min(taken)}`")
        values = self.values[:, :, None] if k == 1 else self.values
        for output in range(k):
            end = "" if k == 1 else f"@{output}"
            for at, name in enumerate(self.feature_names):
                columns[name + end] = values[:, at, output]
            columns["base_value" + end] = self.base_values if k == 1 else self.base_values[:, output]
            columns["residual" + end] = self.residual if k == 1 else self.residual[:, output]
        return columns

    def __getstate__(self):
        # The rows go along, and what pictures were drawn from is found again.
        return {**self.__dict__, "_codes": np.asarray(self.data), "_X": None, "_found": None}

    def __repr__(self):
        worst = np.max(self.residual, initial=0.0)
        outputs = f", {self.n_outputs} outputs" if self.n_outputs > 1 else ""
        return f"Explanation({len(self)} rows, {len(self.feature_names)} features{outputs}; {self.described}; largest residual {worst:.1e})"

    def _repr_html_(self):
        if len(self) == 0:
            return None
        return (self.plot.waterfall(0) if len(self) == 1 else self.plot.beeswarm())._repr_html_()


def _warn(notes):
    for note in notes:
        warnings.warn(note, PellucidWarning, stacklevel=3)
