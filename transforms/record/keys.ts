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

export const distinctNames = (list: readonly string[]): string | undefined =>
  list.includes('')
    ? 'values must not be empty: there is a comma too many'
    : new Set(list).size < list.length
      ? 'values must not be duplicated'
      : undefined

/** As a worker of Kafka Connect checks lists since 4.1. */
export const names = (list: readonly string[]): string | undefined => notEmpty(list) ?? distinctNames(list)

export function oneOf(...allowed: readonly string[]): (value: string) => string | undefined {
  return (value) => (allowed.includes(value) ? undefined : `String must be one of: ${allowed.join(', ')}`)
}
