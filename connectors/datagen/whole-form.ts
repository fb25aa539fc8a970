import { type AvroType, type Decimal, type Json, LOGICAL, type Value } from 'sluice'

const MS_PER_DAY = 86_400_000
const LATEST_DAY = 100_000_000
/** 2100-01-01: until when dates and times go where the schema does not say. */
const LAST_DAY = 47_482
/** More digits than this are not made where the schema does not ask for them. */
const MOST_DIGITS = 38

/** How a type has whole numbers: as they are, as days or milliseconds of a date, or as the digits of a decimal. */
export interface WholeForm {
  /** What it is in words. */
  readonly what: string
  /** The least and the greatest number that the type holds. */
  readonly least: bigint
  readonly greatest: bigint
  /** The number one: what an iteration steps by. */
  readonly one: bigint
  /** What is made where the schema says nothing: from the least to before the end. */
  readonly usual: { readonly from: bigint; readonly end: bigint }
  /** The number that a person wrote; undefined where it is none of this type. */
  read(json: Json | undefined): bigint | undefined
  /** The value; numbers that a double holds are given as such. */
  value(number: number | bigint): Value
}

const BITS: Readonly<Record<string, bigint>> = { INT8: 8n, INT16: 16n, INT32: 32n, INT64: 64n }

function wholeNumber(json: Json | undefined): bigint | undefined {
  return typeof json === 'bigint' || Number.isInteger(json) ? BigInt(json as number | bigint) : undefined
}

function plain(bits: bigint, what: string): WholeForm {
  const half = 1n << (bits - 1n)
  return {
    what,
    one: 1n,
    least: -half,
    greatest: half - 1n,
    usual: { from: -half, end: half },
    read: wholeNumber,
    value: bits === 64n ? BigInt : Number,
  }
}

/** A number of `unit` milliseconds; a person may write a date in ISO 8601 too. */
function time(
  what: string,
  unit: number,
  limits: Pick<WholeForm, 'least' | 'greatest' | 'usual'>,
): WholeForm {
  return {
    what,
    one: 1n,
    ...limits,
    read: (json) => {
      if (typeof json !== 'string') return wholeNumber(json)
      const ms = Date.parse(json)
      return Number.isNaN(ms) ? undefined : BigInt(Math.floor(ms / unit))
    },
    value: (number) => new Date(Number(number) * unit),
  }
}

const SYMMETRIC = (limit: number) => ({ least: BigInt(-limit), greatest: BigInt(limit) })

const TIMES: Readonly<Record<string, WholeForm>> = {
  [LOGICAL.date]: time('a date', MS_PER_DAY, {
    ...SYMMETRIC(LATEST_DAY),
    usual: { from: 0n, end: BigInt(LAST_DAY) },
  }),
  [LOGICAL.time]: time('a time of day', 1, {
    ...{ least: 0n, greatest: BigInt(MS_PER_DAY - 1) },
    usual: { from: 0n, end: BigInt(MS_PER_DAY) },
  }),
  [LOGICAL.timestamp]: time('a timestamp', 1, {
    ...SYMMETRIC(LATEST_DAY * MS_PER_DAY),
    usual: { from: 0n, end: BigInt(LAST_DAY * MS_PER_DAY) },
  }),
}

/** Digits of a decimal: 9.5 with scale 2 is 950. `bytes`: what a fixed has room for. */
function decimal(scale: number, precision: number, bytes: number | undefined): WholeForm {
  const digits = 10n ** BigInt(precision)
  const room = bytes === undefined ? digits : 1n << BigInt(Math.max(0, 8 * bytes - 1))
  const limit = room < digits ? room : digits
  const most = 10n ** BigInt(Math.min(precision, MOST_DIGITS))
  const usual = most < limit ? most : limit
  return {
    what: `a decimal with ${scale} of ${precision} digits behind the point`,
    one: 10n ** BigInt(scale),
    least: 1n - limit,
    greatest: limit - 1n,
    usual: { from: 1n - usual, end: usual },
    read: (json) => unscaled(json, scale),
    value: (number): Decimal => ({ unscaled: BigInt(number), scale }),
  }
}

function unscaled(json: Json | undefined, scale: number): bigint | undefined {
  if (typeof json !== 'string' && typeof json !== 'number' && typeof json !== 'bigint') return undefined
  const [, sign = '', whole = '', fraction = ''] =
    /^(-?)(\d{1,400})(?:\.(\d{1,400}))?$/.exec(String(json)) ?? []
  if (whole === '' || fraction.length > scale) return undefined
  return BigInt(sign + whole + fraction.padEnd(scale, '0'))
}

/** Undefined for a type that has no whole numbers. */
export function wholeForm({ type, connect, attributes }: AvroType): WholeForm | undefined {
  if (connect === null) return undefined
  if (connect.name === LOGICAL.decimal) {
    const { scale = 0, precision, size } = attributes
    return decimal(Number(scale), Number(precision), size === undefined ? undefined : Number(size))
  }
  const bits = BITS[connect.type]
  if (bits === undefined) return undefined
  return TIMES[connect.name ?? ''] ?? plain(bits, `${/^[aeio]/.test(type) ? 'an' : 'a'} ${type}`)
}
