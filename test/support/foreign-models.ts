import { deflateSync, gzipSync } from 'node:zlib'
import { bytesField, integerField, textField } from '../../src/inference/engines/protobuf.ts'
import { zipOf } from './zip-writer.ts'

/** A file as another program writes it: only as much of it as tells what it is. */
export interface ForeignFile {
  readonly file: string
  readonly bytes: Buffer
  /** What it is called when it is refused, and a part of what is said to do instead. */
  readonly name: string
  readonly instead: string
}

const text = (content: string) => Buffer.from(content, 'utf8')
const latin = (content: string) => Buffer.from(content, 'latin1')
const zip = (...names: readonly string[]) => zipOf(names.map((name) => ({ name, content: text('x') })))

/** A zip as PyTorch writes it: with the records of zip64, which say that the sizes stand there. */
function zip64(...names: readonly string[]): Buffer {
  const plain = zip(...names)
  const [records, end] = [Buffer.alloc(56 + 20), Buffer.from(plain.subarray(-22))]
  records.write('PK\x06\x06', 'latin1')
  records.write('PK\x06\x07', 56, 'latin1')
  end.writeUInt32LE(0xffffffff, 16)
  return Buffer.concat([plain.subarray(0, -22), records, end])
}

const node = bytesField(1, Buffer.concat([textField(1, 'x'), textField(2, 'Placeholder')]))
export const GRAPH_DEF = Buffer.concat([node, node, bytesField(4, integerField(1, 1395))])

const metaGraph = bytesField(1, Buffer.concat([textField(4, 'serve'), textField(5, '2.17.0')]))
export const SAVED_MODEL = Buffer.concat([
  integerField(1, 1),
  bytesField(2, Buffer.concat([metaGraph, bytesField(2, Buffer.alloc(100_000, 7))])),
])

const CORE_ML = Buffer.concat([
  integerField(1, 4),
  bytesField(2, bytesField(1, Buffer.concat([textField(1, 'x'), bytesField(3, Buffer.alloc(4))]))),
  bytesField(403, Buffer.alloc(20)),
])

function ubjson(): Buffer {
  const key = (name: string) => latin(`L\0\0\0\0\0\0\0${String.fromCharCode(name.length)}${name}`)
  return Buffer.concat([latin('{'), key('learner'), latin('{'), key('attributes'), latin('{}')])
}

/** XGBoost before 2.1: numbers of LearnerModelParam, then texts with their lengths. */
function xgboostBinary(): Buffer {
  const sized = (name: string) => latin(`${String.fromCharCode(name.length)}\0\0\0\0\0\0\0${name}`)
  return Buffer.concat([Buffer.alloc(136, 1), sized('binary:logistic'), sized('gbtree'), Buffer.alloc(100)])
}

function safetensors(): Buffer {
  const header = text('{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}')
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, header, Buffer.alloc(4)])
}

/** Protocol 4: its number, the length of a frame, and the name of a class. */
export const PICKLE = Buffer.concat([
  latin('\x80\x04\x95\x40\0\0\0\0\0\0\0\x8c\x15sklearn.linear_model\x94\x8c\x12LogisticRegression\x94\x93'),
  Buffer.alloc(100),
])
export const XGBOOST_JSON = text(
  '{"learner":{"attributes":{},"feature_names":[],"gradient_booster":{"model":{}}},"version":[2,1,1]}',
)
export const PMML = text(
  '<?xml version="1.0" encoding="UTF-8"?>\n<!-- a tree -->\n<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"/>',
)
export const TORCH = zip64('net/data.pkl', 'net/byteorder', 'net/data/0', 'net/version')
const TFLITE = Buffer.concat([latin('\x1c\0\0\0TFL3'), Buffer.alloc(40)])
const R_OBJECT = latin('X\n\0\0\0\x03\0\x04\x03\x02\0\x03\x05\0')

/** So many that the first names are far from the end of the archive. */
const LAYERS = ['net/data.pkl', ...Array.from({ length: 2000 }, (_, i) => `net/data/${i}`)]

const SKL = ['a Python pickle', 'they run code. Export the model in Python as ONNX: skl2onnx'] as const
const XGB = ['an XGBoost model', 'onnxmltools.convert_xgboost'] as const
const LGB = ['a LightGBM model', 'onnxmltools.convert_lightgbm'] as const
const PT = ['a PyTorch model', 'torch.onnx.export'] as const
const R = ['an R object', 'h2o.download_mojo'] as const

export const FOREIGN_FILES: readonly ForeignFile[] = (
  [
    ['model.pb', GRAPH_DEF, 'a TensorFlow graph (GraphDef)', 'tf2onnx.convert --graphdef'],
    ['saved_model.pb', SAVED_MODEL, 'a TensorFlow SavedModel', 'tf2onnx.convert --saved-model'],
    ['m.tflite', TFLITE, 'a TensorFlow Lite model', 'tf2onnx.convert --tflite'],
    [
      'model.json',
      text('{"format":"layers-model","modelTopology":{}}'),
      'a TensorFlow.js model',
      'model.save(',
    ],
    [
      'architecture.json',
      text('{"module":"keras","class_name":"Sequential"}'),
      'without weights',
      'model.save(',
    ],
    ['m.json', XGBOOST_JSON, ...XGB],
    ['m.ubj', ubjson(), ...XGB],
    ['m.model', xgboostBinary(), ...XGB],
    ['m.bin', Buffer.concat([latin('binf'), xgboostBinary()]), ...XGB],
    ['dump.txt', text('booster[0]:\n0:[f2<2.45] yes=1,no=2\n'), ...XGB],
    ['m.txt', text('tree\nversion=v4\nnum_class=1\n'), ...LGB],
    ['dump.json', text('{"name":"tree","version":"v4"}'), ...LGB],
    ['m.cbm', latin('CBM1\x10\0\0\0'), 'a CatBoost model', 'format="onnx"'],
    ['cat.json', text('{"features_info":{},"oblivious_trees":[]}'), 'a CatBoost model', 'format="onnx"'],
    ['m.pmml', PMML, 'a PMML document', 'Train the model again in H2O'],
    ['m.xml', PMML, 'a PMML document', 'Train the model again in H2O'],
    ['ir.xml', text('<?xml version="1.0"?>\n<net name="m" version="11">'), 'an OpenVINO network', 'as ONNX'],
    ['m.pkl', PICKLE, ...SKL],
    ['m.joblib', deflateSync(PICKLE), ...SKL],
    ['old.pickle', text('csklearn.tree\nDecisionTree\np0\n'), ...SKL],
    ['m.skops', zip('schema.json', 'a.npy'), 'a scikit-learn model (skops)', 'skl2onnx'],
    ['m.npz', zip('coef.npy'), 'an archive of NumPy arrays', 'as ONNX'],
    ['m.pt', TORCH, ...PT],
    ['m.pth', zip('archive/data.pkl', 'archive/version'), ...PT],
    ['old.pt', latin('\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.'), ...PT],
    ['script.pt', zip64('m/data.pkl', 'm/code/__torch__.py', 'm/constants.pkl'), 'TorchScript', 'torch.onnx'],
    ['m.mlmodel', CORE_ML, 'a Core ML model', 'as ONNX'],
    ['m.gguf', latin('GGUF\x03\0\0\0'), 'a GGUF language model', 'Language models are not scored'],
    ['m.safetensors', safetensors(), 'weights in safetensors', 'torch.onnx.export'],
    ['m.rds', gzipSync(R_OBJECT), ...R],
    ['plain.rds', R_OBJECT, ...R],
    ['m.rdata', gzipSync(Buffer.concat([latin('RDX3\n'), R_OBJECT])), ...R],
    ['m.ort', Buffer.concat([latin('\x10\0\0\0ORTM'), Buffer.alloc(40)]), 'ORT format', 'the .onnx file'],
    ['m.jar', zip('META-INF/MANIFEST.MF', 'Gbm.class'), 'a Java archive', '.java source'],
    ['m.ser', latin('\xac\xed\x00\x05sr'), 'a serialized Java object', 'download its MOJO'],
    ['GBM_1', latin('\x1c\xed\x3b\x083.46.0.6'), 'a binary model of H2O', 'model.download_mojo()'],
    ['dai.zip', zip('mojo-pipeline/pipeline.mojo'), 'an H2O Driverless AI pipeline', 'H2O-3'],
    [
      'lfs.onnx',
      text('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'),
      'Git LFS',
      'git lfs pull',
    ],
    ['page.zip', text('<!DOCTYPE html>\n<html>'), 'a web page', 'Download the model itself'],
    [
      'm.tar.gz',
      gzipSync(Buffer.concat([Buffer.alloc(257), latin('ustar\x0000')])),
      'a tar archive',
      'Unpack it',
    ],
    ['large.pt', zip(...LAYERS), ...PT],
    ['m.pdmodel', Buffer.alloc(20), 'a Paddle model', 'paddle2onnx'],
    ['empty.tflite', Buffer.alloc(0), 'a TensorFlow Lite model', 'tf2onnx.convert --tflite'],
  ] as const
).map(([file, bytes, name, instead]) => ({ file, bytes, name, instead }))
