import { numeral } from './transform-data.ts'
import { dateText } from './transform-dates.ts'
import type { Dice } from './transform-dice.ts'

const LITERALS = [
  ...[
    'x',
    '',
    ' ',
    'null',
    'true',
    'true}',
    '12',
    '1.50',
    '+7',
    '1e3',
    '300',
    '70000',
    '3000000000',
    '12345678901234567890',
  ],
  ...[
    '0.1',
    '1e40',
    '-0.0',
    '5.0',
    '2020-02-29',
    '12:34:56.789Z',
    '2020-02-29T12:34:56.789Z',
    '[1,2,3]',
    '[1, 2.5]',
    '[]',
  ],
  ...[
    '["a","b"]',
    '["a\\"b"]',
    '[1,null]',
    '[1,"a"]',
    '{"a":1,"b":300}',
    '{"a":[1,2],"b":[]}',
    '{1:2}',
    '[1,,2]',
    '[1',
    '{"a"}',
  ],
  ...[
    '{"a":null}',
    '["2020-02-29"]',
    '[true,false]',
    '[ "x y" , "z" ]',
    'a:b',
    '{"a":1,}',
    '1.5.5',
    '-',
    '12abc',
    '[[1],[2.5]]',
  ],
  ...[
    '"x"',
    '"',
    '[1000, 1e2]',
    '[5, 12:34:56.789Z]',
    '{"k":"v", "k":"w"}',
    '1E5',
    '.5',
    '5.',
    'ü€',
    '\\"',
    '[9.5, 3000000000]',
  ],
]

/** What is given as the literal of a header. */
export function literal(dice: Dice): string {
  const roll = dice.roll()
  if (roll < 0.3) return dice.of(LITERALS)
  if (roll < 0.4) return numeral(dice)
  return roll < 0.5 ? dateText(dice, dice.of(DATES)) : mixed(dice)
}

const DATES = [
  'yyyy-MM-dd',
  "HH:mm:ss.SSS'Z'",
  "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'",
  "yyyy-MM-dd'T'HH\\:mm:ss.SSSX",
] as const

const PIECES = [
  ...[
    '[',
    ']',
    '{',
    '}',
    ',',
    ':',
    '"',
    '1',
    '2.5',
    'a',
    'true',
    'null',
    ' ',
    '\\',
    '300',
    '[1,',
    '{"a":',
    '"x"',
  ],
  ...[
    '3000000000',
    '-7',
    '1e3',
    '2020-02-29',
    '12:34:56.789Z',
    'false',
    '99999999999999999999',
    ',"',
    '":',
    '\t',
  ],
] as const

/** A literal out of pieces. */
function mixed(dice: Dice): string {
  return Array.from({ length: 1 + dice.below(9) }, () => dice.of(PIECES)).join('')
}
