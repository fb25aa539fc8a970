"""Trains airline-delay-dl: the question and the flights of ../airline-delay, answered by an H2O Deep Learning network.

Writes  beside itself: airline-delay-dl.mojo.zip, manifest.json; and, by h2o-genmodel: probe.jsonl, figures.json.
Needs   what ../airline-delay/train.py and probe.py need, the helpers of which it uses.

The same versions give the same weights: seeded, reproducible=True, one thread.
"""

import json
import pathlib
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent / "airline-delay"))

import numpy as np

import probe as P
import train as T

NAME = "airline-delay-dl"
MOJO = HERE / f"{NAME}.mojo.zip"
PARAMETERS = dict(hidden=[24, 12], activation="Rectifier", epochs=8, l1=1e-6, reproducible=True, seed=T.SEED)


def train(frame, response, directory):
    from h2o.estimators import H2ODeepLearningEstimator

    h2o = T.start_h2o(directory)
    try:
        table = T.blank(frame, np.random.default_rng(T.SEED + 1))
        table[T.RESPONSE] = response.to_numpy()
        uploaded = T.upload(h2o, table, T.CATEGORICAL | {T.RESPONSE}, directory)
        model = H2ODeepLearningEstimator(model_id=NAME.replace("-", "_"), distribution="bernoulli", **PARAMETERS)
        model.train(x=T.FEATURES, y=T.RESPONSE, training_frame=uploaded)
        return model.download_mojo(path=str(directory))
    finally:
        h2o.cluster().shutdown()


def describe():
    manifest = T.describe(MOJO)
    manifest["name"] = NAME
    manifest["signature"]["inputs"].sort(key=lambda column: columns(MOJO).index(column["name"]))
    return manifest


def columns(mojo):
    import zipfile

    with zipfile.ZipFile(mojo) as archive:
        lines = archive.read("model.ini").decode().splitlines()
    return lines[lines.index("[columns]") + 1 :]


def probe_inputs(flights):
    """Real rows, missing values, unseen levels and extremes: what a reader may get wrong."""
    random = np.random.default_rng(T.SEED + 2)
    rows = [dict(flights[i]) for i in random.choice(len(flights), 60, replace=False)]
    for row in rows[20:40]:
        for column in random.choice(T.FEATURES, random.integers(1, 5), replace=False):
            row[column] = None
    rows.append(dict.fromkeys(T.FEATURES))
    for column, level in [("UniqueCarrier", "ua"), ("UniqueCarrier", "PS"), ("Origin", " JFK"), ("Dest", "Zürich")]:
        rows.append({**rows[0], column: level})
    for value in (0, -1, 1e4, -1e4, 5e-324):
        rows.append({**rows[1], **{c: value for c in T.FEATURES if c not in T.CATEGORICAL}})
    return rows


def main():
    frame, response = T.flights()
    held_out = T.split(frame)
    with tempfile.TemporaryDirectory() as directory:
        shutil.copyfile(train(frame[~held_out], response[~held_out], directory), MOJO)
    (HERE / "manifest.json").write_text(T.to_json(describe()) + "\n")
    flights, happened = P.read_flights()
    with tempfile.TemporaryDirectory() as directory:
        genmodel = P.Genmodel(directory)
        inputs = probe_inputs(flights)
        outputs = genmodel.score(MOJO, inputs)
        scores = genmodel.score(MOJO, flights)
    with (HERE / "probe.jsonl").open("w", encoding="utf-8") as file:
        for row, out in zip(inputs, outputs, strict=True):
            output = {"label": out["predict"], "NO": float(out["NO"]), "YES": float(out["YES"])}
            file.write(json.dumps({"input": row, "output": output}, ensure_ascii=False, separators=(",", ":")) + "\n")
    predicted = [out["predict"] for out in scores]
    figures = {
        "rows": len(scores),
        "auc": float(P.auc(np.array(happened) == "YES", [float(out["YES"]) for out in scores])),
        "accuracy": sum(p == h for p, h in zip(predicted, happened)) / len(scores),
        "labels": {label: predicted.count(label) for label in ("NO", "YES")},
        "happened": {label: happened.count(label) for label in ("NO", "YES")},
    }
    (HERE / "figures.json").write_text(T.to_json(figures) + "\n")
    print(f"{MOJO.stat().st_size} bytes, {len(inputs)} probes; {json.dumps(figures)}")


if __name__ == "__main__":
    main()
