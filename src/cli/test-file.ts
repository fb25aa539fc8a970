import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { didYouMean } from '../api/did-you-mean.ts'
import { CommandError, messageOf } from '../api/errors.ts'
import { Fraction, parseWithFractions } from '../converters/exact-json.ts'
import { configOf } from './connector-file.ts'

type Json = Readonly<Record<string, unknown>>

/** What a case and the file that it is in can both say; what the case says counts. */
export interface TestSettings {
  /** Keys of the configuration, over those of the connector. */
  readonly config: Readonly<Record<string, string>>
  /** Files, with their folders. */
  readonly schema?: string
  readonly keySchema?: string
  readonly topic?: string
  /** Input and output are records with these parts, as `--with` names them; else values. */
  readonly with?: string
  /** How much numbers may differ, relative to what was expected. */
  readonly tolerance: number
}

export interface TestCase extends TestSettings {
  readonly name: string
  /** Parsed JSON, numbers as `parseWithFractions` gives them. */
  readonly input: readonly unknown[]
  readonly output: readonly unknown[]
  /** The codes of the records that fail, in order. */
  readonly failed: readonly string[]
  /** How many records are dropped; absent where it does not matter. */
  readonly dropped?: number
  /** A part of the message with which the connector cannot be opened. */
  readonly error?: string
}

export interface TestFile {
  readonly file: string
  readonly connector: string
  readonly cases: readonly TestCase[]
  /** The whole file, to be written again. */
  readonly json: Json
}

const ENDING = '.test.json'
const SETTINGS = ['config', 'schema', 'keySchema', 'topic', 'with', 'tolerance']
const FILE_KEYS = ['connector', 'cases', ...SETTINGS]
const CASE_KEYS = ['name', 'input', 'output', 'failed', 'dropped', 'error', ...SETTINGS]

/**
 * The files of tests that these are, or that lie in these folders and theirs; node_modules is left out.
 * @throws CommandError where one is neither, or there is none
 */
export function findTestFiles(places: readonly string[]): string[] {
  const found = places.flatMap((place) => {
    const is = statSync(place, { throwIfNoEntry: false })
    if (is === undefined) throw wrong(place, 'is not there')
    if (!is.isDirectory()) return [place]
    const inFolder = globSync(`**/*${ENDING}`, { cwd: place, exclude: ['**/node_modules/**', '**/.*/**'] })
    return inFolder.map((file) => path.join(place, file))
  })
  if (found.length > 0) return [...new Set(found)].toSorted()
  throw new CommandError('command.input', `no files named *${ENDING} in ${places.join(', ')}`)
}

/** @throws CommandError that names the file, and the case */
export function readTestFile(file: string): TestFile {
  const json = parsed(file)
  requireKeys(file, json, FILE_KEYS)
  const { connector, cases } = json
  if (connector !== undefined && typeof connector !== 'string')
    throw wrong(file, '"connector" must name a file')
  if (!Array.isArray(cases) || cases.length === 0) throw wrong(file, 'needs a list of "cases"')
  const ofFile = settingsOf(file, file, json, { config: {}, tolerance: 0 })
  const read = cases.map((each: unknown, i) => readCase(file, each, i, ofFile))
  const twice = read.find(({ name }, i) => read.findIndex((other) => other.name === name) !== i)
  if (twice !== undefined) throw wrong(file, `has two cases named "${twice.name}"`)
  return { file, json, cases: read, connector: connectorOf(file, connector) }
}

/** `flight-delay.test.json` is for `flight-delay.json`, or `flight-delay.properties`. */
function connectorOf(file: string, named: string | undefined): string {
  if (named !== undefined) return path.join(path.dirname(file), named)
  if (!file.endsWith(ENDING)) throw wrong(file, 'must name its "connector"')
  const base = file.slice(0, -ENDING.length)
  const found = [`${base}.json`, `${base}.properties`].find((each) => existsSync(each))
  if (found !== undefined) return found
  throw wrong(
    file,
    `has no connector beside it: there is no ${path.basename(base)}.json. Name one as "connector"`,
  )
}

function readCase(file: string, json: unknown, index: number, ofFile: TestSettings): TestCase {
  if (!isObject(json)) throw wrong(file, `case ${index + 1} is no object`)
  const { name, input, output = [], failed = [], dropped, error } = json
  if (typeof name !== 'string' || name === '') throw wrong(file, `case ${index + 1} has no "name"`)
  const where = `${file}, case "${name}"`
  requireKeys(where, json, CASE_KEYS)
  const lists = { input, output, failed }
  for (const [key, list] of Object.entries(lists))
    if (!Array.isArray(list)) throw wrong(where, `needs a list as "${key}"`)
  const codes = failed as readonly unknown[]
  if (!codes.every((code) => typeof code === 'string')) throw wrong(where, 'has codes of errors as "failed"')
  if (dropped !== undefined && !Number.isSafeInteger(dropped)) throw wrong(where, 'has a number as "dropped"')
  if (error !== undefined && typeof error !== 'string') throw wrong(where, 'has a text as "error"')
  return {
    ...settingsOf(where, file, json, ofFile),
    ...{ name, input: input as unknown[], output: output as unknown[], failed: codes },
    ...(dropped === undefined ? {} : { dropped: dropped as number }),
    ...(error === undefined ? {} : { error }),
  }
}

function settingsOf(where: string, file: string, json: Json, before: TestSettings): TestSettings {
  const { config = {}, tolerance } = json
  if (!isObject(config)) throw wrong(where, 'needs an object of keys as "config"')
  const written = Object.entries(config).map(([key, value]): [string, unknown] => {
    if (value instanceof Fraction) return [key, value.text]
    return [key, typeof value === 'number' || typeof value === 'bigint' ? String(value) : value]
  })
  const number = tolerance instanceof Fraction ? tolerance.value : (tolerance ?? before.tolerance)
  if (typeof number !== 'number' || !(number >= 0 && number < 1))
    throw wrong(where, '"tolerance" must be a number from 0 to 1')
  const texts = Object.fromEntries(
    ['schema', 'keySchema', 'topic', 'with'].flatMap((key) => {
      const value = json[key]
      if (value === undefined) return []
      if (typeof value !== 'string') throw wrong(where, `"${key}" must be a text`)
      return [[key, key.endsWith('chema') ? path.join(path.dirname(file), value) : value]]
    }),
  ) as Partial<TestSettings>
  const own = configOf(where, Object.fromEntries(written))
  return { ...before, ...texts, config: { ...before.config, ...own }, tolerance: number }
}

function parsed(file: string): Json {
  let json: unknown
  try {
    json = parseWithFractions(readFileSync(file, 'utf8'))
  } catch (error) {
    throw wrong(file, `cannot be read as JSON: ${messageOf(error)}`)
  }
  if (isObject(json)) return json
  throw wrong(file, 'holds no JSON object')
}

function requireKeys(where: string, json: Json, known: readonly string[]): void {
  const unknown = Object.keys(json).find((key) => !known.includes(key))
  if (unknown === undefined) return
  const near = didYouMean(unknown, known)
  throw wrong(
    where,
    `knows no "${unknown}". ${near === undefined ? `It has ${known.join(', ')}` : `Did you mean "${near}"?`}`,
  )
}

function isObject(json: unknown): json is Json {
  return typeof json === 'object' && json !== null && !Array.isArray(json) && !(json instanceof Fraction)
}

function wrong(where: string, what: string): CommandError {
  return new CommandError('command.input', `${where} ${what}`)
}
