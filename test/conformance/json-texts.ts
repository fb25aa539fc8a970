import { numeral, text } from './transform-data.ts'
import type { Dice } from './transform-dice.ts'

const NUMBERS = [
  '0',
  '-0',
  '-0.0',
  '1',
  '127',
  '128',
  '-129',
  '32768',
  '2147483648',
  '9223372036854775807',
] as const
const ODD = [
  '9223372036854775808',
  '-9223372036854775809',
  '1e400',
  '1.0',
  '1E2',
  '1e-5',
  '0.1',
  '00',
  '1.',
  '.5',
  '+1',
] as const
const BLANKS = ['', '', '', '', ' ', '\n', '\t', '  '] as const

/** A JSON text of any kind; a few of its numbers are none. */
export function jsonText(dice: Dice, depth: number): string {
  const roll = dice.roll()
  const blank = (): string => dice.of(BLANKS)
  if (depth > 0 && roll < 0.4) {
    const names = dice.some(['a', 'b', 'c', 'a', 'ü', '', 'schema', 'payload', 'key'], 4)
    const items = names.map((name) => `${blank()}"${name}"${blank()}:${blank()}${jsonText(dice, depth - 1)}`)
    return `{${(dice.chance(0.1) ? [] : items).join(',')}${blank()}}`
  }
  if (depth > 0 && roll < 0.55)
    return `[${Array.from({ length: dice.below(4) }, () => blank() + jsonText(dice, depth - 1)).join(',')}${blank()}]`
  if (roll < 0.62) return dice.of(['null', 'true', 'false'])
  if (roll < 0.8) return number(dice)
  return string(dice)
}

function number(dice: Dice): string {
  const roll = dice.roll()
  if (roll < 0.3) return dice.of(NUMBERS)
  if (roll < 0.35) return dice.of(ODD)
  if (roll < 0.6) return `${dice.below(100_000) - 50_000}`
  const fraction = `${dice.below(10_000)}.${dice.below(1000)}`
  return roll < 0.9 ? fraction : numeral(dice).trim() || '0'
}

const ESCAPES = [
  '\\n',
  '\\u00e9',
  '\\ud83d\\ude00',
  '\\"',
  '\\\\',
  '\\/',
  '\\u0000',
  '\\b',
  '\\t',
  '\\x',
] as const

function string(dice: Dice): string {
  if (dice.chance(0.7)) return JSON.stringify(text(dice))
  return `"${text(dice).replace(/["\\\u0000-\u001f]/g, '')}${dice.chance(0.95) ? dice.of(ESCAPES.slice(0, 9)) : dice.of(ESCAPES)}"`
}

const PIECES = [
  '',
  '',
  ',',
  '"',
  '{',
  '}',
  '[',
  ']',
  ':',
  'null',
  '1',
  '-',
  ' ',
  'true',
  '"a":1,',
  '\\',
] as const
const WORDS: readonly (readonly [RegExp, readonly string[]])[] = [
  [
    /"type":"(\w+)"/,
    ['"type":"int8"', '"type":"INT8"', '"type":"x"', '"type":7', '"type":"string"', '"type":"bytes"'],
  ],
  [
    /"optional":(\w+)/,
    ['"optional":true', '"optional":null', '"optional":"true"', '"optional":1', '"optional":false'],
  ],
  [/"field":"(\w+)"/, ['"field":"a"', '"field":null', '"field":""', '"name":"a"', '"field":5']],
  [
    /"name":"([\w.]+)"/,
    ['"name":""', '"name":null', '"name":7', '"name":"org.apache.kafka.connect.data.Date"'],
  ],
  [
    /"version":\d+/,
    ['"version":"x"', '"version":null', '"version":1.5', '"version":-1', '"version":99999999999'],
  ],
  [/"scale":"\d+"/, ['"scale":"x"', '"scale":1', '"scale":null', '"scale":"-1"', '"scale":"1.0"']],
  [/"doc":"[^"]*"/, ['"doc":null', '"doc":7', '"doc":{}']],
  [/"parameters":\{/, ['"parameters":null,"x":{', '"parameters":{"a":1,', '"parameters":{"a":null,']],
  [/"payload":\{/, ['"payload":{"zz":1,', '"payload":{"a":null,', '"payload":{"a":1,']],
  [/"default":[^,}]+/, ['"default":null', '"default":7', '"default":"x"', '"default":[]']],
]

/** A text in which a piece is another, or a word of a schema has another value. */
export function mangled(dice: Dice, json: string): string {
  const fitting = WORDS.filter(([pattern]) => pattern.test(json))
  if (fitting.length > 0 && dice.chance(0.7)) {
    const [pattern, others] = dice.of(fitting)
    const all = [...json.matchAll(new RegExp(pattern, 'g'))]
    const found = dice.of(all)
    return json.slice(0, found.index) + dice.of(others) + json.slice(found.index + found[0].length)
  }
  const at = dice.below(json.length + 1)
  return json.slice(0, at) + dice.of(PIECES) + json.slice(at + dice.below(2))
}
