"""Trains shuttle-anomaly: an H2O autoencoder of normal sensor readings of a NASA shuttle.

train.py SHUTTLE.csv.gz     the file river/datasets/shuttle.csv.gz of the wheel river 0.26.1 (PyPI)

Writes  beside itself: shuttle-anomaly.mojo.zip, manifest.json, readings.csv.gz (rows that were not trained on); and, by
        h2o-genmodel: probe.jsonl, figures.json.
Needs   what ../airline-delay/train.py and probe.py need, the helpers of which it uses.
"""

import csv
import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent / "airline-delay"))

import numpy as np
import pandas as pd

import probe as P
import train as T

NAME = "shuttle-anomaly"
MOJO = HERE / f"{NAME}.mojo.zip"
ORACLE = HERE.parent.parent / "test/fixtures/models/Oracle.java"
SEED = 20261122
SENSORS = [f"f{i}" for i in range(1, 10)]
LABEL = "anomaly"
TRAINED, CALIBRATED, SHIPPED_NORMAL = 20_000, 8_000, 6_000
QUANTILE = 0.99
PARAMETERS = dict(hidden=[6, 3, 6], activation="Tanh", epochs=60, reproducible=True, seed=SEED)


def split(path):
    """Distinct normal rows to train on and to set the threshold by; all else that equals none of them is for the test."""
    with gzip.open(path, "rt") as file:
        rows = pd.read_csv(file)
    normal = rows[rows[LABEL] == 0].sample(frac=1, random_state=SEED)
    train, calibration = normal[:TRAINED], normal[TRAINED : TRAINED + CALIBRATED]
    seen = set(map(tuple, pd.concat([train, calibration])[SENSORS].to_numpy()))
    rest = pd.concat([normal[TRAINED + CALIBRATED :], rows[rows[LABEL] == 1]]).sort_index()
    return train, calibration, rest[[tuple(row) not in seen for row in rest[SENSORS].to_numpy()]]


def train(rows, directory):
    from h2o.estimators import H2OAutoEncoderEstimator

    h2o = T.start_h2o(directory)
    try:
        uploaded = T.upload(h2o, rows[SENSORS], set(), directory)
        model = H2OAutoEncoderEstimator(model_id=NAME.replace("-", "_"), **PARAMETERS)
        model.train(x=SENSORS, training_frame=uploaded)
        return model.download_mojo(path=str(directory))
    finally:
        h2o.cluster().shutdown()


class Oracle:
    """h2o-genmodel's reconstruction errors, by the tests' Oracle.java."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        jars = P.Genmodel(directory).classpath
        subprocess.run(["javac", "-d", directory, "-cp", jars, ORACLE], check=True)
        self.classpath = jars

    def errors(self, rows):
        path = self.directory / "rows.csv"
        rows.to_csv(path, index=False, na_rep="")
        command = ["java", "-cp", self.classpath, "Oracle", str(MOJO), str(path)]
        found = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
        return [float(row["reconstructionError"]) for row in csv.DictReader(io.StringIO(found))]


def describe(threshold):
    with zipfile.ZipFile(MOJO) as archive:
        lines = archive.read("model.ini").decode().splitlines()
        info = dict(line.split(" = ", 1) for line in lines if " = " in line)
    return {
        "manifestVersion": 1,
        "name": NAME,
        "versions": ["1"],
        "task": "anomaly",
        "platform": "h2o_mojo",
        "artifact": {"path": MOJO.name, "sha256": hashlib.sha256(MOJO.read_bytes()).hexdigest()},
        "signature": {
            "inputs": [{"name": sensor, "type": "double", "required": False} for sensor in SENSORS],
            "outputs": [{"name": "reconstructionError", "type": "double"}],
        },
        "postprocess": {"threshold": threshold},
        "probe": "probe.jsonl",
        "source": {
            "format": "h2o-mojo",
            "formatVersion": info["mojo_version"],
            "algorithm": "autoencoder",
            "tolerance": 1e-12,
        },
    }


def probe_rows(rest):
    random = np.random.default_rng(SEED)
    rows = rest.iloc[random.choice(len(rest), 60, replace=False)][SENSORS].astype(object).reset_index(drop=True)
    for row in range(20, 40):  # some values missing
        for sensor in random.choice(SENSORS, random.integers(1, 4), replace=False):
            rows.loc[row, sensor] = None
    for row, value in enumerate((0, -1, 1e4, -1e4), 40):
        rows.loc[row] = value
    rows.loc[44] = None
    return rows


def main():
    chosen, calibration, rest = split(sys.argv[1])
    with tempfile.TemporaryDirectory() as directory:
        shutil.copyfile(train(chosen, directory), MOJO)
    with tempfile.TemporaryDirectory() as directory:
        oracle = Oracle(directory)
        threshold = float(np.quantile(oracle.errors(calibration[SENSORS]), QUANTILE))
        errors = np.array(oracle.errors(rest[SENSORS]))
        probes = probe_rows(rest)
        expected = oracle.errors(probes)
    (HERE / "manifest.json").write_text(T.to_json(describe(threshold)) + "\n")
    with (HERE / "probe.jsonl").open("w", encoding="utf-8") as file:
        for row, error in zip(probes.to_dict("records"), expected, strict=True):
            values = {k: None if v is None or pd.isna(v) else P.number(v) for k, v in row.items()}
            line = {"input": values, "output": {"reconstructionError": error}}
            file.write(json.dumps(line, separators=(",", ":")) + "\n")
    unusual = (rest[LABEL] == 1).to_numpy()
    flagged = errors > threshold
    figures = {
        "trainedOn": len(chosen),
        "thresholdFrom": len(calibration),
        "rows": len(rest),
        "anomalies": int(unusual.sum()),
        "auc": float(P.auc(unusual, errors)),
        "threshold": threshold,
        "anomaliesFound": float(flagged[unusual].mean()),
        "normalFlagged": float(flagged[~unusual].mean()),
    }
    (HERE / "figures.json").write_text(T.to_json(figures) + "\n")
    shipped = pd.concat([rest[unusual][:1500], rest[~unusual][:SHIPPED_NORMAL]]).sort_index()
    (HERE / "readings.csv.gz").write_bytes(gzip.compress(shipped.to_csv(index=False).encode(), 9, mtime=0))
    print(json.dumps(figures), MOJO.stat().st_size, os.path.getsize(HERE / "readings.csv.gz"))


if __name__ == "__main__":
    main()
