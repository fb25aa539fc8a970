import { type ConfigOf, defineConfig, key, originProblem } from 'sluice'
import { MODEL_KEYS, modelKey } from './scoring/model-keys.ts'
import { outputKeys } from './scoring/output-fields.ts'

/** Whether a number is in a range. */
const between = (low: number, high: number) => (value: number) =>
  value >= low && value <= high ? undefined : `Expected a number from ${low} to ${high}`

export const config = defineConfig({
  ...MODEL_KEYS,
  model: modelKey(
    ' Its input is UINT8 of shape [-1, height, width, 3], or its manifest says how pixels become its numbers (preprocess.image); its labels are in its manifest.',
  ),
  field: key.string({
    doc: 'The field with the image: its bytes, or a text that says where it is. Empty: the key or value itself is the image (ByteArrayConverter) or its location (StringConverter), and becomes a struct of the fields below.',
    importance: 'HIGH',
    group: 'Image',
    default: '',
  }),
  'file.root': key.string({
    doc: 'The folder below which a location may name a file (a relative or absolute path, or a `file:` URL; symbolic links must not lead out of it). It must lie below one of the worker’s images.allowed.dirs. Not set: no file is read.',
    importance: 'MEDIUM',
    group: 'Image',
    optional: true,
    check: (value) => (value.startsWith('/') ? undefined : 'Expected the absolute path of a folder'),
  }),
  'http.allowed.origins': key.list({
    doc: 'From where a location may be fetched, e.g. `https://images.example.com`: each must be among the worker’s images.allowed.origins. Addresses that are not public are asked only where images.private.addresses of the worker allows it. Empty: nothing is fetched.',
    importance: 'MEDIUM',
    group: 'Image',
    default: [],
    check: (origins) => {
      const wrong = origins.find((origin) => originProblem(origin) !== undefined)
      return wrong === undefined ? undefined : `${wrong} ${originProblem(wrong)}`
    },
  }),
  'http.timeout.ms': key.int({
    doc: 'How long the fetch of one image may take, redirects included.',
    importance: 'LOW',
    group: 'Image',
    default: 5000,
    check: between(1, 60_000),
  }),
  'max.bytes': key.int({
    doc: 'The largest image file that is read, in bytes. An image has 16 megapixels at most besides.',
    importance: 'LOW',
    group: 'Image',
    default: 20 * 2 ** 20,
    check: between(1, 256 * 2 ** 20),
  }),
  'decode.concurrency': key.int({
    doc: 'How many images of a task are read at a time.',
    importance: 'LOW',
    group: 'Image',
    default: 2,
    check: between(1, 64),
  }),
  'top.k': key.int({
    doc: 'How many of the best labels `labels` holds.',
    importance: 'MEDIUM',
    group: 'Output',
    default: 5,
    check: between(1, 1000),
  }),
  threshold: key.double({
    doc: 'Where the best probability is below this, `label` is `unknown`.',
    importance: 'MEDIUM',
    group: 'Output',
    default: 0.1,
    check: between(0, 1),
  }),
  ...outputKeys(
    '`label`, `probability` (of the best label) and `labels` (the best labels, each with its probability)',
    '',
  ),
})

export type Config = ConfigOf<typeof config.keys>
