import type { AnyOutcome, Subject } from './oracle-subjects.ts'
import { patternDifference, type PatternOutcome } from './pattern-cases.ts'

/** What Sluice does otherwise on purpose. */
export interface Deviation {
  readonly what: string
  readonly because: string
  readonly covers: (found: Difference) => boolean
}

export interface Difference {
  readonly subject: Subject
  /** The case as the Java program got it. */
  readonly asked: Asked
  readonly java: AnyOutcome
  readonly ours: AnyOutcome
}

export interface Asked {
  readonly config: Readonly<Record<string, string>>
  readonly read?: string | null
  readonly pattern?: string
  readonly texts?: readonly string[]
  readonly write?: { readonly schema: { readonly type: string } | null; readonly value: unknown }
}

/** What was read, as text. */
const textOf = (asked: Asked): string => Buffer.from(asked.read ?? '', 'base64').toString()

const refusesOnly = ({ java, ours }: Difference, words: RegExp): boolean =>
  java.error === undefined && words.test(ours.error ?? '')

/** Whether JSON is followed by something else. */
function goesOnAfterJson(text: string): boolean {
  try {
    JSON.parse(text)
    return false
  } catch (error) {
    return String(error).includes('after JSON')
  }
}

const ofTransforms: readonly Deviation[] = [
  {
    what: 'A time further than 8.64e15 ms from 1970 fails.',
    because: 'JavaScript’s dates end there, in the year 275760.',
    covers: ({ ours }) => ours.error?.endsWith('out of the range of dates') === true,
  },
  {
    what: 'A pattern that no date has, and a path that names no field, are refused with the configuration.',
    because: 'Kafka Connect takes them, and then fails record after record.',
    covers: ({ java, ours }) =>
      java.config === undefined &&
      /timestamp.format.*(Unterminated quote|Illegal pattern character|ISO 8601)|The path names no field/.test(
        ours.config ?? '',
      ),
  },
  {
    what: 'A text with the name of a time zone (`z`) is written in UTC again.',
    because:
      'Java’s SimpleDateFormat goes on in the zone that it read last: what it writes depends on the record before.',
    covers: ({ asked, java, ours }) =>
      /"[\w.]*format":"[^"]*z/.test(JSON.stringify(asked.config)) &&
      JSON.stringify(asked.config).includes('"string"') &&
      java.error === undefined &&
      ours.error === undefined,
  },
  {
    what: 'A text with an offset (`X`, `Z`) and a week year (`Y`) is written in UTC again.',
    because:
      'Java’s SimpleDateFormat writes it with the offset that it read, and with `y` for `Y` it writes it in UTC.',
    covers: ({ asked, java, ours }) =>
      /"[\w.]*format":"(?=[^"]*Y)[^"]*[XZ]/.test(JSON.stringify(asked.config)) &&
      JSON.stringify(asked.config).includes('"string"') &&
      java.error === undefined &&
      ours.error === undefined,
  },
  {
    what: 'A number beyond a long that masks an integer without a schema is masked as a long: `1e40`.',
    because: 'Without a schema integers are longs here, also those that Cast made an INT32.',
    covers: ({ subject, asked, java, ours }) =>
      subject.name === 'chain' &&
      /replacement":"[^"]*e\d/i.test(JSON.stringify(asked.config)) &&
      /INT(8|16|32)/i.test(JSON.stringify(asked.config)) &&
      java.error === undefined &&
      ours.error === undefined,
  },
  {
    what: 'A literal with an exponent beyond 5000 is a text.',
    because:
      'As a number it would take more memory and time than it is worth: Connect computes with all of its digits.',
    covers: ({ asked, java, ours }) =>
      /[eE][+-]?\d{4,}/.test(JSON.stringify(asked.config) + textOf(asked)) &&
      java.error === undefined &&
      ours.error === undefined,
  },
  {
    what: 'The digits of a float in a text: `6.8199997E9` and `6.82E9`.',
    because: 'Both mean the same float. Java before 19 writes more digits than it must (JDK-4511638).',
    covers: ({ subject, java, ours }) =>
      subject.difference(withRoundedTexts(java), withRoundedTexts(ours)) === undefined,
  },
]

const ofConverters: readonly Deviation[] = [
  {
    what: 'A tombstone has no schema.',
    because: 'So it stays one, whatever converter writes it.',
    covers: ({ asked, java, ours }) =>
      asked.read === null && java.data?.value === null && ours.data?.value === null,
  },
  {
    what: 'Bytes that are no UTF-8 are refused.',
    because: 'Kafka Connect puts U+FFFD for them: what was sent could not be had back.',
    covers: (found) => refusesOnly(found, /not valid UTF-8/),
  },
  {
    what: 'StringConverter refuses bytes, alone or in a struct.',
    because: 'Java writes the identity of an object, `[B@5e57643e`, which is another one each time.',
    covers: (found) => refusesOnly(found, /StringConverter does not write bytes/),
  },
  {
    what: 'A number without a schema is written by the converter of a type that it fits.',
    because: 'It has no Java class that it could be told by.',
    covers: ({ asked, java, ours }) =>
      asked.write?.schema === null &&
      java.error?.startsWith('Failed to serialize') === true &&
      ours.bytes !== undefined,
  },
  {
    what: 'A value of another type than its schema says is refused, though the converter could write it.',
    because: 'The reader of the schema would be misled; no transform makes such a record.',
    covers: (found) => refusesOnly(found, /writes \w+ only, and the record is/),
  },
  {
    what: 'A header `null` is null, as InsertHeader has it.',
    because: 'SimpleHeaderConverter throws a NullPointerException.',
    covers: ({ asked, java }) =>
      textOf(asked).includes('null') && java.error?.startsWith('Cannot invoke') === true,
  },
]

const ofJson: readonly Deviation[] = [
  {
    what: 'JSON that is not of the type that its schema says is refused.',
    because: 'Kafka Connect reads zero, false or null of it, or the low bits of a number that is too large.',
    covers: (found) => refusesOnly(found, /which does not fit its type/),
  },
  {
    what: 'A JSON number beyond a long or a double is refused.',
    because: 'Kafka Connect keeps the low 64 bits, or makes it infinite.',
    covers: (found) => refusesOnly(found, /out of the range of a (long|double)/),
  },
  {
    what: 'What follows the end of the JSON is refused.',
    because: 'Kafka Connect ignores it: data would be lost without a word.',
    covers: (found) => refusesOnly(found, /not valid JSON/) && goesOnAfterJson(textOf(found.asked)),
  },
  {
    what: 'A JSON schema with a word of a wrong type is refused.',
    because: 'Kafka Connect takes `"optional":"true"` for false, and a name that is a number for none.',
    covers: (found) => refusesOnly(found, /schema cannot be used/),
  },
  {
    what: 'A Decimal schema without a scale that is an integer is refused.',
    because: 'Its values could not be written again: Kafka Connect fails there.',
    covers: (found) => refusesOnly(found, /has no scale parameter|has the scale ".*", which is no integer/),
  },
  {
    what: 'A number for a Decimal has the scale that the schema declares.',
    because:
      'It is the same number; Kafka Connect gives it another scale, which its Avro converter then refuses.',
    covers: ({ subject, asked, java, ours }) =>
      subject.name.startsWith('Json') &&
      textOf(asked).includes('Decimal') &&
      subject.difference(withNumbers(java), withNumbers(ours)) === undefined,
  },
  {
    what: '`NaN`, `Infinity` and `-0.0` in JSON are read as what they are.',
    because: 'Kafka Connect writes them, and reads zero.',
    covers: ({ subject, java, ours }) =>
      subject.name.startsWith('Json') && subject.difference(withZeros(java), withZeros(ours)) === undefined,
  },
]

const ofTexts: readonly Deviation[] = [
  {
    what: 'Characters beyond 16 bits are written in UTF-8 in JSON.',
    because: 'It is the same text: Jackson escapes them.',
    covers: ({ java, ours }) =>
      typeof java.bytes === 'string' &&
      typeof ours.bytes === 'string' &&
      rounded(unescaped(java.bytes)) === rounded(unescaped(ours.bytes)),
  },
  {
    what: 'A day before 15 October 1582 is written as text by the Gregorian calendar: `Oct 14` for `Oct 04`.',
    because: 'So ISO 8601 and the model of the data count; TimestampConverter counts as Java does.',
    covers: ({ subject, asked, java, ours }) =>
      subject.name.startsWith('String') &&
      java.error === ours.error &&
      [...JSON.stringify(asked).matchAll(/"date",(-\d+)/g)].some(
        ([, ms]) => Number(ms) < -12_219_292_800_000,
      ),
  },
]

/** JSON without the escapes of characters beyond 16 bits. */
const unescaped = (base64: string): string =>
  Buffer.from(base64, 'base64')
    .toString()
    .replace(/\\u(D[89AB][0-9A-F]{2})\\u(D[C-F][0-9A-F]{2})/g, (_, high: string, low: string) =>
      String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16)),
    )

/** What was found in one of the texts. */
const caseOf = ({ cases }: AnyOutcome, i: number): PatternOutcome => ({ cases: cases?.slice(i, i + 1) ?? [] })

const ofPatterns: readonly Deviation[] = [
  {
    what: 'A pattern with a possessive repetition that is not equal to a greedy one is refused, by name.',
    because: 'No engine that is linear in time can do it: see decision 13.',
    covers: ({ subject, java, ours }) =>
      subject.kind === 'pattern' && java.config === undefined && ours.config?.includes('possessive') === true,
  },
  {
    what: 'A letter beyond ASCII is no part of a word for `\\b` and `\\B`, as it is none for `\\w`.',
    because: 'So it is in Java since version 19.',
    covers: ({ subject, asked, java, ours }) =>
      subject.kind === 'pattern' &&
      java.config === ours.config &&
      /\\[bB]/.test(asked.pattern ?? '') &&
      (asked.texts ?? []).every(
        (text, i) =>
          /[^\0-\x7f]/.test(text) || patternDifference(caseOf(java, i), caseOf(ours, i)) === undefined,
      ),
  },
  {
    what: 'A pattern that repeats a repetition or a boundary is refused, by name.',
    because: 'RE2 understands it otherwise.',
    covers: ({ subject, java, ours }) =>
      subject.kind === 'pattern' && java.config === undefined && / repeats the /.test(ours.config ?? ''),
  },
  {
    what: 'A pattern that repeats a group that can match nothing is refused, by name, unless it is greedy and captures nothing.',
    because: 'Java leaves the repetition once nothing was matched, and RE2 does not.',
    covers: ({ subject, java, ours }) =>
      subject.kind === 'pattern' &&
      java.config === undefined &&
      ours.config?.includes('a group that can match nothing') === true,
  },
]

const DEVIATIONS = [...ofTransforms, ...ofConverters, ...ofJson, ...ofTexts, ...ofPatterns]

export const deviationNamed = (name: string): Deviation | undefined =>
  DEVIATIONS.find(({ what }) => what === name)

export function deviationOf(found: Difference): Deviation | undefined {
  return DEVIATIONS.find(({ covers }) => covers(found))
}

const rounded = (text: string): string =>
  text.replace(/-?\d+\.\d+(E-?\d+)?/g, (each) => String(Math.fround(Number(each))))

/** Decimals are numbers, whatever their scale. */
function withNumbers(outcome: AnyOutcome): AnyOutcome {
  return JSON.parse(JSON.stringify(outcome), (_, value: unknown) => {
    if (!Array.isArray(value) || value[0] !== 'decimal') return value
    return ['decimal', String(Number(`${String(value[1])}e${-Number(value[2])}`)), 0]
  }) as AnyOutcome
}

/** Numbers that JSON has not are zero. */
function withZeros(outcome: AnyOutcome): AnyOutcome {
  return JSON.parse(JSON.stringify(outcome), (_, value: unknown) => {
    const isOdd = Array.isArray(value) && /^(NaN|-?Infinity|-0|-0\.0)$/.test(String(value[1]))
    return isOdd && /^(float|double)$/.test(String(value[0])) ? [(value as unknown[])[0], '0.0'] : value
  }) as AnyOutcome
}

/** Floats in texts are read as floats. */
function withRoundedTexts(outcome: AnyOutcome): AnyOutcome {
  const made = JSON.parse(JSON.stringify(outcome), (_, value: unknown) =>
    Array.isArray(value) && value[0] === 'string' ? ['string', rounded(String(value[1]))] : value,
  ) as AnyOutcome
  const { headers, bytes } = made
  return {
    ...made,
    ...(typeof bytes === 'string' && { bytes: rounded(Buffer.from(bytes, 'base64').toString('latin1')) }),
    ...(headers !== undefined && {
      headers: headers.map(([key, text]) => [key, text === null ? null : rounded(text)] as const),
    }),
  }
}
