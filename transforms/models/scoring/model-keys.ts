import { type ConfigOf, key } from 'sluice'
import { firstRepeated } from './first-repeated.ts'

/** Keys of every transform that uses models. */
export const MODEL_KEYS = {
  model: modelKey(''),
  'model.seed': key.string({
    doc: 'With several models: a text that makes the split random instead of by key: records go to models by a hash of this and of their place in the topic.',
    importance: 'LOW',
    group: 'Model',
    default: '',
  }),
  shadow: key.list({
    doc: 'Models that score the same records without being used, named as in `model`, e.g. `challenger,airline-delay-dl`. Each may be of any format and read other columns, but must be for the same task and have the same labels. What they say is compared under `GET /sluice/connectors/{name}/shadows` and in the log; what they cannot score is counted there, and hurts no record.',
    importance: 'LOW',
    group: 'Model',
    default: [],
    check: (list) => {
      if (list.includes('')) return 'Expected names or paths of models, separated by commas'
      const twice = firstRepeated(list)
      return twice === undefined ? undefined : `Expected each model once, but ${twice} is there twice`
    },
  }),
  'version.header': key.boolean({
    doc: 'Whether each scored record gets the header `sluice.model`: the name and version of the model that scored it, e.g. `airline-delay$3`.',
    importance: 'LOW',
    group: 'Output',
    default: true,
  }),
  'shadow.header': key.boolean({
    doc: 'Whether each record gets a header `sluice.shadow` per shadow model that scored it: JSON with `model`, `version`, `prediction` and `outputs`.',
    importance: 'LOW',
    group: 'Output',
    default: false,
  }),
}

/** Key of the transforms that read what a model needs from fields. */
export const FIELDS = key.list({
  doc: 'Where a record’s fields have other names than the model’s columns: `column:field` pairs, e.g. `Origin:from,Dest:to`. Or the names of all its fields, in the order of the model’s columns. A field that is named here must be there, unless `missing.fields` says otherwise; its value may be null.',
  importance: 'LOW',
  group: 'Model',
  default: [],
  check: (list) =>
    list.every((item) => /^.+:.+$/.test(item)) || list.every((item) => /^[^:]+$/.test(item))
      ? undefined
      : 'Expected column:field pairs, or field names in the order of the model’s columns',
})

/** Key of the same transforms. */
export const MISSING_FIELDS = key.string({
  doc: 'What a record is that lacks a field of the model’s columns, one that `fields` names included. `fail`: it fails, unless the model’s manifest says `"required": false` of the column. `null`: the field counts as null, a missing value; only a record that has none of the model’s columns fails, and one that lacks a column in whose place the model has nothing.',
  importance: 'LOW',
  group: 'Model',
  default: 'fail',
  check: (value) => (value === 'fail' || value === 'null' ? undefined : 'Expected fail or null'),
})

export type ModelConfig = ConfigOf<typeof MODEL_KEYS>

/** `model`, where a transform has something to say of what it must be. */
export function modelKey(what: string) {
  return key.string({
    doc: `The model: a folder below the worker’s models.dir (\`name\`, or \`name$version\`; where none is named the latest that can be read, which a newer one replaces while the connector runs), or the path of a model file or folder below one of models.allowed.dirs. Or several of one kind with weights, \`a:0.9,b:0.1\`: each record goes to one, by a hash of its key; the header of \`version.header\` says to which.${what}`,
    importance: 'HIGH',
    group: 'Model',
    check: (value) => (value === '' ? 'Expected the name or the path of a model' : undefined),
  })
}
