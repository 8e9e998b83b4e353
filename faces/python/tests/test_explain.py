"""Explanations: right, equal to the command line bit for bit, from every kind of data, with clear errors."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import pellucid as pel
from pellucid import errors

xgboost = pytest.importorskip("xgboost")


@pytest.fixture(scope="module")
def booster(rows):
    X, y, _ = rows
    return xgboost.train({"max_depth": 4, "seed": 1}, xgboost.DMatrix(X, label=y, feature_names=list("abcdef")), 20)


def frame_of(X):
    return pd.DataFrame(X, columns=list("abcdef"))


def test_values_add_up_and_are_xgboosts(rows, booster):
    X, _, _ = rows
    found = pel.TreeExplainer(booster)(X)
    theirs = booster.predict(xgboost.DMatrix(X, feature_names=list("abcdef")), pred_contribs=True)
    assert found.values.shape == X.shape and found.values.dtype == np.float64
    np.testing.assert_allclose(found.values, theirs[:, :-1], atol=2e-5)
    np.testing.assert_allclose(found.base_values, theirs[:, -1], atol=2e-5)
    np.testing.assert_allclose(found.base_values + found.values.sum(axis=1), found.margins, atol=1e-12)
    assert found.exact and found.residual.max() < 1e-12
    assert found.feature_names == list("abcdef")


@pytest.mark.parametrize("background", [False, True])
def test_as_the_command_line_bit_for_bit(rows, booster, background, command, tmp_path):
    X, _, _ = rows
    frame_of(X).to_parquet(tmp_path / "rows.parquet")
    frame_of(X[:50]).to_parquet(tmp_path / "background.parquet")
    booster.save_model(tmp_path / "model.ubj")
    more = ["--background", tmp_path / "background.parquet"] if background else []
    command("explain", tmp_path / "model.ubj", tmp_path / "rows.parquet", "-o", tmp_path / "out.parquet", *more)
    theirs = pd.read_parquet(tmp_path / "out.parquet")
    found = pel.TreeExplainer(booster, X[:50] if background else None)(X)
    for name, column in found.to_dict().items():
        assert column.tobytes() == theirs[name].to_numpy().tobytes(), name


def in_records(frame, dtype):
    """The numbers between bytes that are none of theirs, as fields of records lie."""
    records = np.zeros(len(frame), dtype=[("id", "i2"), *((name, dtype) for name in frame)])
    for name in frame:
        records[name] = frame[name]
    step = np.dtype(dtype).itemsize
    return np.ndarray(frame.shape, dtype, records, offset=2, strides=(records.itemsize, step))


def as_duckdb(frame):
    duckdb = pytest.importorskip("duckdb")

    return duckdb.sql("select * from frame").arrow()


@pytest.mark.parametrize(
    "give",
    [
        lambda f: f,
        lambda f: f.convert_dtypes(),
        lambda f: f[list("fedcba")],
        lambda f: pl.from_pandas(f),
        lambda f: pa.Table.from_pandas(f),
        lambda f: pa.Table.from_pandas(f).to_reader(max_chunksize=7),
        as_duckdb,
        lambda f: {name: f[name].to_numpy() for name in f},
        lambda f: np.asfortranarray(f.to_numpy()),
        lambda f: np.ascontiguousarray(f.to_numpy()[::-1])[::-1],
        lambda f: f.to_numpy().astype(object),
        lambda f: f.to_numpy().tolist(),
        lambda f: f.to_numpy().astype(">f8"),
        lambda f: np.ma.masked_invalid(f.to_numpy()),
        lambda f: in_records(f, "f8"),
        lambda f: {name: in_records(f, "f8")[:, at] for at, name in enumerate(f)},
        lambda f: f.sample(frac=1, random_state=0).sort_index().convert_dtypes().set_index(pd.RangeIndex(7, 407)[::1]),
    ],
    ids=["pandas", "nullable", "reordered", "polars", "pyarrow", "reader", "duckdb", "dict", "fortran", "reversed", "objects", "lists", "big endian", "masked", "records", "columns of records", "index"],
)
@pytest.mark.filterwarnings("ignore:columns stand in another order")
def test_every_kind_of_data_gives_the_same_bits(rows, booster, give):
    X, _, _ = rows
    expected = pel.TreeExplainer(booster)(X)
    found = pel.TreeExplainer(booster)(give(frame_of(X)))
    assert found.values.tobytes() == expected.values.tobytes()
    assert found.residual.tobytes() == expected.residual.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool", "float16"])
def test_every_type_of_numbers(rows, booster, dtype):
    X = np.abs(np.nan_to_num(rows[0])).round().astype(dtype)
    found = pel.TreeExplainer(booster)(X)
    assert found.values.tobytes() == pel.TreeExplainer(booster)(X.astype("float64")).values.tobytes()


def test_files_and_bytes_are_models_and_data(rows, booster, tmp_path):
    X, _, _ = rows
    booster.save_model(tmp_path / "model.json")
    frame_of(X).to_csv(tmp_path / "rows.csv", index=False)
    expected = pel.TreeExplainer(booster)(X).values
    assert pel.TreeExplainer(tmp_path / "model.json")(tmp_path / "rows.csv").values.tobytes() == expected.tobytes()
    assert pel.TreeExplainer((tmp_path / "model.json").read_bytes())(X).values.tobytes() == expected.tobytes()


def test_threads_change_nothing(rows, booster):
    X, _, _ = rows
    one, three = (pel.TreeExplainer(booster, threads=n)(X).values for n in (1, 3))
    assert one.tobytes() == three.tobytes()


def lightgbm_model(X, y, labels):
    import lightgbm

    return lightgbm.LGBMClassifier(n_estimators=10, verbose=-1).fit(X, labels), lambda m: m.predict(X, raw_score=True)


def catboost_model(X, y, labels):
    catboost = pytest.importorskip("catboost")
    return catboost.CatBoostRegressor(iterations=10, verbose=False, allow_writing_files=False).fit(X, y), lambda m: m.predict(X)


def forest(X, y, labels):
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=10, random_state=0).fit(X, labels), lambda m: m.predict_proba(X)


def boosting(X, y, labels):
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(max_iter=10).fit(X, y), lambda m: m.predict(X)


def slopes(X, y, labels):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(X, labels), lambda m: m.decision_function(X)


def xgboost_classes(X, y, labels):
    classes = np.digitize(y, [-0.5, 0.5])
    return xgboost.XGBClassifier(n_estimators=8).fit(X, classes), lambda m: m.predict(X, output_margin=True)


def test_categories_of_a_live_catboost_model_need_no_pool():
    catboost = pytest.importorskip("catboost")
    rng = np.random.default_rng(2)
    texts = np.array(["red", "übel", "a text that is longer than sixteen bytes", "b" * 70])
    X = pd.DataFrame({"size": rng.normal(size=200), "colour": texts[rng.integers(0, 4, 200)], "level": rng.integers(0, 3, 200)})
    y = (X["colour"] == texts[3]) * 2.0 + (X["colour"] == texts[2]) - (X["level"] == 1) + X["size"]
    model = catboost.CatBoostRegressor(iterations=20, one_hot_max_size=10, verbose=False, allow_writing_files=False).fit(X, y, cat_features=["colour", "level"])
    X.loc[0, "colour"], X.loc[1, "colour"] = "never seen", "#12"
    with pytest.warns(errors.PellucidWarning, match="matched by position"):
        found = pel.TreeExplainer(model)(X)
    np.testing.assert_allclose(found.margins, model.predict(X), atol=1e-12)
    assert found.residual.max() < 1e-12
    assert any("by their hashes" in note for note in pel.TreeExplainer(model).notes)
    # What hashes to none of the model's categories, as flags that were texts in training, is told.
    flags = pd.DataFrame({"flag": rng.integers(0, 2, 200) == 1})
    model = catboost.CatBoostRegressor(iterations=5, verbose=False, allow_writing_files=False).fit(flags.astype(str), flags["flag"] * 1.0, cat_features=["flag"])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        pel.TreeExplainer(model)(flags)
    assert any("read as missing" in str(one.message) for one in said)


@pytest.mark.parametrize("make", [lightgbm_model, catboost_model, forest, boosting, slopes, xgboost_classes])
@pytest.mark.parametrize("background", [False, True])
def test_live_models_of_every_library(rows, make, background):
    X, y, labels = rows
    X = np.nan_to_num(X)
    model, answers = make(X, y, labels)
    if make is slopes and not background:
        with pytest.raises(errors.UsageError, match="give rows to compare with"):
            pel.TreeExplainer(model)(X)
        return
    explainer = pel.TreeExplainer(model, X[:20] if background else None)
    found, theirs = explainer(X), answers(model)
    np.testing.assert_allclose(found.base_values + found.values.sum(axis=1), theirs, atol=1e-5)
    np.testing.assert_allclose(np.broadcast_to(explainer.expected_value, found.base_values.shape), found.base_values, rtol=0, atol=0)
    assert (found.n_outputs == 1) == (found.values.ndim == 2)


def test_text_categories_by_name(adult):
    import lightgbm

    frame = adult.drop(columns="income").head(300)
    for name in frame.select_dtypes(exclude="number"):
        frame[name] = frame[name].astype("category")
    labels = (adult["income"].head(300) == adult["income"].iloc[0]).astype(int)
    model = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1).fit(frame, labels)
    found = pel.TreeExplainer(model)(frame)
    np.testing.assert_allclose(found.base_values + found.values.sum(axis=1), model.predict(frame, raw_score=True), atol=1e-9)
    text = frame.columns.get_loc(frame.select_dtypes("category").columns[0])
    assert found.display_data[0, text] == frame.iloc[0, text]
    assert pel.TreeExplainer(model)(pl.from_pandas(frame)).values.tobytes() == found.values.tobytes()


def test_interactions_and_other_scales(rows):
    X, _, labels = rows
    model = xgboost.XGBClassifier(n_estimators=8, max_depth=3).fit(X, labels)
    explainer = pel.TreeExplainer(model)
    pairs, found = explainer.interactions(X[:9]), explainer(X[:9])
    np.testing.assert_allclose(pairs.sum(axis=2), found.values, atol=1e-12)
    np.testing.assert_array_equal(pairs, np.swapaxes(pairs, 1, 2))
    chance = pel.TreeExplainer(model, X[:20], "probability")(X[:9])
    np.testing.assert_allclose(chance.base_values + chance.values.sum(axis=1), model.predict_proba(X[:9])[:, 1], atol=1e-6)
    rescaled = pel.TreeExplainer(model, X[:20], "probability-rescaled")(X[:9])
    assert not rescaled.exact and "no Shapley values" in rescaled.described
    assert not pel.TreeExplainer(model, method="approximate")(X[:9]).exact


def test_predictions_are_the_librarys(rows):
    X, _, labels = rows
    model = xgboost.XGBClassifier(n_estimators=8).fit(X, labels)
    margins, chances = pel.TreeExplainer(model).predict(X)
    np.testing.assert_array_equal(margins.astype("f4"), model.predict(X, output_margin=True))
    np.testing.assert_allclose(chances, model.predict_proba(X)[:, 1], atol=1e-7)


def test_a_weighted_background_is_one_with_repeated_rows(rows, booster):
    X, _, _ = rows
    weighted = pel.TreeExplainer(booster, X[:3], background_weights=[2, 1, 1])(X)
    repeated = pel.TreeExplainer(booster, X[[0, 0, 1, 2]])(X)
    np.testing.assert_allclose(weighted.values, repeated.values, atol=1e-12)


def test_pickles_are_the_same_explainer(rows, booster):
    X, _, _ = rows
    for explainer in (pel.TreeExplainer(booster), pel.TreeExplainer(booster, X[:9], background_weights=np.arange(9))):
        again = pickle.loads(pickle.dumps(explainer))
        assert again(X).values.tobytes() == explainer(X).values.tobytes()


def test_slices_are_explanations(rows, booster):
    X, _, _ = rows
    found = pel.TreeExplainer(booster)(frame_of(X))
    for part in (found[3:9], found[np.arange(400) < 5], found[-1], found[[4, 2]]):
        assert part.values.shape == part.data.shape
        assert part.plot.beeswarm().svg.startswith("<svg")
    np.testing.assert_array_equal(found[-1].values[0], found.values[-1])
    # XGBoost compares in 32 bits.
    np.testing.assert_array_equal(found[[4, 2]].data, X[[4, 2]].astype("float32"))
    assert pel.TreeExplainer(booster)(X).data is X
    with pytest.raises(IndexError, match="row 400"):
        found[400]
    # What is explained again for a picture is what was there; few rows are done another way, and rounded otherwise.
    np.testing.assert_allclose(found[3:9]._seen().take()[0], found.values[3:9].ravel(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("kind", ["bar", "beeswarm", "heatmap", "decision", "scatter", "cohorts", "waterfall", "force"])
def test_every_picture(rows, booster, kind, tmp_path):
    found = pel.TreeExplainer(booster)(frame_of(rows[0]))
    picture = getattr(found.plot, kind)()
    assert picture.svg.count("<text") > 3 and "<img" in picture._repr_html_()
    picture.save(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text() == picture.svg


def test_pictures_of_one_row_are_of_that_row(rows, booster):
    found = pel.TreeExplainer(booster)(frame_of(rows[0]))
    assert found.plot.waterfall(5).svg == found[5].plot.waterfall().svg != found.plot.waterfall(6).svg
    assert "Why row 5 came to" in found.plot.waterfall(5).svg and "Why row 399 came to" in found[-1].plot.waterfall().svg


def test_shap_draws_what_it_is_given(rows, booster):
    shap = pytest.importorskip("shap")
    import matplotlib

    matplotlib.use("agg")
    found = pel.TreeExplainer(booster)(frame_of(rows[0])).to_shap()
    assert type(found) is shap.Explanation
    for draw in (shap.plots.bar, shap.plots.beeswarm, shap.plots.heatmap, shap.plots.violin):
        draw(found, show=False)
        matplotlib.pyplot.close("all")
    shap.plots.waterfall(found[0], show=False)
    shap.plots.scatter(found[:, "a"], show=False)
    shap.plots.decision(found.base_values[0], found.values, feature_names=found.feature_names, show=False)
    shap.plots.force(found[0], matplotlib=True, show=False)
    matplotlib.pyplot.close("all")


@pytest.mark.filterwarnings("ignore:columns stand in another order")
def test_slices_of_matrices_are_of_the_same_columns(rows):
    from sklearn.ensemble import RandomForestRegressor

    X, y, _ = rows
    named = xgboost.train({}, xgboost.DMatrix(X[:, :3], label=y, feature_names=list("abc")), 5)
    found = pel.TreeExplainer(named, feature_names=list("cba"))(X[:, 2::-1])
    np.testing.assert_array_equal(found.data, X[:, :3].astype("float32"))
    np.testing.assert_allclose(found[5]._seen().take()[0], found.values[5], rtol=1e-12, atol=1e-13)
    # Names that come from the data stay with slices.
    unnamed = RandomForestRegressor(n_estimators=3, random_state=0).fit(np.nan_to_num(X), y)
    found = pel.TreeExplainer(unnamed, feature_names=["age", *"bcdef"])(np.nan_to_num(X))
    assert found.feature_names[0] == "age"
    assert "age" in found.plot.waterfall(3).svg and "age" in found[:50].plot.scatter("age").svg


def test_categories_that_are_numbers_are_codes_in_slices():
    import lightgbm

    frame = pd.DataFrame({"k": pd.Categorical([3, 5, 7] * 50), "x": np.arange(150.0)})
    model = lightgbm.LGBMRegressor(n_estimators=5, verbose=-1, min_child_samples=2).fit(frame, np.tile([1.0, 5.0, 2.0], 50))
    found = pel.TreeExplainer(model)(frame)
    assert [str(value) for value in found.display_data[:3, 0]] == ["3", "5", "7"]
    np.testing.assert_allclose(found[1]._seen().take()[0], found.values[1], rtol=1e-12, atol=1e-13)


def test_explanations_are_pickled_with_their_rows(rows, booster):
    found = pel.TreeExplainer(booster)(frame_of(rows[0]))
    again = pickle.loads(pickle.dumps(found))
    assert again.values.tobytes() == found.values.tobytes() and again.plot.bar().svg


def test_early_stopping_is_what_the_wrapper_predicts_with(rows):
    X, y, _ = rows
    model = xgboost.XGBRegressor(n_estimators=200, learning_rate=0.5, early_stopping_rounds=3)
    model.fit(X[:200], y[:200], eval_set=[(X[200:], y[200:])], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    explainer = pel.TreeExplainer(model)
    np.testing.assert_allclose(explainer.predict(X)[0], model.predict(X), atol=1e-5)


def test_a_value_that_means_missing_is_refused_with_a_way_out(rows):
    X, y, _ = rows
    with pytest.raises(errors.ModelError, match="put NaN where 0.0 stands"):
        pel.TreeExplainer(xgboost.XGBRegressor(n_estimators=2, missing=0.0).fit(X, y))


def test_sums_that_64_bits_can_not_hold_are_told():
    from sklearn.tree import DecisionTreeRegressor

    # Two values of 10^20 that cancel leave nothing of a tenth.
    X = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], dtype=float)
    model = DecisionTreeRegressor(random_state=0).fit(X, 1e20 * (X[:, 0] - X[:, 1]) + X[:, 2] / 10)
    with pytest.warns(errors.PellucidWarning, match="more than rounding"):
        found = pel.TreeExplainer(model)(X)
    assert found.residual.max() > 1e-3


def test_an_answer_that_no_memory_holds_is_an_error():
    X = np.broadcast_to(np.zeros(400, "f4"), (3_000_000_000, 400))
    model = xgboost.train({}, xgboost.DMatrix(np.random.default_rng(0).normal(size=(50, 400)), label=np.arange(50)), 2)
    with pytest.raises(errors.LimitError, match="GiB"):
        pel.TreeExplainer(model).interactions(X)


def test_arrays_leave_without_a_copy(rows, booster):
    values = pel.TreeExplainer(booster)(rows[0]).values
    address = values.__array_interface__["data"][0]
    assert np.from_dlpack(values).__array_interface__["data"][0] == address
    assert values.flags.c_contiguous and values.flags.writeable
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    assert jax.dlpack.from_dlpack(values, copy=False).unsafe_buffer_pointer() == address
    # Also where nobody knew how many rows would come.
    stream = pa.Table.from_pandas(frame_of(rows[0])).to_reader(max_chunksize=7)
    values = pel.TreeExplainer(booster)(stream).values
    assert jax.dlpack.from_dlpack(values, copy=False).unsafe_buffer_pointer() == values.__array_interface__["data"][0]


# What can go wrong.


def test_missing_columns_are_named(rows, booster):
    frame = frame_of(rows[0])
    with pytest.raises(errors.MissingColumnsError, match="lacks 2 of the model's columns: `b`, `e`") as caught:
        pel.TreeExplainer(booster)(frame.drop(columns=["b", "e"]))
    assert caught.value.columns == ["b", "e"] and isinstance(caught.value, ValueError)
    assert pickle.loads(pickle.dumps(caught.value)).columns == ["b", "e"]


def test_extra_columns_are_ignored_with_a_warning(rows, booster):
    frame = frame_of(rows[0]).assign(id=range(400))
    with pytest.warns(errors.PellucidWarning, match="does not know are ignored: id"):
        pel.TreeExplainer(booster)(frame)
    pel.TreeExplainer(booster, drop=["id"])(frame)
    with pytest.raises(errors.MissingColumnsError, match="no column `ids`; did you mean `id`"):
        pel.TreeExplainer(booster, drop=["ids"])(frame)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (np.zeros((3, 5)), "5 columns and the model 6 features"),
        (np.zeros(6), "one dimension"),
        (np.zeros((2, 6, 1)), "3 dimensions"),
        (np.array([["x"] * 6], dtype=object), "column `a`, row 0: `x` is no number"),
        (np.zeros((2, 6), dtype="datetime64[s]"), "datetime64"),
        (np.zeros((0, 6)), "no rows"),
        ({name: np.zeros(2 + (name == "c")) for name in "abcdef"}, "column `c` has 3 rows, the first has 2"),
        (pd.DataFrame({name: ["x"] for name in "abcdef"}), "`x` is not a number"),
        (pl.DataFrame({name: [[1.0]] for name in "abcdef"}), "column `a`"),
        (np.full((1, 6), np.inf), "is infinite"),
    ],
)
def test_data_that_does_not_fit(booster, data, says):
    with pytest.raises(errors.DataError, match=says):
        pel.TreeExplainer(booster)(data)


def test_sparse_matrices_are_refused_with_a_reason(booster):
    sparse = pytest.importorskip("scipy.sparse").csr_matrix(np.eye(6))
    with pytest.raises(errors.DataError, match="sparse"):
        pel.TreeExplainer(booster)(sparse)


@pytest.mark.skipif(int(xgboost.__version__.split(".")[0]) < 3, reason="XGBoost 2 stores no names of categories")
def test_unknown_categories():
    frame = pd.DataFrame({"word": pd.Categorical(["a", "b", "a", "b"] * 20), "x": np.arange(80.0)})
    model = xgboost.XGBRegressor(n_estimators=3, enable_categorical=True).fit(frame, np.arange(80.0))
    bad = pd.DataFrame({"word": pd.Categorical(["zebra"]), "x": [1.0]})
    with pytest.raises(errors.UnknownCategoryError, match="`zebra` is not among the 2 categories"):
        pel.TreeExplainer(model)(bad)


def test_missing_values_where_the_model_has_no_rule(rows):
    from sklearn.ensemble import GradientBoostingRegressor

    X, y, _ = rows
    model = GradientBoostingRegressor(n_estimators=3).fit(np.nan_to_num(X), y)
    with pytest.raises(errors.MissingValueError, match="the value is missing"):
        pel.TreeExplainer(model)(X)


@pytest.mark.parametrize("model", [object(), 7, b"", b"nonsense", xgboost.XGBRegressor()])
def test_what_is_no_model(model):
    with pytest.raises(errors.ModelError):
        pel.TreeExplainer(model)


def test_files_that_are_not_there(booster, tmp_path):
    with pytest.raises(FileNotFoundError):
        pel.TreeExplainer(tmp_path / "none.json")
    with pytest.raises(FileNotFoundError):
        pel.TreeExplainer(booster)(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"output": "log-odds"}, "one of margin"),
        ({"method": "fast"}, "one of auto"),
        ({"game": "background"}, "give background="),
        ({"game": "path-dependent", "background": np.zeros((1, 6))}, "no background"),
        ({"background_weights": [1.0]}, "give background="),
        ({"output": "probability"}, "background"),
        ({"threads": 0}, "at least one"),
    ],
)
def test_wrong_arguments(rows, booster, arguments, says):
    with pytest.raises(errors.UsageError, match=says):
        pel.TreeExplainer(booster, **arguments)(rows[0])


def test_backgrounds_that_are_none(booster):
    for background, weights in ((np.zeros((0, 6)), None), (np.zeros((2, 6)), [1.0]), (np.zeros((2, 6)), [1.0, -1.0]), (np.zeros((2, 6)), [0, 0])):
        with pytest.raises(errors.DataError):
            pel.TreeExplainer(booster, background, background_weights=weights)


def test_one_name_is_one_name(rows, booster):
    frame = frame_of(rows[0]).assign(id=1.0)
    pel.TreeExplainer(booster, drop="id")(frame)
    with pytest.raises(errors.UsageError, match="at least one"):
        pel.TreeExplainer(booster)(rows[0], threads=0)


def test_columns_that_would_appear_twice(rows):
    X, y, _ = rows
    model = xgboost.train({}, xgboost.DMatrix(X[:, :2], label=y, feature_names=["residual", "b"]), 2)
    with pytest.raises(errors.UsageError, match="`residual` would appear twice"):
        pel.TreeExplainer(model)(X[:, :2]).to_dict()


def test_frames_that_are_none(booster):
    with pytest.raises(errors.DataError, match="the data"):
        pel.TreeExplainer(booster)(pd.DataFrame({name: [1, "x"] for name in "abcdef"}))


def test_a_stream_is_read_once(rows, booster):
    reader = pa.Table.from_pandas(frame_of(rows[0])).to_reader()
    found = pel.TreeExplainer(booster)(reader)
    with pytest.raises(errors.DataError, match="stream"):
        found.data  # noqa: B018


def test_nobody_makes_an_explanation():
    with pytest.raises(TypeError, match="comes from an explainer"):
        pel.Explanation(np.zeros((2, 2)))
