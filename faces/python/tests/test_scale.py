"""Explanations by other people's engines: equal to local ones bit for bit, one model a process, and nothing wrong where a worker dies."""

import concurrent.futures
import doctest
import json
import multiprocessing
import os
import pickle
import signal
import sys

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pellucid as pel
from pellucid import errors, scale

xgboost = pytest.importorskip("xgboost")

# Neither engine is in the environment of the oldest Python. Where they belong, a missing one fails.
engines = pytest.mark.skipif(sys.version_info < (3, 12), reason="the environment of Python 3.11 has no engines")

#: Enough that the command line expects as many rows as a mapper.
N = 17_000
NAMES = list("abcdef")


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(N, 6))
    X[rng.random(X.shape) < 0.05] = np.nan
    return pa.table({"row": pa.array(np.arange(N)), **{name: X[:, at] for at, name in enumerate(NAMES)}})


@pytest.fixture(scope="module")
def booster(table):
    X = table.select(NAMES).to_pandas().to_numpy()[:2000]
    filled = np.nan_to_num(X)
    y = filled[:, 0] * filled[:, 1] + np.sin(filled[:, 2])
    return xgboost.train({"max_depth": 4, "seed": 1}, xgboost.DMatrix(X, label=y, feature_names=NAMES), 20)


@pytest.fixture(scope="module")
def folder(table, booster, tmp_path_factory):
    """The model and the rows as files: one of the command line's, and several for engines."""
    folder = tmp_path_factory.mktemp("scale")
    booster.save_model(folder / "model.ubj")
    pq.write_table(table, folder / "rows.parquet", row_group_size=4000)
    (folder / "parts").mkdir()
    for part in range(3):
        pq.write_table(table.slice(part * 6000, 6000), folder / "parts" / f"{part}.parquet")
    return folder


@pytest.fixture(scope="module")
def written(folder, command):
    """What the command line writes of all rows, by the options of the mapper that should answer the same."""
    model, rows = folder / "model.ubj", folder / "rows.parquet"
    command("explain", model, rows, "--drop", "row", "-o", folder / "values.parquet")
    command("explain", model, rows, "--drop", "row", "--top-k", 2, "-o", folder / "top.parquet")
    command("explain", model, rows, "--drop", "row", "--aggregate", "-o", folder / "all.json")
    return {
        "values": pq.read_table(folder / "values.parquet"),
        "top": pq.read_table(folder / "top.parquet"),
        "all": json.loads((folder / "all.json").read_text()),
    }


OPTIONS = {"values": {"keep": ["row"]}, "top": {"keep": ["row"], "top_k": 2}, "all": {"aggregate": True, "drop": ["row"]}}


def assert_same(found, expected):
    """The same rows in whatever order, to the bit."""
    found = found.sort_by("row")
    assert found.column("row").to_pylist() == list(range(N))
    found = found.drop_columns(["row"])
    assert found.column_names == expected.column_names
    for name in expected.column_names:
        ours, theirs = found.column(name), expected.column(name)
        assert ours.type == theirs.type, name
        if pa.types.is_floating(ours.type):
            assert ours.to_numpy().tobytes() == theirs.to_numpy().tobytes(), name
        else:
            assert ours.to_pylist() == theirs.to_pylist(), name


def batches_of(table, rows=1700):
    return table.combine_chunks().to_batches(max_chunksize=rows)


# Alone.


@pytest.mark.parametrize("how", ["values", "top"])
@pytest.mark.parametrize("rows", [1, 333, N])
def test_batches_of_any_size_are_as_the_command_line_bit_for_bit(table, folder, written, how, rows):
    mapper = scale.Mapper(folder / "model.ubj", **OPTIONS[how])
    part = table if rows > 1 else table.slice(0, 40)
    found = pa.concat_tables(mapper(batch) for batch in batches_of(part, rows))
    assert found.schema.equals(mapper.schema_of(table.schema)) and found.schema.names[1:] == mapper.schema.names
    if rows > 1:
        assert_same(found, written[how])
    else:
        assert found.drop_columns(["row"]).equals(written[how].slice(0, 40).cast(mapper.schema))


def test_parts_join_to_what_the_command_line_sums_up(table, booster, folder, written):
    booster_bytes = (folder / "model.ubj").read_bytes()
    mapper = scale.Mapper(booster_bytes, **OPTIONS["all"])
    parts = [mapper(batch) for batch in batches_of(table, 997)]
    assert parts[0].schema.equals(mapper.schema) and all(part.num_rows == 1 for part in parts)
    expected = written["all"]
    assert scale.merge(parts).to_dict() == expected
    # In another order, in two steps, from one table, from texts, and with a batch without rows.
    assert scale.merge(reversed(parts)).to_dict() == expected
    assert scale.merge([scale.merge(parts[:5]), scale.merge(parts[5:])]).to_dict() == expected
    assert scale.merge(pa.concat_tables([*parts, mapper(table.slice(0, 0))])).to_dict() == expected
    assert scale.merge(pa.concat_tables(parts).to_pandas()).to_dict() == expected
    (folded,) = mapper.batches(batches_of(table))
    found = scale.merge(folded)
    assert found.to_dict() == expected
    assert found.n_rows == N and found.feature_names == NAMES
    values = pel.TreeExplainer(booster)(table.select(NAMES)).values
    np.testing.assert_allclose(found.mean_absolute, np.abs(values).mean(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(found.most, values.max(axis=0))


def test_a_saved_aggregate_reads_as_the_command_lines(table, folder, written, tmp_path):
    mapper = scale.Mapper(folder / "model.ubj", **OPTIONS["all"])
    scale.merge(mapper(table)).save(tmp_path / "all.json")
    assert json.loads((tmp_path / "all.json").read_text()) == written["all"]
    assert scale.merge((tmp_path / "all.json").read_text()).to_dict() == written["all"]


def test_without_an_engine_shards_join_to_the_same(folder, command, written, tmp_path):
    # What `pellucid.scale` has no function for, since the command needs no Python.
    for shard in range(1, 4):
        more = ["--drop", "row", "--shard", f"{shard}/3"]
        command("explain", folder / "model.ubj", folder / "rows.parquet", "--aggregate", *more, "-o", tmp_path / f"{shard}.json")
        command("explain", folder / "model.ubj", folder / "rows.parquet", *more, "-o", tmp_path / f"{shard}.parquet")
    (tmp_path / "joined").mkdir()
    command("merge", tmp_path, "-o", tmp_path / "joined/all.json")
    command("merge", tmp_path, "-o", tmp_path / "joined/values.parquet")
    assert json.loads((tmp_path / "joined/all.json").read_text()) == written["all"]
    assert pq.read_table(tmp_path / "joined/values.parquet").equals(written["values"])


def test_a_background_goes_along(table, booster, folder, command, tmp_path):
    pq.write_table(table.slice(0, 60), tmp_path / "background.parquet")
    command(
        "explain", folder / "model.ubj", folder / "rows.parquet", "--drop", "row", "--background", tmp_path / "background.parquet", "-o", tmp_path / "out.parquet"
    )
    expected = pq.read_table(tmp_path / "out.parquet")
    for background in (table.slice(0, 60).select(NAMES), table.slice(0, 60).select(NAMES).to_pandas().to_numpy()):
        mapper = pickle.loads(pickle.dumps(scale.Mapper(booster, background=background, keep=["row"])))
        assert_same(pa.concat_tables(mapper(batch) for batch in batches_of(table)), expected)


def test_several_outputs_are_named_as_by_the_command_line(table, tmp_path, command):
    rows = table.slice(0, N)
    X = rows.select(NAMES).to_pandas()
    labels = (np.nan_to_num(X["a"]) > 0).astype(int) + (np.nan_to_num(X["b"]) > 0.5)
    model = xgboost.XGBClassifier(n_estimators=4, max_depth=3).fit(X[:2000], labels[:2000])
    model.save_model(tmp_path / "model.ubj")
    pq.write_table(rows, tmp_path / "rows.parquet")
    for options, words in (({}, []), ({"top_k": 9}, ["--top-k", 9])):
        command("explain", tmp_path / "model.ubj", tmp_path / "rows.parquet", "--drop", "row", *words, "-o", tmp_path / "out.parquet")
        mapper = scale.Mapper(model, keep=["row"], **options)
        assert_same(mapper(rows), pq.read_table(tmp_path / "out.parquet"))
    command("explain", tmp_path / "model.ubj", tmp_path / "rows.parquet", "--drop", "row", "--aggregate", "-o", tmp_path / "all.json")
    parts = map(scale.Mapper(tmp_path / "model.ubj", aggregate=True, drop=["row"]), batches_of(rows))
    assert scale.merge(parts).to_dict() == json.loads((tmp_path / "all.json").read_text())


def test_every_kind_of_batch_gives_the_same(table, booster):
    mapper = scale.Mapper(booster, keep=["row"])
    small = table.slice(0, 50)
    expected = mapper(small)
    frame = small.to_pandas()
    for batch in (small.to_batches()[0], frame, pl.from_arrow(small), {name: frame[name].to_numpy() for name in frame}):
        assert mapper(batch).equals(expected)
    with pytest.warns(errors.PellucidWarning, match="another order"):
        assert mapper(frame[[*"fedcba", "row"]]).equals(expected)
    bare = scale.Mapper(booster)(small.select(NAMES).to_pandas().to_numpy())
    assert bare.equals(expected.drop_columns(["row"]))


# Many processes.


def opened_and_answer(mapper, batch):
    answer = mapper(batch)
    return os.getpid(), scale.n_opened(), answer


@pytest.mark.parametrize("start", ["spawn", "fork"])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_pools_answer_the_same_and_open_one_model_a_process(table, folder, written, start):
    mapper = scale.Mapper(folder / "model.ubj", **OPTIONS["top"])
    # Two are open here: a child must take over neither.
    mapper(table.slice(0, 5))
    scale.Mapper(folder / "model.ubj", expected_rows=55, drop=["row"])(table.slice(0, 5))
    context = multiprocessing.get_context(start)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        found = list(pool.map(opened_and_answer, [mapper] * 10, batches_of(table)))
    assert {n for _, n, _ in found} == {1} and os.getpid() not in {pid for pid, _, _ in found}
    assert_same(pa.concat_tables(answer for _, _, answer in found), written["top"])


def test_many_threads_open_one_model(table, folder):
    model = pickle.loads(pickle.dumps(scale.Mapper(folder / "model.ubj", expected_rows=123)))
    before = scale.n_opened()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(model, [table.select(NAMES).slice(0, 20)] * 16))
    assert scale.n_opened() == before + 1 and all(answer.equals(answers[0]) for answer in answers)


class Killing:
    """A mapper whose process is killed at one batch, once in the life of a folder."""

    def __init__(self, mapper, folder):
        self.mapper, self.folder = mapper, str(folder)

    def __getattr__(self, name):
        if name.startswith("__") or name == "mapper":
            raise AttributeError(name)
        return getattr(self.mapper, name)

    def __call__(self, batch):
        if 5000 in pa.table(batch).column("row").to_pylist():
            try:
                os.close(os.open(os.path.join(self.folder, "killed"), os.O_CREAT | os.O_EXCL))
                os.kill(os.getpid(), signal.SIGKILL)
            except FileExistsError:
                pass
        return self.mapper(batch)

    def batches(self, batches):
        for batch in batches:
            yield from self(batch).to_batches()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_killed_worker_of_a_pool_is_told_and_the_rerun_completes(table, folder, written, tmp_path):
    killing = Killing(scale.Mapper(folder / "model.ubj", **OPTIONS["values"]), tmp_path)
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool, pytest.raises(concurrent.futures.process.BrokenProcessPool):
        list(pool.map(killing, batches_of(table)))
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        assert_same(pa.concat_tables(pool.map(killing, batches_of(table))), written["values"])


# Engines.


@pytest.fixture(scope="module")
def ray():
    import ray

    # What is defined here goes to the workers by value: they need not read this file, nor all that it compares with.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    yield ray
    ray.shutdown()


@pytest.fixture(scope="module")
def spark():
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    from pyspark import cloudpickle
    from pyspark.sql import SparkSession

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    options = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.log.level": "OFF",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
        # Small jobs: nothing here is worth compiling well.
        "spark.sql.codegen.wholeStage": "false",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    }
    session = SparkSession.builder.master("local[2]").config(map=options).getOrCreate()
    yield session
    session.stop()


def of_ray(dataset):
    import ray

    return pa.concat_tables(ray.get(dataset.to_arrow_refs()))


@engines
@pytest.mark.parametrize("how", ["values", "top", "all"])
def test_ray_is_as_the_command_line_bit_for_bit(ray, folder, written, how):
    mapper = scale.Mapper(folder / "model.ubj", **OPTIONS[how])
    dataset = scale.ray_data(ray.data.read_parquet(str(folder / "parts")), mapper, batch_size=1000)
    if how == "all":
        assert scale.merge(dataset).to_dict() == written["all"]
    else:
        assert_same(of_ray(dataset), written[how])


@engines
@pytest.mark.parametrize("how", ["values", "top", "all"])
def test_spark_is_as_the_command_line_bit_for_bit(spark, folder, written, how):
    mapper = scale.Mapper(folder / "model.ubj", **OPTIONS[how])
    found = scale.spark(spark.read.parquet(str(folder / "parts")), mapper)
    if how == "all":
        assert scale.merge(found).to_dict() == written["all"]
        assert scale.merge(found.toArrow()).to_dict() == written["all"]
    else:
        assert_same(found.toArrow(), written[how])


class Counting:
    """Says which process answered, and how many models it had opened by then."""

    def __init__(self, mapper):
        self.mapper = mapper

    def __call__(self, batch):
        answer = self.mapper(batch)
        return pa.table({"process": [os.getpid()], "opened": [scale.n_opened()], "rows": [answer.num_rows]})

    def batches(self, batches):
        for batch in batches:
            yield from self(batch).to_batches()


@engines
def test_engines_open_one_model_a_process(ray, spark, folder):
    counting = Counting(scale.Mapper(folder / "model.ubj", top_k=1, drop=["row"], expected_rows=77_777))
    dataset = ray.data.read_parquet(str(folder / "parts")).map_batches(counting, batch_format="pyarrow", batch_size=500)
    frame = spark.read.parquet(str(folder / "parts")).mapInArrow(counting.batches, "process BIGINT, opened BIGINT, rows BIGINT")
    for found in (of_ray(dataset).to_pandas(), frame.toArrow().to_pandas()):
        assert found["rows"].sum() == N and len(found) >= 10
        assert os.getpid() not in set(found["process"])
        # A worker that served another test has that one's model, too; none opened one twice.
        assert (found.groupby("process")["opened"].nunique() == 1).all()


@engines
def test_ray_runs_again_what_a_killed_worker_held(ray, folder, written, tmp_path):
    killing = Killing(scale.Mapper(folder / "model.ubj", **OPTIONS["values"]), tmp_path)
    dataset = scale.ray_data(ray.data.read_parquet(str(folder / "parts")), killing, batch_size=1000)
    assert_same(of_ray(dataset), written["values"])
    assert (tmp_path / "killed").exists()


@engines
def test_spark_leaves_nothing_of_a_killed_worker_and_the_rerun_completes(spark, folder, written, tmp_path):
    killing = Killing(scale.Mapper(folder / "model.ubj", **OPTIONS["values"]), tmp_path)
    frame = scale.spark(spark.read.parquet(str(folder / "parts")), killing)
    out = tmp_path / "out"
    with pytest.raises(Exception, match="(?i)python worker|job aborted|task failed"):
        frame.write.parquet(str(out))
    assert (tmp_path / "killed").exists() and not (out / "_SUCCESS").exists()
    # Local mode gives a task one attempt; a cluster gives it four by itself.
    frame.write.mode("overwrite").parquet(str(out))
    assert (out / "_SUCCESS").exists()
    assert_same(pq.read_table(out), written["values"])


@engines
def test_sparks_own_map_in_arrow_takes_a_mapper_and_its_ddl(spark, table, folder):
    mapper = scale.Mapper(folder / "model.ubj", keep=["row"], top_k=2)
    found = spark.read.parquet(str(folder / "parts")).mapInArrow(mapper.batches, f"row BIGINT, {mapper.ddl}")
    assert found.toArrow().sort_by("row").to_pydict() == mapper(table).to_pydict()


# What can go wrong.


def test_examples_of_docstrings():
    from pellucid.scale import _mapper

    assert doctest.testmod(_mapper).failed == 0


def test_missing_columns_are_named(table, booster):
    mapper = scale.Mapper(booster, keep=["row"])
    with pytest.raises(errors.MissingColumnsError, match="`row`") as caught:
        mapper(table.drop_columns(["row"]))
    assert caught.value.columns == ["row"]
    with pytest.raises(errors.MissingColumnsError, match="`c`") as caught:
        mapper(table.drop_columns(["c"]))
    assert caught.value.columns == ["c"]
    with pytest.raises(errors.MissingColumnsError):
        mapper.check(["row", *"abdef"])
    mapper.check(table.column_names)


def test_a_batch_that_does_not_fit_names_the_column(table, booster):
    with pytest.raises(errors.DataError, match="`c`"):
        scale.Mapper(booster)(table.slice(0, 3).select(NAMES).set_column(2, "c", pa.array(["x", "y", "z"])))


@engines
def test_errors_inside_rays_workers_arrive_as_themselves(ray, table, booster):
    mapper = scale.Mapper(booster)
    rows = ray.data.from_arrow(table.slice(0, 20).select(list("abdef")))
    with pytest.raises(errors.MissingColumnsError) as caught:
        scale.ray_data(rows, mapper)
    assert caught.value.columns == ["c"]
    # Ray wraps what a worker raised: its class and its text stand in the text.
    with pytest.raises(ray.exceptions.RayTaskError, match=r"pellucid\.errors\.MissingColumnsError: .*`c`"):
        rows.map_batches(mapper, batch_format="pyarrow").take_all()


@engines
def test_errors_inside_sparks_workers_arrive_with_their_text(spark, table, booster):
    from pyspark.errors import PythonException

    mapper = scale.Mapper(booster)
    frame = spark.createDataFrame(table.slice(0, 20).select(list("abdef")).to_pandas())
    with pytest.raises(errors.MissingColumnsError):
        scale.spark(frame, mapper)
    with pytest.raises(PythonException, match=r"pellucid\.errors\.MissingColumnsError: .*`c`"):
        frame.mapInArrow(mapper.batches, mapper.ddl).collect()
    with pytest.raises(PythonException, match=r"pellucid\.errors\.DataError: .*`a`"):
        scale.spark(spark.createDataFrame([("x", *[0.0] * 5)], NAMES), mapper).collect()


def test_models_that_are_no_bytes_are_refused_with_what_to_give(booster):
    with pytest.raises(errors.ModelError, match="files and bytes"):
        scale.Mapper(lambda X: X)

    class Broken(xgboost.Booster):
        def save_raw(self, *_):
            raise RuntimeError("no memory")

    with pytest.raises(errors.ModelError, match="no memory.*path or the bytes"):
        scale.Mapper(Broken())


def test_models_without_names_are_not_matched_by_position(table):
    X = table.select(NAMES).to_pandas()
    model = xgboost.XGBRegressor(n_estimators=3).fit(X.to_numpy()[:500], np.nan_to_num(X["a"])[:500])
    with pytest.raises(errors.UsageError, match="feature_names"):
        scale.Mapper(model)
    mapper = scale.Mapper(model, feature_names=NAMES, keep=["row"])
    shuffled = table.select([*reversed(NAMES), "row"])
    assert mapper.columns == ["row", *NAMES]
    assert mapper(shuffled).equals(mapper(table))
    assert mapper(table).column_names == ["row", *NAMES, "base_value", "residual"]
    expected = pel.TreeExplainer(model)(X.to_numpy())
    assert mapper(table).column("a").to_numpy().tobytes() == expected.values[:, 0].tobytes()


def test_a_file_that_changed_is_refused(booster, table, tmp_path):
    booster.save_model(tmp_path / "model.ubj")
    mapper = scale.Mapper(tmp_path / "model.ubj", expected_rows=99)
    booster[:5].save_model(tmp_path / "model.ubj")
    with pytest.raises(errors.ModelError, match="changed"):
        mapper(table.select(NAMES))


def test_another_version_in_a_worker_is_refused(booster, table):
    mapper = scale.Mapper(booster, expected_rows=88)
    mapper._about["version"] = "0.0.1"
    with pytest.raises(errors.UsageError, match="pellucid 0.0.1"):
        mapper(table.select(NAMES))


@pytest.mark.parametrize(
    "options, said",
    [
        ({"keep": "row"}, r"keep=\['row'\]"),
        ({"keep": ["a"]}, "`a` would appear twice"),
        ({"aggregate": True, "top_k": 3}, "aggregate"),
        ({"aggregate": True, "keep": ["row"]}, "aggregate"),
        ({"top_k": 0}, "top_k=0"),
        ({"threads": 0}, "threads=0"),
        ({"feature_names": list("xyzabc")}, "feature_names"),
        ({"output": "probability"}, "probabilit"),
        ({"output": "certainty"}, "certainty"),
    ],
)
def test_options_that_make_no_sense_are_refused(booster, options, said):
    with pytest.raises(errors.UsageError, match=said):
        scale.Mapper(booster, **options)


def test_parts_of_different_jobs_are_not_joined(table, booster):
    rows = table.slice(0, 50).select(NAMES)
    one, other = scale.Mapper(booster, aggregate=True)(rows), scale.Mapper(booster, aggregate=True, background=rows)(rows)
    with pytest.raises(errors.DataError, match="part 2.*`game`"):
        scale.merge([one, other])
    with pytest.raises(errors.DataError, match="no part"):
        scale.merge([])
    damaged = json.loads(one.column("aggregate")[0].as_py())
    damaged["rows"] += 1
    with pytest.raises(errors.DataError, match="part 1 is damaged"):
        scale.merge(damaged)


@pytest.mark.parametrize("name, call", [("ray", scale.ray_data), ("spark", scale.spark)])
def test_a_missing_engine_says_how_to_install_it(monkeypatch, booster, name, call):
    for module in ("ray.data", "ray", "pyspark.sql.types", "pyspark"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(errors.MissingDependencyError, match=rf"pip install 'pellucid\[{name}\]'"):
        call(None, scale.Mapper(booster))
