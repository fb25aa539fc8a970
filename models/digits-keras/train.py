"""Trains digits.keras and writes manifest.json, probe.jsonl and figures.json. Needs the packages that README.md names."""
import hashlib, json, os
os.environ['KERAS_BACKEND'] = 'jax'
import keras, numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(7)
images, labels = load_digits(return_X_y=True)
x = images.reshape(-1, 8, 8, 1).astype('float32')
train_x, test_x, train_y, test_y = train_test_split(x, labels, test_size=0.3, random_state=7, stratify=labels)
model = keras.Sequential([
    layers.Input((8, 8, 1), name='image'),
    layers.Rescaling(1 / 16),
    layers.Conv2D(8, 3, padding='same', activation='relu'),
    layers.BatchNormalization(),
    layers.MaxPooling2D(2),
    layers.Conv2D(16, 3, padding='same', activation='relu'),
    layers.MaxPooling2D(2),
    layers.Flatten(),
    layers.Dropout(0.3),
    layers.Dense(10, activation='softmax'),
])
model.compile('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])
model.fit(train_x, train_y, epochs=40, batch_size=32, verbose=0)
model.save('digits.keras')
right = int((model.predict(test_x, verbose=0).argmax(1) == test_y).sum())
json.dump({'trainRows': len(train_y), 'testRows': len(test_y), 'testRight': right}, open('figures.json', 'w'))
names = [str(digit) for digit in range(10)]
chosen = test_x[:20]
with open('probe.jsonl', 'w') as file:
    for image, row in zip(chosen, model.predict(chosen, verbose=0)):
        output = {'label': names[int(row.argmax())], **{name: float(value) for name, value in zip(names, row)}}
        file.write(json.dumps({'input': {'image': image.flatten().astype(int).tolist()}, 'output': output}, separators=(',', ':')) + '\n')
manifest = {
    'manifestVersion': 1, 'name': 'digits-keras', 'versions': ['1'], 'task': 'classification', 'platform': 'keras_h5',
    'artifact': {'path': 'digits.keras', 'sha256': hashlib.sha256(open('digits.keras', 'rb').read()).hexdigest()},
    'inputs': [{'name': 'image', 'datatype': 'FP32', 'shape': [-1, 8, 8, 1]}],
    'signature': {'inputs': [{'name': 'image', 'type': 'tensor'}]},
    'postprocess': {'labels': names},
    'source': {'format': 'keras', 'algorithm': 'Sequential', 'tolerance': 2e-6},
}
open('manifest.json', 'w').write(json.dumps(manifest, indent=2) + '\n')
