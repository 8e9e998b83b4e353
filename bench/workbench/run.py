"""The workbench beside explainerdashboard, and how long it takes to open what is large.  Run: cargo xtask bench workbench"""

import argparse
import json
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from common import check_versions, machine, spread  # noqa: E402  (it lies beside this folder)

ROOT = HERE.parent.parent
ADULT = ROOT.parent / "shared/data/adult/adult.data"
COLUMNS = (
    "age workclass fnlwgt education education-num marital-status occupation relationship race sex capital-gain capital-loss hours-per-week "
    "native-country income"
).split()
NUMBERS = ["age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"]
COMPAS = ROOT / "fixtures/compas/compas.csv"
#: Nearly five million sets.
SETS = "#/rashomon?data=compas&target=recidivate-within-two-years:1&weights=people&lambda=1/200&within=3/100"


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pellucid", required=True, help="the program, built for release")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("-o", "--out", default=None)
    return parser.parse_args()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def visit(port, fragment, selector):
    """What a fresh browser sees."""
    words = ["node", HERE / "measure.mjs", ROOT / "faces/workbench", f"http://127.0.0.1:{port}/{fragment}", selector]
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=300)
    return json.loads(done.stdout)


class Served:
    """A server that was started, and the seconds until it answered."""

    def __init__(self, words, port):
        self.port = port
        start = time.perf_counter()
        self.process = subprocess.Popen([*map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read()
                break
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(f"{words}: ended before it answered")
                time.sleep(0.01)
        self.seconds = time.perf_counter() - start

    def memory(self):
        """Megabytes at the peak."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1000
        return float("nan")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def pellucid(program, *files):
    port = free_port()
    return Served([program, "workbench", *files, "--no-open", "--port", port], port)


def adult():
    import pandas as pd

    frame = pd.read_csv(ADULT, header=None, names=COLUMNS, skipinitialspace=True)
    frame["income"] = (frame["income"] == ">50K").astype(int)
    return frame[[*NUMBERS, "income"]]


def make(folder, n_rows):
    """One model; its first 10 000 rows as text for the race, and many rows in Parquet."""
    import pandas as pd
    import xgboost

    frame = adult()
    model = xgboost.XGBClassifier(n_estimators=100, max_depth=4, n_jobs=2).fit(frame[NUMBERS], frame["income"])
    model.save_model(folder / "model.ubj")
    frame.iloc[:10_000].to_csv(folder / "rows.csv", index=False)
    many = pd.concat([frame] * (n_rows // len(frame) + 1), ignore_index=True).iloc[:n_rows]
    many.to_parquet(folder / "many.parquet")


def race(args, folder, report):
    """In turns: from the command to the first picture of an explanation."""
    ours, theirs = [], []
    for _ in range(args.repeats):
        with pellucid(args.pellucid, folder / "model.ubj", folder / "rows.csv") as served:
            ours.append({"start": served.seconds, **visit(served.port, "", "figure svg"), "memory": served.memory()})
        port = free_port()
        with Served([sys.executable, HERE / "peer.py", folder / "model.ubj", folder / "rows.csv", port], port) as served:
            theirs.append({"start": served.seconds, **visit(port, "", ".js-plotly-plot .main-svg"), "memory": served.memory()})
    for one in [*ours, *theirs]:
        one["all"] = one["start"] + one["shown"]
        one["paint"] = one["paint"] if one["paint"] is not None else float("nan")
    report.append("| what | Pellucid | explainerdashboard | times |")
    report.append("| --- | --- | --- | --- |")
    rows = [
        ("s from the command to the first picture", "all", 1),
        ("s until the server answers", "start", 1),
        ("s from the request to the first paint", "paint", 1),
        ("s from the request to the first picture", "shown", 1),
        ("KB of scripts, unpacked", "script_bytes", 1e-3),
        ("KB of everything", "bytes", 1e-3),
        ("MB of memory at the peak", "memory", 1),
    ]
    for name, key, scale in rows:
        pair = [[one[key] * scale for one in side] for side in (ours, theirs)]
        ratio = statistics.median(b / a for a, b in zip(*pair))
        report.append(f"| {name} | {spread(pair[0], '.3g')} | {spread(pair[1], '.3g')} | {ratio:.3g} |")
    elsewhere = sum(one["elsewhere"] for one in ours)
    report.append(f"\nRequests of the workbench to other hosts: {elsewhere}.\n")


def large(args, folder, report):
    """Fresh servers, each asked once: from the request to the first picture."""
    many, model, saved = folder / "many.parquet", folder / "model.ubj", folder / "saved.parquet"
    subprocess.run([args.pellucid, "explain", model, many, "-o", saved], check=True, capture_output=True)
    tasks = [
        (f"Explain row, of {args.rows:,} rows", [model, many], "#/row?row=3", "figure svg"),
        (f"Explain global, {args.rows:,} rows explained on the spot", [model, many], "#/global", "figure svg"),
        (f"Explain global, {args.rows:,} rows from a saved explanation", [saved], "#/global", "figure svg"),
        (f"Data, {args.rows:,} rows", [many], "#/data", "figure svg"),
        ("Rashomon set of 4,895,383 rule sets, counted and studied", [COMPAS], SETS, "figure svg"),
    ]
    report.append("| what is opened | s from the request to the first picture | s to the first paint |")
    report.append("| --- | --- | --- |")
    for name, files, fragment, selector in tasks:
        found = []
        for _ in range(args.repeats):
            with pellucid(args.pellucid, *files) as served:
                found.append(visit(served.port, fragment, selector))
        shown, paint = ([one[key] for one in found] for key in ("shown", "paint"))
        report.append(f"| {name} | {spread(shown, '.3g')} | {spread(paint, '.3g')} |")


def main():
    args = parse()
    pins = check_versions(HERE)
    about = machine(["avx2", "avx512f"])
    report = [
        "# The workbench, measured",
        "",
        f"{about['cpu']} ({about['instructions']}); Python {about['python']}; {', '.join(f'{name} {pin}' for name, pin in pins.items())}. "
        f"Medians of {args.repeats} with least and most; the two programs take turns.",
        "",
    ]
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        make(folder, args.rows)
        race(args, folder, report)
        large(args, folder, report)
    text = "\n".join(report) + "\n"
    print(text)
    if args.out:
        pathlib.Path(args.out).write_text(text)


if __name__ == "__main__":
    main()
