"""Rule sets and Rashomon sets in Python: scikit-learn's own checks, and the command line's answers bit for bit."""

import copy
import csv
import json
import pickle
import subprocess
import sys
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import pellucid as pel
from pellucid import errors

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
ADULT = FIXTURES / "tour" / "adult.csv"
COMPAS = FIXTURES / "compas" / "compas.csv"
LABEL = "recidivate-within-two-years:1"


@pytest.fixture
def compas():
    """Compas as columns of numbers: names, matrix, label, and how many people a row stands for."""
    with open(COMPAS, newline="") as file:
        names, *rows = csv.reader(file)
    table = np.array(rows, dtype=np.float64)
    own = [at for at, name in enumerate(names) if name not in (LABEL, "people")]
    return [names[at] for at in own], table[:, own], table[:, names.index(LABEL)], table[:, names.index("people")]


def command(*words):
    """What the command line prints."""
    words = [sys.executable, "-c", "from pellucid._command import main; main()", *map(str, words)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def told(*words):
    """The same as JSON."""
    code, out, err = command(*words, "--json", "-q")
    assert code in (0, 4), err
    return json.loads(out)


def quiet(work, *args, **named):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.PellucidWarning)
        return work(*args, **named)


def test_rules_are_those_of_the_command_line_to_the_byte(tmp_path):
    path = tmp_path / "rules.json"
    words = ["rules", "learn", COMPAS, "--target", LABEL, "--weights", "people", "-o", path, "-q", "--threads", "1"]
    assert command(*words)[0] == 0
    model = pel.RuleSetClassifier(weights="people", n_jobs=1).fit(COMPAS, LABEL)
    assert model.export("json") == path.read_text()
    assert model.certificate_.objective == Fraction(119389, 324450)
    assert model.certificate_.lower_bound == Fraction(119389, 324450)
    assert model.certificate_.status == "optimal" and model.certificate_.gap == 0
    for language in ("python", "sql"):
        assert command("rules", "export", path, "--to", language)[1] == model.export(language)
    assert command("rules", "show", path)[1].strip() == model.text().strip()


def test_arrays_say_what_files_say(compas):
    names, X, y, people = compas
    file = pel.RuleSetClassifier(weights="people").fit(COMPAS, LABEL)
    arrays = pel.RuleSetClassifier(target=LABEL).fit(dict(zip(names, X.T, strict=True)), y, sample_weight=people)
    assert arrays.certificate_.objective == file.certificate_.objective
    assert [rule.text for rule in arrays.rules_] == [rule.text for rule in file.rules_]
    hashes = [model.certificate_.to_dict()["universe"]["sha256"] for model in (file, arrays)]
    assert hashes[0] == hashes[1]
    columns = dict(zip(names, X.T, strict=True))
    assert (arrays.predict(columns) == file.predict(COMPAS)).all()
    _, out, _ = command_predict(file)
    assert [float(line) for line in out.splitlines()[1:]] == file.predict(COMPAS).tolist()


def command_predict(model):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.json"
        path.write_text(model.export("json"))
        return command("rules", "predict", path, COMPAS)


def test_frames_with_texts_are_learned_from(adult):
    X, y = adult.drop(columns="income"), adult["income"]
    model = quiet(pel.RuleSetClassifier(max_rules=60, lam="1/200", n_jobs=1).fit, X, y)
    assert model.classes_.tolist() == ["<=50K", ">50K"] and model._rules.target == "income"
    assert model.feature_names_in_.tolist() == list(X.columns) and model.n_features_in_ == X.shape[1]
    file = quiet(pel.RuleSetClassifier(max_rules=60, lam="1/200", n_jobs=1).fit, ADULT, "income")
    assert file.export("json") == model.export("json")
    assert (model.predict(X) == file.predict(ADULT)).all()
    assert (model.predict(adult) == model.predict(X)).all(), "a frame with its target is matched by name"
    assert model.verify(X, y) and file.verify(ADULT, "income")
    scope = {}
    exec(model.export("python"), scope)
    rows = [{name: None if value != value else value for name, value in row.items()} for row in X.to_dict("records")]
    assert [scope["predict"](row) for row in rows] == model.predict(X).tolist()


def test_several_classes_are_asked_as_one_vs_rest_does(adult, tmp_path):
    X, y = adult.drop(columns="relationship"), adult["relationship"]
    few = y.isin(["Husband", "Own-child", "Not-in-family"])
    X, y = X[few].reset_index(drop=True), y[few].reset_index(drop=True)
    data, rules = tmp_path / "data.csv", tmp_path / "rules.json"
    X.assign(relationship=y).to_csv(data, index=False)
    words = ["rules", "learn", data, "--target", "relationship", "--one-vs-rest", "--max-rules", "40", "-o", rules, "-q", "--threads", "1"]
    assert command(*words)[0] == 0
    model = quiet(pel.RuleSetClassifier(max_rules=40, n_jobs=1).fit, X, y)
    assert model.export("json") == rules.read_text()
    assert set(model.certificate_) == set(y.unique()) - {model.default_}
    assert np.allclose(model.predict_proba(X).sum(axis=1), 1) and model.predict_proba(X).shape == (len(X), 3)
    assert model.score(X, y) > 0.7


def test_probabilities_are_shares_of_training_rows(compas):
    names, X, y, people = compas
    model = pel.RuleSetClassifier().fit(X, y, sample_weight=people)
    predicted = model.predict(X)
    proba = model.predict_proba(X)
    for value in (0.0, 1.0):
        rows = predicted == value
        share = people[rows & (y == 1)].sum() / people[rows].sum()
        assert proba[rows, 1] == pytest.approx(share)


def test_a_certificate_does_not_hold_of_other_data(compas):
    names, X, y, people = compas
    model = pel.RuleSetClassifier().fit(X, y, sample_weight=people)
    assert model.verify(X, y, people).proven
    changed = y.copy()
    changed[0] = 1 - changed[0]
    checked = model.verify(X, changed, people)
    assert not checked and checked.refuted and not checked.proven


def test_pickles_are_rules_files(compas, tmp_path):
    names, X, y, people = compas
    model = pel.RuleSetClassifier().fit(X, y, sample_weight=people)
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert again.export("json") == model.export("json")
        assert (again.predict(X) == model.predict(X)).all() and again.verify(X, y, people)
        assert (again.predict_proba(X) == model.predict_proba(X)).all()
    assert b"pellucid.rules/1" in pickle.dumps(model)


def test_it_shows_itself(compas):
    names, X, y, people = compas
    model = pel.RuleSetClassifier()
    assert "RuleSetClassifier" in model._repr_html_()
    model.fit(X, y, sample_weight=people)
    assert "<table>" in model._repr_html_() and "optimal" in model._repr_html_()
    assert "->" in repr(model.rules_) and "optimal" in repr(model.certificate_)


def test_what_was_stopped_says_so(adult):
    model = pel.RuleSetClassifier(max_rules=400, lam="1/2000", node_limit=50)
    with pytest.warns(errors.PellucidWarning, match="not proven optimal"):
        model.fit(adult.drop(columns="income"), adult["income"])
    certificate = model.certificate_
    assert certificate.status == "bounded" and not certificate.proven
    assert certificate.gap > 0 and certificate.n_optimal is None
    with pytest.raises(errors.LimitError):
        quiet(pel.RuleSetClassifier(time_limit=1e-9).fit, adult.drop(columns="income"), adult["income"])


@pytest.mark.parametrize(
    ("change", "kind", "match"),
    [
        ({"lam": "0"}, errors.UsageError, "must be above 0"),
        ({"lam": "much"}, errors.UsageError, "is no number"),
        ({"lam": None}, errors.UsageError, "lam is None"),
        ({"cost": "1"}, errors.UsageError, "two whole numbers"),
        ({"cost": (0, 1)}, errors.UsageError, "two whole numbers"),
        ({"min_support": 2.5}, errors.UsageError, "a share is between 0 and 1"),
        ({"literals": "none"}, errors.UsageError, "one of positive, both"),
        ({"bins": 1}, errors.UsageError, "from 2 to 256"),
        ({"time_limit": -1}, errors.UsageError, "above 0"),
        ({"n_jobs": 0}, errors.UsageError, "threads"),
        ({"monotone": {"f0": "up"}}, errors.UsageError, "'\\+' or '-'"),
        ({"drop": ["f99"]}, errors.MissingColumnsError, "no column"),
        ({"require": ["f99"]}, errors.MissingColumnsError, "no column"),
        ({"require": ["f0"], "drop": ["f0"]}, errors.ConstraintError, "contradict"),
        ({"positive": 7}, errors.UsageError, "never `7`"),
        ({"weights": "f99"}, errors.MissingColumnsError, "no column"),
    ],
)
def test_wrong_parameters_are_named(compas, change, kind, match):
    _, X, y, _ = compas
    with pytest.raises(kind, match=match):
        pel.RuleSetClassifier(**change).fit(X, y)


def test_wrong_data_is_named(compas):
    names, X, y, _ = compas
    with pytest.raises(errors.MissingValueError, match="NaN"):
        pel.rashomon(X, np.where(np.arange(len(y)) == 3, np.nan, y), theta="2/5")
    with pytest.raises(ValueError, match="NaN"):
        pel.RuleSetClassifier().fit(X, np.where(np.arange(len(y)) == 3, np.nan, y))
    with pytest.raises(errors.OneClassError, match="only one class"):
        pel.RuleSetClassifier().fit(X, np.zeros(len(y)))
    with pytest.raises(errors.DataError, match="continuous"):
        pel.rashomon(X, X[:, 0] + 0.5 * X[:, 1] + 0.25 * y, theta="2/5")
    with pytest.raises(errors.DataError, match="weights are whole numbers"):
        pel.RuleSetClassifier().fit(X, y, sample_weight=np.full(len(y), 0.5))
    with pytest.raises(errors.MissingColumnsError, match="no column"):
        pel.RuleSetClassifier().fit(COMPAS, "recidivat")
    model = pel.RuleSetClassifier().fit(dict(zip(names, X.T, strict=True)), y)
    with pytest.raises(errors.MissingColumnsError, match="the rules ask about"):
        model.predict({"other": X[:, 0]})
    with pytest.raises(errors.UsageError, match="one of two classes"):
        pel.RuleSetClassifier(positive=1).fit(X, np.arange(len(y)) % 3)
    with pytest.raises(errors.ModelError):
        pel.RuleSetClassifier.__init__.__globals__["Rules"].from_json("{}")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--lambda", "0"], {"lam": 0}),
        (["--positive", "7"], {"positive": 7}),
        (["--drop", "sex"], {"drop": ["sex"]}),
        (["--min-support", "100000"], {"min_support": 100000}),
        (["--weights", "priors:>3", "--drop", LABEL], {"weights": "priors:>3", "drop": [LABEL]}),
    ],
)
def test_errors_are_said_as_the_command_line_says_them(words, named):
    code, _, err = command("rashomon", "count", COMPAS, "--target", LABEL, "--theta", "1/2", "-q", *words)
    assert code in (2, 3)
    with pytest.raises(errors.PellucidError) as raised:
        pel.rashomon(COMPAS, LABEL, theta="1/2", **named)
    assert err.strip() == f"error: {raised.value}"


def test_a_count_is_that_of_the_command_line():
    words = ["rashomon", "count", COMPAS, "--target", LABEL, "--weights", "people", "--within", "1/100", "--max-rules", "40", "--threads", "1"]
    theirs = told(*words)
    sets = pel.rashomon(COMPAS, LABEL, weights="people", within="1/100", max_rules=40, n_jobs=1)
    ours = sets.count()
    for name, value in ours.to_dict().items():
        assert theirs[name] == value, name
    assert ours.exact and int(ours) == int(theirs["count"]) == ours.lo == ours.hi
    assert sum(ours.by_size.values()) == sum(ours.by_objective.values()) == int(ours)
    assert ours.best == Fraction(theirs["best"]) and str(sets.theta) == theirs["theta"]
    listed = told(*["rashomon", "list", *words[2:]], "-n", "30")
    assert [list(one.rules) for one in sets.list(30)] == [one["rules"] for one in listed["sets"]]
    assert [str(one.objective) for one in sets.list(30)] == [one["objective"] for one in listed["sets"]]
    assert len(sets.list(None)) == int(ours) and sets.list(None).complete and not sets.list(1).complete
    drawn = told(*["rashomon", "sample", *words[2:]], "-n", "25", "--seed", "7")
    sample = sets.sample(25, seed=7)
    assert [list(one.ids) for one in sample] == [one["ids"] for one in drawn["sets"]]
    assert sample.of == int(ours) and sample.guarantee == "exact, uniform"
    study = told(*["rashomon", "study", *words[2:]], "--group", "sex:Male")
    mine = sets.study(groups="sex:Male")
    for name, value in mine.items():
        assert study[name] == value, name
    assert mine.exact and mine["fairness"]


def test_groups_are_columns_or_arrays(compas):
    names, X, y, people = compas
    sets = pel.rashomon(X, y, sample_weight=people, within="1/200", max_rules=40, feature_names=names)
    by_name = sets.study(groups="sex:Male")
    by_row = sets.study(groups=np.where(X[:, names.index("sex:Male")] == 1, "man", "woman"))
    ends = [[one["low"]["value"], one["high"]["value"]] for one in by_name["fairness"]]
    # `1 - 0` there, `woman - man` here.
    turned = [[str(-Fraction(one["high"]["value"])), str(-Fraction(one["low"]["value"]))] for one in by_row["fairness"]]
    assert ends == turned
    with pytest.raises(errors.MissingColumnsError):
        sets.study(groups="sex")


def test_pandas_na_is_missing_like_none(compas):
    pandas = pytest.importorskip("pandas")
    names, X, y, people = compas
    labels = pandas.Series(y.astype(int), dtype="Int64")
    labels[3] = pandas.NA
    with pytest.raises(errors.MissingValueError, match=r"y contains NaN: 1 rows have no class \(row 3 is the first\)"):
        pel.RuleSetClassifier().fit(X, labels, sample_weight=people)
    with pytest.raises(errors.DataError, match="row 3"):
        pel.rashomon(X, labels, sample_weight=people, within="1/200", max_rules=40)
    sets = pel.rashomon(X, y, sample_weight=people, within="1/200", max_rules=40, feature_names=names)
    groups = pandas.Series(np.where(X[:, 0] == 1, "one", "other"), dtype="string")
    groups[5] = pandas.NA
    told = list(groups.astype(object).where(groups.notna(), None))
    assert dict(sets.study(groups=groups)) == dict(sets.study(groups=told))


def test_a_search_that_was_stopped_gives_an_interval(compas):
    _, X, y, people = compas
    whole = pel.rashomon(X, y, sample_weight=people, within="1/40", max_rules=60)
    part = pel.rashomon(X, y, sample_weight=people, theta=whole.theta, max_rules=60, node_limit=2)
    count = part.count()
    assert not count.exact and count.value is None and count.lo < count.hi
    assert count.lo <= int(whole.count()) <= count.hi
    assert "between" in repr(count) and count.by_size is None
    with pytest.raises(errors.LimitError, match="not exact"):
        int(count)


#: More sets than any search ends with.
ENDLESS = """
import os, signal, sys, threading, time
import pellucid as pel
sets = pel.rashomon({path!r}, {label!r}, weights="people", theta="1/2", lam="1/100000", max_rules=300, time_limit={limit})
"""


def test_a_time_limit_gives_an_interval_and_ctrl_c_an_exception():
    limited = ENDLESS.format(path=str(COMPAS), label=LABEL, limit=0.5)
    limited += "count = sets.count()\nassert not count.exact and count.lo < count.hi, count\nassert not sets.list(None).complete"
    done = subprocess.run([sys.executable, "-c", limited], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    # Another thread runs meanwhile, and the signal is heard.
    stopped = ENDLESS.format(path=str(COMPAS), label=LABEL, limit=None)
    stopped += (
        "threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()\nstart = time.monotonic()\n"
        "try:\n    sets.count()\nexcept KeyboardInterrupt:\n    print(time.monotonic() - start)"
    )
    done = subprocess.run([sys.executable, "-c", stopped], capture_output=True, text=True, timeout=120, check=False)
    assert 0.3 < float(done.stdout) < 20, done.stderr


def test_frames_of_other_libraries_say_the_same(adult):
    X, y = adult.drop(columns="income"), adult["income"]
    plain = quiet(pel.RuleSetClassifier(max_rules=40, n_jobs=1).fit, X, y)
    texts = {name: "category" for name, kind in X.dtypes.items() if kind.kind not in "if"}
    categories = X.astype(texts)
    frames = [(categories, y.astype("category")), (polars.from_pandas(X), polars.from_pandas(y)), (adult, "income"), (polars.from_pandas(adult), "income")]
    for frame, target in frames:
        other = quiet(pel.RuleSetClassifier(max_rules=40, n_jobs=1).fit, frame, target)
        assert other.export("json") == plain.export("json")
        assert (other.predict(frame) == plain.predict(X)).all()
        assert other.feature_names_in_.tolist() == list(X.columns)
        assert other.verify(frame, target)


def test_estimates_carry_their_guarantee(compas):
    _, X, y, people = compas
    sets = pel.rashomon(X, y, sample_weight=people, within="1/40", max_rules=40)
    true = int(sets.count())
    estimate = sets.count(approximate=True, seed=1)
    assert estimate.lo <= true <= estimate.hi and estimate.method == "ApproxMC"
    assert estimate.exact or "about" in repr(estimate) and "probability" in estimate.guarantee
    parity = sets.sample(5, seed=1, method="parity")
    assert len(parity) <= 5 and "uniform" in parity.guarantee
    tree = sets.sample(50, seed=1, method="tree")
    assert len(tree.weights) == 50 and tree.guarantee == "no finite-sample guarantee"
    with pytest.raises(errors.UsageError, match="ε"):
        sets.count(approximate=True, epsilon=0.0)
    with pytest.raises(errors.UsageError, match="method"):
        sets.sample(5, method="best")


def test_an_empty_set_says_what_the_best_is(compas):
    _, X, y, people = compas
    sets = pel.rashomon(X, y, sample_weight=people, theta="1/1000")
    count = sets.count()
    assert int(count) == 0 and count.best > sets.theta
    for ask in (sets.sample, sets.study):
        with pytest.raises(errors.EmptySetError, match="the best objective is"):
            ask()
    assert len(sets.list()) == 0 and sets.list().complete


def test_a_bound_is_asked_for_once(compas):
    _, X, y, _ = compas
    for bounds in ({}, {"theta": "1/2", "within": "1/100"}):
        with pytest.raises(errors.UsageError, match="one bound"):
            pel.rashomon(X, y, **bounds)
    with pytest.raises(errors.UsageError, match="identity"):
        pel.rashomon(X, y, theta="1/2", identity="same")


def test_fractions_are_read_as_they_are_spelled():
    from pellucid._asked import fraction, support

    assert [fraction("lam", one) for one in ("1/100", 0.01, Fraction(1, 100), 1, 1e-7)] == ["1/100", "0.01", "1/100", "1/1", "0.0000001"]
    assert [support(one) for one in (30, 0.01, 1.0, "2/3")] == ["30", "0.01", "1.0", "2/3"]
    for wrong in (float("nan"), True, [1]):
        with pytest.raises(errors.UsageError):
            fraction("lam", wrong)


def test_nothing_of_scikit_learn_is_needed():
    script = (
        "import sys\nclass No:\n    def find_spec(self, name, *rest):\n        if name.partition('.')[0] == 'sklearn': raise ImportError(name)\n"
        "sys.meta_path.insert(0, No())\nimport pickle, numpy as np, pellucid as pel\n"
        "X = np.array([[0, 1], [0, 0], [1, 1], [1, 0]] * 25, dtype=float)\ny = np.where(X[:, 0] * X[:, 1] == 1, 'b', 'a')\n"
        "model = pel.RuleSetClassifier(lam='1/50').fit(X, y)\nassert model.score(X, y) == 1.0, model.score(X, y)\n"
        "assert model.get_params()['lam'] == '1/50' and 'lam' in repr(model), repr(model)\n"
        "assert model.set_params(lam='1/40').lam == '1/40'\n"
        "assert (pickle.loads(pickle.dumps(model)).predict(X) == y).all()\nassert model.n_features_in_ == 2\n"
        "assert 'sklearn' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_does_not_import_scikit_learn():
    script = "import sys, pellucid as pel\nassert 'sklearn' not in sys.modules\npel.rashomon\nassert 'sklearn' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.filterwarnings("ignore::pellucid.errors.PellucidWarning")
@parametrize_with_checks([pel.RuleSetClassifier()])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)
