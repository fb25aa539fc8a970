import type { FileSigns } from './file-signs.ts'
import { isCoreMl, isGraphDef, isOnnx, isPickle, isSafetensors, isSavedModel } from './format-signs.ts'

/** A format that is known but not read, or one that is read and has another ending than its own. */
export interface ForeignFormat {
  /** As in "the file is …". */
  readonly name: string
  /** What to do instead: sentences. */
  readonly instead: string
  /** Endings of files and folders that are of this format where their content tells nothing else. */
  readonly endings?: readonly string[]
  /** Endings under which it is read: then it is not foreign. */
  readonly own?: readonly string[]
  /** Fits a name in a zip archive, and with `isFolder` one in a folder. */
  readonly entry?: RegExp
  readonly isFolder?: true
  /** How the file begins. */
  readonly text?: RegExp
  readonly starts?: string
  readonly has?: (signs: FileSigns) => boolean
}

const FROM_PYTHON =
  'Export the model in Python as ONNX: skl2onnx for scikit-learn, onnxmltools for XGBoost and LightGBM.'
const FROM_TORCH = 'Load it in Python and export it: torch.onnx.export(model, example, "model.onnx").'
const FROM_SOURCE = 'Export the model that it was made from as ONNX.'
const LIGHTGBM = {
  name: 'a LightGBM model',
  instead: 'Convert it to ONNX in Python: onnxmltools.convert_lightgbm(booster, initial_types=…).',
}
const XGBOOST = {
  name: 'an XGBoost model',
  instead: 'Convert it to ONNX in Python: onnxmltools.convert_xgboost(booster, initial_types=…).',
}
const CATBOOST = {
  name: 'a CatBoost model',
  instead: 'Save it as ONNX in Python: model.save_model("model.onnx", format="onnx").',
}
const COREML = { name: 'a Core ML model', instead: FROM_SOURCE }

/** Formats that are read, by their content: a file of them may have been renamed. */
export const OWN_FORMATS: readonly ForeignFormat[] = [
  {
    name: 'an H2O MOJO',
    instead: 'Give it the ending .zip.',
    own: ['.zip', '.mojo'],
    entry: /^model\.ini$/,
    isFolder: true,
  },
  {
    name: 'a DL4J network',
    instead: 'Give it the ending .zip.',
    own: ['.zip'],
    entry: /^coefficients\.bin$/,
    isFolder: true,
  },
  {
    name: 'a Keras model',
    instead: 'Give it the ending .keras.',
    own: ['.keras'],
    entry: /^model\.weights\.h5$/,
  },
  {
    name: 'a file in HDF5, as Keras models are',
    instead: 'Give it the ending .h5.',
    own: ['.h5', '.hdf5', '.keras'],
    starts: '\x89HDF\r\n\x1a\n',
  },
  {
    name: 'an H2O POJO',
    instead: 'Give it the ending .java.',
    own: ['.java'],
    text: /^[^{]*\bclass \w+ extends GenModel\b/,
  },
  {
    name: 'an ONNX model',
    instead: 'Give it the ending .onnx.',
    own: ['.onnx'],
    has: isOnnx,
  },
]

/** The first that fits names a file: those that say most stand first. */
export const FOREIGN_FORMATS: readonly ForeignFormat[] = [
  {
    name: 'a pointer of Git LFS to a model',
    instead: 'Fetch the model itself: git lfs pull.',
    starts: 'version https://git-lfs.github.com/spec/',
  },
  {
    name: 'a web page',
    instead: 'Download the model itself: the server answered with a page about it.',
    text: /^\s*<(!doctype html|html)\b/i,
  },
  {
    name: 'a tar archive',
    instead: 'Unpack it, and give the model file that is in it.',
    endings: ['.tar', '.tgz'],
    has: ({ text }) => text.slice(257, 262) === 'ustar',
  },
  {
    name: 'a TensorFlow SavedModel',
    instead: 'Convert it: python -m tf2onnx.convert --saved-model DIR --output model.onnx.',
    entry: /(^|\/)saved_model\.pb(txt)?$/,
    isFolder: true,
    has: isSavedModel,
  },
  {
    name: 'a TensorFlow graph (GraphDef)',
    instead:
      'Convert it: python -m tf2onnx.convert --graphdef model.pb --inputs … --outputs … --output model.onnx.',
    endings: ['.pb', '.pbtxt'],
    has: isGraphDef,
  },
  {
    name: 'a TensorFlow checkpoint',
    instead: 'Load it in Python and save the model: model.save("model.keras").',
    endings: ['.ckpt'],
    entry: /(^|\/)([^/]+\.ckpt(-\d+)?\.(index|meta)|checkpoint)$/,
    isFolder: true,
  },
  {
    name: 'a TensorFlow Lite model',
    instead: 'Convert it: python -m tf2onnx.convert --tflite model.tflite --output model.onnx.',
    endings: ['.tflite'],
    has: ({ head }) => head.toString('latin1', 4, 8) === 'TFL3',
  },
  {
    name: 'a TensorFlow.js model',
    instead: 'Save the Keras model that it was made from: model.save("model.keras").',
    text: /^\s*\{[^]*("modelTopology"|"format"\s*:\s*"(layers|graph)-model")/,
  },
  {
    name: 'a Keras configuration without weights',
    instead: 'Save the whole model: model.save("model.keras").',
    text: /^\s*\{[^]{0,200}?"class_name"\s*:\s*"(Sequential|Functional|Model)"/,
  },
  {
    name: 'an MLflow model',
    instead: 'Unpack it, and name the folder in which its MLmodel lies.',
    entry: /(^|\/)MLmodel$/,
    isFolder: true,
  },
  {
    name: 'a Spark ML model',
    instead: 'Convert it to ONNX in Python: onnxmltools.convert_sparkml(model, …).',
    entry: /(^|\/)metadata\/part-00000/,
    isFolder: true,
  },
  {
    ...COREML,
    endings: ['.mlmodel', '.mlpackage', '.mlmodelc'],
    entry: /\.mlpackage\/|(^|\/)com\.apple\.CoreML(\/|$)/,
    isFolder: true,
    has: isCoreMl,
  },
  {
    name: 'an H2O Driverless AI pipeline',
    instead: 'Train the model in H2O-3 and download its MOJO, or export it as ONNX.',
    entry: /(^|\/)pipeline\.mojo$/,
  },
  {
    name: 'a binary model of H2O',
    instead: 'Load it in H2O and export it: model.download_mojo().',
    starts: '\x1c\xed',
  },
  {
    name: 'a TorchScript model',
    instead:
      'Export the PyTorch model that it was made from: torch.onnx.export(model, example, "model.onnx").',
    entry: /(^|\/)constants\.pkl$/,
  },
  { name: 'a PyTorch model', instead: FROM_TORCH, endings: ['.pt', '.pth'], entry: /(^|\/)data\.pkl$/ },
  // torch.save before 1.6: a pickle that begins with this number.
  {
    name: 'a PyTorch model',
    instead: FROM_TORCH,
    starts: '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19',
  },
  {
    name: 'a Python pickle, as scikit-learn and joblib write',
    instead: `Pickles are never read: they run code. ${FROM_PYTHON}`,
    endings: ['.pkl', '.pickle', '.joblib'],
    has: isPickle,
  },
  {
    name: 'a scikit-learn model (skops)',
    instead: FROM_PYTHON,
    endings: ['.skops'],
    entry: /^schema\.json$/,
  },
  {
    name: 'an archive of NumPy arrays',
    instead: 'Save the model, not its arrays: as ONNX, or a Keras model with model.save("model.keras").',
    endings: ['.npz', '.npy'],
    starts: '\x93NUMPY',
    entry: /\.npy$/,
  },
  { ...XGBOOST, text: /^\s*\{[^]{0,200}?"learner"\s*:/ },
  // UBJSON: a brace, the length of a key with its type before it, the key.
  { ...XGBOOST, endings: ['.ubj'], text: /^\{[LlIUi][^"]{1,8}learner\{/ },
  // The binary format before 2.1 begins with "binf" or numbers; texts of length 8 bytes name objective and booster.
  {
    ...XGBOOST,
    text: /^[^]{0,300}\b(reg|binary|multi|rank|count|survival):\w+[^]\0{7}(gbtree|gblinear|dart)/,
  },
  { ...XGBOOST, text: /^booster\[0\]/ },
  { ...LIGHTGBM, text: /^tree\r?\nversion=/ },
  { ...LIGHTGBM, text: /^\s*\{\s*"name"\s*:\s*"tree"/ },
  { ...CATBOOST, endings: ['.cbm'], starts: 'CBM1' },
  { ...CATBOOST, text: /^\s*\{[^]*("oblivious_trees"|"catboost_version_info")/ },
  {
    name: 'a PMML document',
    instead:
      'Train the model again in H2O and download its MOJO, or export it as ONNX from the program that trained it.',
    endings: ['.pmml'],
    text: /^\s*(<[^]*)?<(\w+:)?PMML[\s>]/,
  },
  { name: 'an OpenVINO network', instead: FROM_SOURCE, text: /^\s*(<\?xml[^>]*>\s*)?<net\s[^>]*version=/ },
  {
    name: 'a GGUF language model',
    instead: 'Language models are not scored: bring a classifier or a regression as ONNX.',
    endings: ['.gguf'],
    starts: 'GGUF',
  },
  {
    name: 'weights in safetensors',
    instead: `They are no model without their network. ${FROM_TORCH}`,
    endings: ['.safetensors'],
    has: isSafetensors,
  },
  {
    name: 'an R object',
    instead:
      'For a model of H2O: h2o.download_mojo(model) in R. Others: train the model again in H2O or Python, and bring its MOJO or ONNX.',
    endings: ['.rds', '.rda', '.rdata'],
    text: /^(RD[AX][23]\n|[XAB]\n\0\0\0[23])/,
  },
  {
    name: 'an ONNX model in ORT format',
    instead: 'Give the .onnx file that it was made from.',
    endings: ['.ort'],
    has: ({ head }) => head.toString('latin1', 4, 8) === 'ORTM',
  },
  {
    name: 'a Paddle model',
    instead: 'Convert it: paddle2onnx --model_dir … --save_file model.onnx.',
    endings: ['.pdmodel', '.pdiparams'],
  },
  {
    name: 'a serialized Java object, as Weka and Spark write',
    instead: 'Such objects are never read: they run code. Train the model in H2O and download its MOJO.',
    starts: '\xac\xed\x00\x05',
  },
  {
    name: 'a compiled Java class',
    instead: 'Give the .java source of the POJO, or the MOJO of the model.',
    endings: ['.class'],
    starts: '\xca\xfe\xba\xbe',
  },
  {
    name: 'a Java archive',
    instead: 'Give the .java source of the POJO, or the MOJO of the model.',
    endings: ['.jar'],
    entry: /^META-INF\/MANIFEST\.MF$/,
  },
]
