import { decimalText } from '../decimal-text.ts'
import type { Decimal } from '../schema.ts'
import { checkedDecimal, compare } from './compare.ts'
import { ofInt, parseDecimal } from './decimals.ts'
import { ExpressionError } from './expression-error.ts'
import { indexOf } from './find-text.ts'
import { checkedInt, checkedTimestamp } from './operators.ts'
import { parseDuration, parseTimestamp, TIME_PARTS } from './times.ts'
import { type CelValue, type Kind, type ValuesOf } from './values.ts'

/** A function for arguments of certain kinds; that of a method's receiver comes first. */
export interface Overload {
  readonly takes: readonly Kind[]
  readonly gives: Kind
  run(args: readonly CelValue[]): CelValue
}

const FUNCTIONS = new Map<string, Overload[]>()

/** A function `size`, a method `.size`, or both in the name `size .size`. */
function define<const K extends readonly Kind[]>(
  names: string,
  takes: K,
  gives: Kind,
  run: (...args: ValuesOf<K>) => CelValue,
): void {
  const overload: Overload = { takes, gives, run: (args) => run(...(args as unknown as ValuesOf<K>)) }
  for (const name of names.split(' ')) FUNCTIONS.set(name, [...(FUNCTIONS.get(name) ?? []), overload])
}

export function overloadsOf(name: string): readonly Overload[] {
  return FUNCTIONS.get(name) ?? []
}

export const functionNames = (): readonly string[] => [...FUNCTIONS.keys()]

function failed(what: string): never {
  throw new ExpressionError(what)
}

const shown = (text: string) => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)

define('size .size', ['string'], 'int', (text) => BigInt(codePoints(text)))
define('size .size', ['bytes'], 'int', (bytes) => BigInt(bytes.length))
define('size .size', ['list'], 'int', (list) => BigInt(list.size))
define('size .size', ['map'], 'int', (map) => BigInt(map.size))

function codePoints(text: string): number {
  let count = 0
  for (let at = 0; at < text.length; at++) {
    if (text.codePointAt(at)! > 0xffff) at++
    count++
  }
  return count
}

define('.startsWith', ['string', 'string'], 'bool', (text, part) => text.startsWith(part))
define('.endsWith', ['string', 'string'], 'bool', (text, part) => text.endsWith(part))
define('.contains', ['string', 'string'], 'bool', (text, part) => indexOf(text, part) >= 0)
define('.lowerAscii', ['string'], 'string', (text) =>
  text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()),
)
define('.upperAscii', ['string'], 'string', (text) =>
  text.replace(/[a-z]+/g, (letters) => letters.toUpperCase()),
)
define('.trim', ['string'], 'string', (text) => text.trim())
define('.substring', ['string', 'int'], 'string', (text, from) => cut(text, from))
define('.substring', ['string', 'int', 'int'], 'string', cut)

/** By code points, as CEL counts. */
function cut(text: string, from: bigint, to?: bigint): string {
  const size = BigInt(codePoints(text))
  const end = to ?? size
  if (from < 0n || end < from || end > size)
    failed(`substring(${from}, ${end}) of a text of ${size} characters`)
  return text.slice(placeOf(text, from), placeOf(text, end))
}

/** Where a code point begins. */
function placeOf(text: string, point: bigint): number {
  let at = 0
  for (let left = Number(point); left > 0; left--) at += text.codePointAt(at)! > 0xffff ? 2 : 1
  return at
}

const INT = /^[+-]?\d{1,19}$/
const DOUBLE = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
const LONGEST_NUMBER = 400

function inRange(value: number): bigint {
  if (!Number.isFinite(value)) failed(`int(${value})`)
  return checkedInt(BigInt(Math.trunc(value)))
}

define('int', ['int'], 'int', (value) => value)
define('int', ['double'], 'int', inRange)
define('int', ['decimal'], 'int', (value) => checkedInt(whole(checkedDecimal(value))))
define('int', ['string'], 'int', (text) =>
  INT.test(text) ? checkedInt(BigInt(text.replace('+', ''))) : failed(`${shown(text)} is no int`),
)
define('int', ['timestamp'], 'int', (time) => BigInt(Math.floor(time.getTime() / 1000)))

function whole({ unscaled, scale }: Decimal): bigint {
  const power = 10n ** BigInt(Math.abs(scale))
  return scale > 0 ? unscaled / power : unscaled * power
}

define('double', ['double'], 'double', (value) => value)
define('double', ['int'], 'double', Number)
define('double', ['decimal'], 'double', (value) => Number(decimalText(checkedDecimal(value))))
define('double', ['string'], 'double', (text) =>
  text.length <= LONGEST_NUMBER && DOUBLE.test(text) ? Number(text) : failed(`${shown(text)} is no double`),
)
define('decimal', ['decimal'], 'decimal', (value) => value)
define('decimal', ['int'], 'decimal', ofInt)
define('decimal', ['string'], 'decimal', (text) =>
  text.length <= LONGEST_NUMBER
    ? (parseDecimal(text) ?? failed(`${shown(text)} is no decimal`))
    : failed(`${shown(text)} is no decimal`),
)

define('string', ['string'], 'string', (text) => text)
define('string', ['bool'], 'string', String)
define('string', ['int'], 'string', String)
define('string', ['double'], 'string', String)
define('string', ['decimal'], 'string', (value) => decimalText(checkedDecimal(value)))
define('string', ['timestamp'], 'string', (time) => time.toISOString())
define('string', ['bytes'], 'string', (bytes) => {
  const text = bytes.toString()
  return Buffer.from(text).equals(bytes) ? text : failed('The bytes are not UTF-8')
})
define('bytes', ['string'], 'bytes', (text) => Buffer.from(text))
define('bytes', ['bytes'], 'bytes', (bytes) => bytes)
define('bool', ['string'], 'bool', (text) =>
  text === 'true' || text === 'false' ? text === 'true' : failed(`${shown(text)} is not true or false`),
)
define('bool', ['bool'], 'bool', (value) => value)

define('timestamp', ['timestamp'], 'timestamp', (time) => time)
define('timestamp', ['int'], 'timestamp', (seconds) => checkedTimestamp(seconds * 1000n))
define(
  'timestamp',
  ['string'],
  'timestamp',
  (text) => parseTimestamp(text) ?? failed(`${shown(text)} is no time like 2026-01-31T12:00:00Z`),
)
define(
  'duration',
  ['string'],
  'duration',
  (text) => parseDuration(text) ?? failed(`${shown(text)} is no duration like 1h30m, 10s or 500ms`),
)
for (const [name, part] of Object.entries(TIME_PARTS))
  define(`.${name}`, ['timestamp'], 'int', (time) => BigInt(part(time)))

const SECONDS_PER: Readonly<Record<string, bigint>> = { getHours: 3600n, getMinutes: 60n, getSeconds: 1n }
for (const [name, seconds] of Object.entries(SECONDS_PER))
  define(`.${name}`, ['duration'], 'int', (span) => span.milliseconds / (1000n * seconds))
define('.getMilliseconds', ['duration'], 'int', (span) => span.milliseconds)

// CEL's math extension, of which people ask for these
define('math.abs', ['int'], 'int', (value) => checkedInt(value < 0n ? -value : value))
define('math.abs', ['double'], 'double', Math.abs)
for (const [name, run] of Object.entries({ ceil: Math.ceil, floor: Math.floor, trunc: Math.trunc, round }))
  define(`math.${name}`, ['double'], 'double', run)
for (const kind of ['int', 'double', 'decimal'] as const) {
  define('math.least', [kind, kind], kind, (a, b) => (compare(b, a) < 0 ? b : a))
  define('math.greatest', [kind, kind], kind, (a, b) => (compare(b, a) > 0 ? b : a))
}

/** Half away from zero. */
function round(value: number): number {
  const floor = Math.floor(Math.abs(value))
  return Math.sign(value) * (Math.abs(value) - floor >= 0.5 ? floor + 1 : floor)
}
