/** `${provider:path:key}` or `${provider:key}` in a value. */
export interface Reference {
  /** As it is written. */
  readonly text: string
  readonly provider: string
  /** Empty in the short form. */
  readonly path: string
  readonly key: string
}

/**
 * A value as the texts and references that it is made of, in order. As in Apache's ConfigTransformer the second colon ends the
 * path, and what no provider of `known` is asked for stays text.
 */
export function splitReferences(value: string, known: ReadonlySet<string>): readonly (string | Reference)[] {
  const parts: (string | Reference)[] = []
  let from = 0
  let at = value.indexOf('${')
  while (at >= 0) {
    const end = value.indexOf('}', at)
    if (end < 0) break
    const reference = readReference(value.slice(at, end + 1))
    const isKnown = reference !== undefined && known.has(reference.provider)
    if (isKnown) {
      if (at > from) parts.push(value.slice(from, at))
      parts.push(reference)
      from = end + 1
    }
    at = value.indexOf('${', isKnown ? end + 1 : at + 2)
  }
  if (from < value.length) parts.push(value.slice(from))
  return parts
}

function readReference(text: string): Reference | undefined {
  const [provider = '', first, ...others] = text.slice(2, -1).split(':')
  if (first === undefined) return undefined
  if (others.length === 0) return { text, provider, path: '', key: first }
  return { text, provider, path: first, key: others.join(':') }
}
