"""Trains iris.onnx and writes manifest.json, probe.jsonl and figures.json. Needs the packages that README.md names."""
import hashlib, json
import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

data = load_iris()
x, y = data.data.astype(np.float32), data.target_names[data.target]
held = np.arange(len(x)) % 3 == 2
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x[~held], y[~held])
open('iris.onnx', 'wb').write(to_onnx(model, x[:1]).SerializeToString())
right = int((model.predict(x[held]) == y[held]).sum())
json.dump({'trainRows': int((~held).sum()), 'testRows': int(held.sum()), 'testRight': right}, open('figures.json', 'w'))
columns = ['sepal_length', 'sepal_width', 'petal_length', 'petal_width']
with open('probe.jsonl', 'w') as file:
    for row, label, p in zip(x[held][::3], model.predict(x[held])[::3], model.predict_proba(x[held])[::3]):
        output = {'label': str(label), **{str(name): float(value) for name, value in zip(model.classes_, p)}}
        inputs = {name: round(float(value), 1) for name, value in zip(columns, row)}
        file.write(json.dumps({'input': inputs, 'output': output}, separators=(',', ':')) + '\n')
manifest = {
    'manifestVersion': 1, 'name': 'iris-onnx', 'versions': ['1'], 'task': 'classification', 'platform': 'onnxruntime_onnx',
    'artifact': {'path': 'iris.onnx', 'sha256': hashlib.sha256(open('iris.onnx', 'rb').read()).hexdigest()},
    'inputs': [{'name': 'X', 'datatype': 'FP32', 'shape': [-1, 4]}],
    'signature': {'inputs': [{'name': name, 'type': 'double'} for name in columns]},
    'postprocess': {'labels': [str(name) for name in model.classes_]},
    'source': {'format': 'onnx', 'tolerance': 2e-6},
}
open('manifest.json', 'w').write(json.dumps(manifest, indent=2) + '\n')
