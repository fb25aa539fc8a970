import { compareVersions } from './maven-version.ts'

/** Which versions of a plugin a configuration asks for. */
export interface VersionRange {
  /** As Kafka Connect shows it: `[1.0,1.0]` for the version `1.0`. */
  readonly text: string
  includes(version: string): boolean
}

interface Bound {
  readonly version: string
  readonly isInside: boolean
}
interface Part {
  readonly text: string
  readonly lower: Bound | null
  readonly upper: Bound | null
}

/** No version is longer, and each dash of one is a list inside a list. */
const LONGEST = 200

/**
 * Reads Maven's ranges as Kafka Connect does (KIP-891): `[1.0,2.0)`, `[1.0,)`, `(,1.0],[1.2,)`, and `1.0`, which means
 * exactly that version. Undefined for none and for `latest`: then the highest version is meant.
 * @throws RangeError with what is wrong, in Maven's words
 */
export function parseVersionRange(written: string | undefined): VersionRange | undefined {
  const spec = written?.trim()
  if (spec === undefined || spec === 'latest') return undefined
  if (spec.length > LONGEST) throw new RangeError(`It is longer than ${LONGEST} characters`)
  const parts = partsOf(/^[[(]/.test(spec) ? spec : `[${spec}]`)
  return {
    text: parts.map(({ text }) => text).join(','),
    includes: (version) => parts.some((part) => isWithin(part, version)),
  }
}

function partsOf(spec: string): readonly Part[] {
  const parts: Part[] = []
  let rest = spec
  while (/^[[(]/.test(rest)) {
    const end = rest.search(/[)\]]/)
    if (end < 0) throw new RangeError(`Unbounded range: ${spec}`)
    const part = partOf(rest.slice(0, end + 1))
    const above = parts.at(-1)?.upper
    const isAbove = part.lower !== null && compareVersions(part.lower.version, above?.version ?? '') >= 0
    if (above != null && !isAbove) throw new RangeError(`Ranges overlap: ${spec}`)
    parts.push(part)
    rest = rest
      .slice(end + 1)
      .trim()
      .replace(/^,\s*/, '')
  }
  if (rest !== '') throw new RangeError(`Only fully-qualified sets allowed in multiple set scenario: ${spec}`)
  return parts
}

function partOf(spec: string): Part {
  const [isLowerInside, isUpperInside] = [spec.startsWith('['), spec.endsWith(']')]
  const inner = spec.slice(1, -1).trim()
  const comma = inner.indexOf(',')
  if (comma < 0) {
    if (!isLowerInside || !isUpperInside)
      throw new RangeError(`Single version must be surrounded by []: ${spec}`)
    const bound = { version: inner, isInside: true }
    return { text: `[${inner},${inner}]`, lower: bound, upper: bound }
  }
  const bound = (text: string, isInside: boolean): Bound | null =>
    text.trim() === '' ? null : { version: text.trim(), isInside }
  const lower = bound(inner.slice(0, comma), isLowerInside)
  const upper = bound(inner.slice(comma + 1), isUpperInside)
  const order = lower === null || upper === null ? 1 : compareVersions(upper.version, lower.version)
  if (order < 0 || (order === 0 && !(isLowerInside && isUpperInside)))
    throw new RangeError(`Range defies version ordering: ${spec}`)
  const text = `${spec.charAt(0)}${lower?.version ?? ''},${upper?.version ?? ''}${spec.slice(-1)}`
  return { text, lower, upper }
}

function isWithin({ lower, upper }: Part, version: string): boolean {
  const fromLower = lower === null ? 1 : compareVersions(version, lower.version)
  const toUpper = upper === null ? 1 : compareVersions(upper.version, version)
  return fits(fromLower, lower) && fits(toUpper, upper)
}

function fits(distance: number, bound: Bound | null): boolean {
  return distance > 0 || (distance === 0 && bound?.isInside === true)
}
