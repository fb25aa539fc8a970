import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { ModelError } from '../../api/errors.ts'
import { type Mlmodel, MLMODEL } from '../manifest/mlmodel.ts'

/** Ways out for the flavors that are met most; each ends in a model that is read. */
const LOG_ONNX = 'log it as ONNX besides: mlflow.onnx.log_model(onnx_model, …)'
const INSTEAD: Readonly<Record<string, string>> = {
  sklearn: `convert it with skl2onnx and ${LOG_ONNX}`,
  xgboost: `convert it with onnxmltools.convert_xgboost and ${LOG_ONNX}`,
  lightgbm: `convert it with onnxmltools.convert_lightgbm and ${LOG_ONNX}`,
  catboost: `save it with model.save_model("model.onnx", format="onnx") and ${LOG_ONNX}`,
  spark: `convert it with onnxmltools.convert_sparkml and ${LOG_ONNX}`,
  pytorch: `export it with torch.onnx.export and ${LOG_ONNX}`,
  tensorflow: 'save the Keras model as model.keras, or convert it with tf2onnx',
  keras: 'save the Keras model with model.save("model.keras")',
  h2o: 'download its MOJO (model.download_mojo()) and put that into the folder of its own',
  python_function: `it is Python code: where a model that can be exported is inside, ${LOG_ONNX}`,
}

interface Flavor {
  readonly name: string
  /** Where its model file lies, below the folder; undefined where it was saved in a form that is not read. */
  readonly find: (folder: string, keys: Readonly<Record<string, unknown>>) => Promise<string | undefined>
}

/** `data` as MLflow names it: a file, or the folder of one. */
const dataOf = (keys: Readonly<Record<string, unknown>>, usual: string): string =>
  typeof keys['data'] === 'string' ? keys['data'] : usual

const findKeras: Flavor['find'] = (folder, keys) =>
  firstIn(folder, dataOf(keys, 'data'), ['.keras', '.h5', '.hdf5'])

const FLAVORS: readonly Flavor[] = [
  { name: 'onnx', find: (_, keys) => Promise.resolve(dataOf(keys, 'model.onnx')) },
  { name: 'keras', find: findKeras },
  { name: 'tensorflow', find: findKeras },
  { name: 'h2o', find: (folder, keys) => firstIn(folder, dataOf(keys, 'model.h2o'), ['.zip', '.mojo']) },
]

/** The one file of these endings in a folder below `folder`. A folder that leads out is refused where the file is opened. */
async function firstIn(
  folder: string,
  data: string,
  endings: readonly string[],
): Promise<string | undefined> {
  const names = await readdir(path.join(folder, data)).catch(() => [])
  for (const ending of endings) {
    const found = names.filter((name) => !name.startsWith('.') && name.endsWith(ending))
    if (found.length === 1) return path.join(data, found[0] ?? '')
  }
  return undefined
}

/** The model file of a folder that MLflow saved, as a path below it. Throws `model.unsupported` where no flavor of it is read. */
export async function findMlflowFile(folder: string, { flavors }: Mlmodel): Promise<string> {
  for (const flavor of FLAVORS) {
    const keys = flavors.get(flavor.name)
    const file = keys && (await flavor.find(folder, keys))
    if (file !== undefined) return file
  }
  const names = [...flavors.keys()]
  const named = names.filter((name) => name !== 'python_function')
  const main = named.find((name) => INSTEAD[name] !== undefined) ?? named[0] ?? 'python_function'
  const isKnown = FLAVORS.some(({ name }) => name === main)
  const why = isKnown
    ? `holds an MLflow model of the flavor ${main}, but no model file in a form that is read`
    : `holds an MLflow model of the flavor ${main}, which is not read (${FLAVORS.map(({ name }) => name).join(', ')} are)`
  const advice = INSTEAD[main] ?? LOG_ONNX
  throw new ModelError('model.unsupported', `${path.join(folder, MLMODEL)} ${why}. To use it, ${advice}.`)
}
