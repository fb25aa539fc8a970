import type { Dice } from './transform-dice.ts'

export const PATTERNS = [
  ...[
    'yyyy-MM-dd',
    'yyyy-MM-dd HH:mm:ss',
    'yyyy-MM-dd HH:mm:ssX',
    "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'",
    'yyyyMMdd',
  ],
  ...[
    'M/d/yy',
    'EEE, d MMM yyyy',
    'EEEE d MMMM yyyy G',
    'hh:mm a',
    'yyyy-MM-dd HH:mm:ssXX',
    'D yyyy',
    'kk:mm K',
  ],
  ...[
    'yyyy-MM-dd HH:mm:ssXXX',
    'yyyy-MM-dd HH:mm:ss Z',
    "''yy''",
    'H:m:s.S',
    'YYYY-ww-u',
    'yyyy W F',
    'yyyyMMddHHmmss z',
    'q',
    "'",
  ],
]

const SEPARATORS = ['-', ' ', ':', '/', '.', '', "'T'", "''", ', '] as const
const LETTERS = 'GyYMLwWDdFEuaHkKhmsSzZX'

/** A pattern of SimpleDateFormat; some are none. */
export function datePattern(dice: Dice): string {
  if (dice.chance(0.5)) return dice.of(PATTERNS)
  let pattern = ''
  for (let i = 1 + dice.below(6); i > 0; i--) {
    const count = dice.chance(0.6) ? 1 + dice.below(2) : 1 + dice.below(4)
    pattern += LETTERS.charAt(dice.below(LETTERS.length)).repeat(count) + dice.of(SEPARATORS)
  }
  return pattern
}

const NAMES: Readonly<Record<string, readonly string[]>> = {
  G: ['AD', 'BC', 'ad'],
  a: ['AM', 'PM', 'pm'],
  E: ['Mon', 'tuesday', 'WED', 'Thursday', 'Su', 'Saturday'],
  z: ['UTC', 'GMT', 'GMT+01:30', 'PST', '+0100', 'gmt-3:15', 'CEST', 'Coordinated Universal Time'],
  Z: ['+0100', '-0830', 'UTC', 'GMT+1:00', '+25', 'Z'],
  X: ['Z', '+01', '-0130', '+01:30', '+1', 'z'],
}
const MONTHS = ['January', 'feb', 'MARCH', 'Sep', 'Sept', 'december'] as const

/** A text that a pattern reads, mostly: numbers may be out of their range, as a lenient calendar takes them. */
export function dateText(dice: Dice, pattern: string): string {
  const found = pattern.replace(/'((?:[^']|'')*)'|([A-Za-z])\2*/g, (whole, quoted: string | undefined) => {
    if (quoted !== undefined) return quoted === '' ? "'" : quoted.replaceAll("''", "'")
    return tokenText(dice, whole[0] ?? '', whole.length)
  })
  return dice.chance(0.1) ? mangled(dice, found) : found
}

function tokenText(dice: Dice, letter: string, count: number): string {
  const named = NAMES[letter]
  if (named !== undefined) return dice.of(named)
  if ('ML'.includes(letter) && count > 2) return dice.of(MONTHS)
  const year = dice.chance(0.2) ? 1570 + dice.below(20) : 1900 + dice.below(200)
  const number = 'yY'.includes(letter) ? year : dice.below(dice.chance(0.9) ? 14 : 400)
  const sign = dice.chance(0.03) ? '-' : ''
  if ('yY'.includes(letter) && count === 2 && dice.chance(0.7)) return String(number % 100).padStart(2, '0')
  return sign + String(number).padStart(count, '0')
}

function mangled(dice: Dice, text: string): string {
  const at = dice.below(text.length + 1)
  return text.slice(0, at) + dice.of(['', ' ', 'x', '1', '-']) + text.slice(at + dice.below(2))
}
