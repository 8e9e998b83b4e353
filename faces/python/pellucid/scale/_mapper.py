"""How does one batch of rows become its explanation, in whichever process it is? `Mapper` says, and engines carry it there.

It holds bytes (or a path) and options, never a live model; the model is opened when the first batch comes. The plan is made for a number of
rows that is said and not for those of a batch, and threads change nothing: so the engine's batches and workers can't change a bit.
"""

import hashlib
import os

import numpy as np

from .._explain import TreeExplainer, _warn
from .._frames import frame
from .._native import Planned, TreeModel, __version__
from ..errors import MissingColumnsError, ModelError, PellucidError, UsageError
from . import _aggregate
from ._answers import columns, fields, game_of
from ._given import listed, named, names_of, positive, pyarrow_module, read, table_of
from ._opened import opened

#: What the command line expects of every file with 16 384 rows or more.
EXPECTED_ROWS = 65_536
#: Features times outputs of an aggregate, each of which takes about four kilobytes.
_MOST_SPREADS = 200_000


class Mapper:
    """Explains batches of rows, wherever it is sent.

    Parameters
    ----------
    model : path, bytes or object
        The file of a model, its bytes, or a fitted model, which is turned into bytes here. A path goes to the workers as a path: the file
        must be there, too, and hold the same bytes. Bytes go along with every task; for models of many megabytes a path is better.
    background : array_like, data frame or path, optional
        As for `TreeExplainer`; its rows go along.
    output, method, game, background_weights
        As for `TreeExplainer`.
    feature_names : sequence of str, optional
        For models that store no names: what the columns are called, in the order of training. Position would be a guess here.
    drop : sequence of str, optional
        Columns of batches that are not looked at.
    keep : sequence of str, optional
        Columns that are handed through in front of the answer, for instance keys.
    top_k : int, optional
        Instead of one column a feature: what moved each row most, as `pellucid explain --top-k` writes it.
    aggregate : bool, default False
        Instead of rows: one row a batch with their sums, which `merge` joins.
    threads : int, default 1
        Threads of one call. Engines start a worker a core.
    expected_rows : int, default 65536
        For how many rows the model is made ready. Values depend on it by rounding only; with the default they are those of the command line
        for a file of 16384 rows or more, to the bit (on machines with the same vector instructions).

    Raises
    ------
    ModelError
        When the model can't be read, or can't be turned into bytes.
    UsageError
        When options contradict each other, or a column of the answer would appear twice.
    DataError
        When the background does not fit the model.

    Examples
    --------
    >>> import pickle, numpy as np, pyarrow as pa, pellucid.scale
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> model = RandomForestRegressor(n_estimators=5, random_state=0).fit(X, X[:, 0] * X[:, 1])
    >>> mapper = pellucid.scale.Mapper(model, feature_names=["a", "b", "c"], keep=["id"], top_k=1)
    >>> batch = pa.table({"id": range(200), "a": X[:, 0], "b": X[:, 1], "c": X[:, 2]})
    >>> pickle.loads(pickle.dumps(mapper))(batch).column_names
    ['id', 'feature_1', 'value_1', 'rest', 'base_value', 'residual']
    """

    def __init__(
        self,
        model,
        *,
        background=None,
        output="margin",
        method="auto",
        game=None,
        background_weights=None,
        feature_names=None,
        drop=(),
        keep=(),
        top_k=None,
        aggregate=False,
        threads=1,
        expected_rows=EXPECTED_ROWS,
    ):
        self.keep, self.drop = names_of(keep, "keep"), names_of(drop, "drop")
        self.top_k, self.aggregate = top_k, bool(aggregate)
        self.threads, self.expected_rows = positive(threads, "threads"), positive(expected_rows, "expected_rows")
        if top_k is not None:
            positive(top_k, "top_k")
        if self.aggregate and (top_k is not None or self.keep):
            raise UsageError("an aggregate has no rows: leave top_k and keep out, or aggregate")
        self._path, native = read(model)
        names = None if feature_names is None else names_of(feature_names, "feature_names")
        self._names = named(native, names)
        # Of a model without names, columns are matched by position: only those that were named are handed over.
        self._select = None if native.named else self._names
        dropped = self.drop
        if background is not None and not isinstance(background, (str, os.PathLike)):
            background, dropped = self._plain(background), ()
        explainer = TreeExplainer(
            native, background, output, method=method, game=game, background_weights=background_weights, feature_names=self._names, drop=dropped
        )
        # Wrong combinations are told here and not by the first worker.
        explainer._model.expected(method=method, output=output, game=explainer._game)
        _, (bytes_, rows, _) = explainer._model.__reduce__()
        self._sha256 = hashlib.sha256(bytes_).hexdigest()
        self._bytes = bytes_ if self._path is None else None
        # As the native part takes them, in a form that pickles well.
        self._rows = None if rows is None else (np.array(rows[0], dtype=np.float64), np.array(rows[1], dtype=np.float64))
        self._rows_sha256 = None if rows is None else hashlib.sha256(b"".join(part.tobytes() for part in self._rows)).hexdigest()
        self.output, self.method, self._game = output, method, explainer._game
        self._n_outputs = native.n_outputs
        self._about = {
            "version": __version__,
            "game": game_of(self._game, output, method),
            "method": method,
            "exact": "false" if method == "approximate" or output == "probability-rescaled" else "true",
            "output_space": output,
            "unit": native.margin_unit if output == "margin" else "probability",
            "margin_unit": native.margin_unit,
            "model_sha256": self._sha256,
        }
        if self.aggregate and len(self._names) * self._n_outputs > _MOST_SPREADS:
            raise UsageError(f"{len(self._names) * self._n_outputs} features and outputs are too many to aggregate; at most {_MOST_SPREADS} are")
        self._check_twice()

    @property
    def columns(self):
        """list of str: The columns that a batch needs: those of `keep`, then the model's."""
        return list(dict.fromkeys([*self.keep, *self._names]))

    @property
    def schema(self):
        """pyarrow.Schema: What is computed: the columns of an answer behind those of `keep`, whose types are those of the batch."""
        pa = pyarrow_module()
        types = {"number": pa.float64(), "word": pa.string(), "count": pa.int64()}
        return pa.schema([pa.field(name, types[kind], nullable=kind == "word") for name, kind in self._fields()])

    @property
    def ddl(self):
        """str: `schema` as Spark spells it, for `mapInArrow`; put the columns of `keep` in front."""
        types = {"number": "DOUBLE", "word": "STRING", "count": "BIGINT"}
        return ", ".join(f"`{name.replace('`', '``')}` {types[kind]}" for name, kind in self._fields())

    def schema_of(self, schema):
        """The whole schema of the answers to batches with this schema.

        Parameters
        ----------
        schema : pyarrow.Schema

        Returns
        -------
        pyarrow.Schema

        Raises
        ------
        MissingColumnsError
            When a column of `keep` is not there.
        """
        self._find_kept(schema.names)
        return pyarrow_module().schema([*(schema.field(name) for name in self.keep), *self.schema])

    def check(self, columns):
        """Says what batches with these columns lack, before a job starts.

        Parameters
        ----------
        columns : sequence of str

        Raises
        ------
        MissingColumnsError
            Whose `columns` are those that the model or `keep` has and the batches have not.
        """
        names = list(columns)
        self._find_kept(names)
        pa = pyarrow_module()
        row = pa.table([pa.nulls(1, pa.float64())] * len(names), names=names)
        features = self._features(row)
        try:
            self._planned().explain(frame(features), threads=1)
        except MissingColumnsError:
            raise
        except PellucidError:
            # About what stands in this row, which nobody asked for.
            pass

    def __call__(self, batch):
        """Explains a batch.

        Parameters
        ----------
        batch : pyarrow.Table, pyarrow.RecordBatch, data frame, mapping of columns, or matrix
            Columns are matched by name. A matrix has the model's columns in the model's order.

        Returns
        -------
        pyarrow.Table
            The columns of `keep`, then one a feature, `base_value` and `residual` (with several outputs `FEATURE@0`, ...); or those of
            `top_k`; or of an aggregate one row with `rows` and `aggregate`. A batch without rows gives none.

        Raises
        ------
        MissingColumnsError
            When the batch lacks a column, which is named.
        DataError
            When a column does not fit the model.
        """
        pa = pyarrow_module()
        table = table_of(batch)
        if table is not None:
            kept = self._find_kept(table.column_names)
            if table.num_rows == 0:
                return self.schema_of(table.schema).empty_table()
            data = frame(self._features(table))
        else:
            kept = self._find_kept([])
            data = frame(batch, self._names)
        if self.aggregate:
            totals, notes = self._planned().aggregate(data, threads=self.threads)
            self._warn(notes)
            return self._part(totals)
        found = self._planned().explain(data, threads=self.threads)
        self._warn(found.notes)
        answer = [*(table.column(name) for name in kept), *columns(found, self._names, self.top_k)]
        schema = self.schema_of(table.schema) if kept else self.schema
        return pa.Table.from_arrays(answer, schema=schema)

    def batches(self, batches):
        """Explains batches one after the other, as Spark's `mapInArrow` asks. An aggregate of all of them is one row.

        Parameters
        ----------
        batches : iterable of pyarrow.RecordBatch

        Yields
        ------
        pyarrow.RecordBatch
        """
        if not self.aggregate:
            for batch in batches:
                yield from self(batch).to_batches()
            return
        all_rows = None
        for batch in batches:
            table = table_of(batch)
            if table.num_rows == 0:
                continue
            totals, notes = self._planned().aggregate(frame(self._features(table)), threads=self.threads)
            self._warn(notes)
            if all_rows is None:
                all_rows = totals
            else:
                all_rows.merge(totals)
        if all_rows is not None:
            yield from self._part(all_rows).to_batches()

    def __repr__(self):
        how = f"top {self.top_k}" if self.top_k is not None else "aggregate" if self.aggregate else "values"
        source = self._path or f"{len(self._bytes)} bytes"
        return f"Mapper({source}, {len(self._names)} features; {self._game}, {self.output}; {how})"

    def _planned(self):
        return opened((self._sha256, self._rows_sha256, self.method, self.output, self._game, self.expected_rows), self._open)

    def _open(self):
        made = self._about["version"]
        if made != __version__:
            raise UsageError(f"the mapper was made by pellucid {made}, and this process has {__version__}: install the same one everywhere")
        bytes_ = self._bytes
        if bytes_ is None:
            with open(self._path, "rb") as file:
                bytes_ = file.read()
            if hashlib.sha256(bytes_).hexdigest() != self._sha256:
                raise ModelError(f"{self._path}: the file is not the one that the mapper was made of; it was changed, or is another one on this machine")
        rows = None if self._rows is None else (list(self._rows[0]), self._rows[1])
        model = TreeModel.restored(bytes_, rows)
        return Planned.of(
            model, method=self.method, output=self.output, game=self._game, expected_rows=self.expected_rows, threads=self.threads
        )

    def _warn(self, notes):
        # Columns that were named are matched by name before the model sees them by position.
        _warn(note for note in notes if self._select is None or not note.endswith("matched by position"))

    def _plain(self, background):
        """A background without columns that are no features."""
        table = table_of(background)
        if table is None:
            return background
        if self._select is None:
            return table.drop_columns([name for name in self.drop if name in table.column_names])
        missing = [name for name in self._select if name not in table.column_names]
        if missing:
            raise MissingColumnsError(f"the background has no column {listed(missing)}", missing)
        return table.select(self._select)

    def _features(self, table):
        """What the model looks at: all but keys and columns that are dropped, or those that were named."""
        if self._select is not None:
            missing = [name for name in self._select if name not in table.column_names]
            if missing:
                raise MissingColumnsError(f"the data has no column {listed(missing)}", missing)
            return table.select(self._select)
        absent = [name for name in self.drop if name not in table.column_names]
        if absent:
            raise MissingColumnsError(f"the data has no column {listed(absent)}, which is to be dropped", absent)
        features = set(self._names)
        beside = [name for name in self.keep if name not in features]
        return table.drop_columns(list(dict.fromkeys([*beside, *self.drop])))

    def _find_kept(self, columns):
        missing = [name for name in self.keep if name not in columns]
        if missing:
            raise MissingColumnsError(f"the data has no column {listed(missing)}, which is to be kept", missing)
        return self.keep

    def _fields(self):
        """Names of the columns that are computed, with what they hold."""
        return fields(self._names, self._n_outputs, self.top_k, self.aggregate)

    def _check_twice(self):
        seen = set()
        for name in [*self.keep, *(name for name, _ in self._fields())]:
            if name in seen:
                raise UsageError(
                    f"the column `{name}` would appear twice in the answer; rename the column that is kept, or ask for top_k, where features "
                    "are no columns"
                )
            seen.add(name)

    def _part(self, totals):
        pa = pyarrow_module()
        text = _aggregate.to_json(_aggregate.to_dict(totals, self._about, self._names))
        return pa.Table.from_arrays([pa.array([totals.n_rows]), pa.array([text])], schema=self.schema)
