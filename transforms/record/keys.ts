import { key } from 'sluice'

export const APACHE = 'org.apache.kafka.connect.transforms'

/** A key that many of Apache's transforms have. */
export const replaceNullKey = {
  'replace.null.with.default': key.boolean({
    doc: 'Whether a field that is null and has a default becomes that default.',
    importance: 'MEDIUM',
    default: true,
  }),
}

export const notEmpty = (list: readonly string[]): string | undefined =>
  list.length === 0 ? 'Empty list' : undefined

export function oneOf(...allowed: readonly string[]): (value: string) => string | undefined {
  return (value) => (allowed.includes(value) ? undefined : `String must be one of: ${allowed.join(', ')}`)
}
