"""Asks H2O's own scorer (h2o-genmodel 3.46.0.6, genmodel/Genmodel.java) what the model says, and keeps the answers.

Reads   what train.py wrote beside it.
Writes  beside itself: probe.jsonl (inputs with genmodel's outputs, scored before every load of the model)
        and figures.json (what the model is worth on flights.csv.gz, in all their rows).

Needs a JDK 17 and Maven on PATH, and the packages of train.py. With a path as argument it also writes genmodel's output
for each row of flights.csv.gz there, as CSV.
"""

import csv
import gzip
import io
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd

from train import CATEGORICAL, FEATURES, HERE, MOJO, RESPONSE, SEED, to_json


class Genmodel:
    """genmodel/Genmodel.java, compiled into a directory of the caller's."""

    def __init__(self, directory):
        directory = pathlib.Path(directory)
        source = HERE / "genmodel"
        subprocess.run(["mvn", "-q", "-B", "-f", source / "pom.xml", "dependency:copy-dependencies",
                        f"-DoutputDirectory={directory / 'jars'}"], check=True)
        self.classpath = f"{directory / 'jars'}/*{os.pathsep}{directory}"
        subprocess.run(["javac", "-d", directory, "-cp", self.classpath, source / "Genmodel.java"], check=True)
        self.directory = directory

    def run(self, *arguments):
        command = ["java", "-cp", self.classpath, "Genmodel", *map(str, arguments)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout

    def score(self, mojo, rows):
        """One dict per row (a list of dicts, None = missing): predict as it is, all else as float."""
        path = self.directory / "rows.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(rows[0])
            # repr is the shortest text that gives the same double back.
            writer.writerows(
                ["" if v is None else v if isinstance(v, str) else repr(v) for v in row.values()] for row in rows
            )
        return list(csv.DictReader(io.StringIO(self.run("score", mojo, path))))

    def thresholds(self, mojo):
        """Column → its numeric split thresholds, ascending."""
        found = {}
        for line in self.run("thresholds", mojo).splitlines():
            column, value = line.split(",")
            found.setdefault(column, []).append(float(value))
        return found


def number(value):
    """Whole numbers as int, so that JSON shows 600 and not 600.0."""
    return int(value) if float(value).is_integer() and abs(value) < 2**53 else float(value)


def read_flights():
    """The held-out flights as dicts of the model's features, and what happened."""
    with gzip.open(HERE / "flights.csv.gz", "rt", encoding="utf-8") as file:
        frame = pd.read_csv(file, keep_default_na=False, na_values=[""])
    rows = [
        {c: None if pd.isna(r[c]) else str(r[c]) if c in CATEGORICAL else number(r[c]) for c in FEATURES}
        for r in frame.to_dict("records")
    ]
    return rows, frame[RESPONSE].tolist()


def probe_inputs(flights, thresholds):
    """Real rows, and rows that only a reader exact in every branch scores as H2O does."""
    random = np.random.default_rng(SEED + 2)

    def some(count):
        return [dict(flights[i]) for i in random.choice(len(flights), count, replace=False)]

    rows = some(60)
    for row in some(40):  # some values missing
        for column in random.choice(FEATURES, random.integers(1, 4), replace=False):
            row[column] = None
        rows.append(row)
    for column, row in zip(FEATURES, some(len(FEATURES))):  # all but one missing
        rows.append({c: row[c] if c == column else None for c in FEATURES})
    rows.append(dict.fromkeys(FEATURES))

    # Levels that the model has not seen: another case, a blank before, other letters, non-ASCII.
    for column, level in [("UniqueCarrier", "ua"), ("UniqueCarrier", "PS"), ("UniqueCarrier", "é"), ("Origin", " JFK"),
                          ("Origin", "SAN"), ("Dest", "Zürich"), ("Dest", "XXX"), ("Dest", "sfo")]:
        rows.append({**some(1)[0], column: level})
    rows.append({**some(1)[0], "UniqueCarrier": "??", "Origin": "??", "Dest": "??"})

    # At a threshold, and the doubles next to it: a reader that rounds to float32 takes the wrong branch.
    numeric = [column for column in FEATURES if column in thresholds]
    for i in range(24):
        column = numeric[i % len(numeric)]
        threshold = float(random.choice(thresholds[column]))
        row = some(1)[0]
        for value in (math.nextafter(threshold, -math.inf), threshold, math.nextafter(threshold, math.inf)):
            rows.append({**row, column: number(value)})

    for value in (0, -1, 1e30, -1e30, 1.7976931348623157e308, -1.7976931348623157e308, 5e-324):
        rows.append({**some(1)[0], **{column: value for column in numeric}})
    return rows


def auc(late, score):
    """Area under the ROC curve by ranks; ties count half."""
    ranks = pd.Series(score).rank(method="average").to_numpy()
    positives = int(late.sum())
    return (ranks[late].sum() - positives * (positives + 1) / 2) / (positives * (len(late) - positives))


def main():
    mojo = HERE / MOJO
    flights, happened = read_flights()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as directory:
        genmodel = Genmodel(directory)
        inputs = probe_inputs(flights, genmodel.thresholds(mojo))
        outputs = genmodel.score(mojo, inputs)
        scores = genmodel.score(mojo, flights)

    with (HERE / "probe.jsonl").open("w", encoding="utf-8") as file:
        for row, out in zip(inputs, outputs, strict=True):
            output = {"label": out["predict"], "NO": float(out["NO"]), "YES": float(out["YES"])}
            file.write(json.dumps({"input": row, "output": output}, ensure_ascii=False, separators=(",", ":")) + "\n")

    predicted = [out["predict"] for out in scores]
    figures = {
        "rows": len(scores),
        "auc": float(auc(np.array(happened) == "YES", [float(out["YES"]) for out in scores])),
        "accuracy": sum(p == h for p, h in zip(predicted, happened)) / len(scores),
        "labels": {label: predicted.count(label) for label in ("NO", "YES")},
        "happened": {label: happened.count(label) for label in ("NO", "YES")},
    }
    (HERE / "figures.json").write_text(to_json(figures) + "\n")
    if len(sys.argv) > 1:
        with open(sys.argv[1], "w", encoding="utf-8") as file:
            file.write("label,NO,YES\n")
            file.writelines(f"{out['predict']},{out['NO']},{out['YES']}\n" for out in scores)
    print(f"{len(inputs)} probes; {json.dumps(figures)}")


if __name__ == "__main__":
    main()
