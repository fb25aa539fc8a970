import { withoutCredentials } from '../api/credentials.ts'
import { ConnectError, messageOf } from '../api/errors.ts'

const MOST_CAUSES = 5

/**
 * What a status shows of an error: it and its causes, one line each, with what to do about them; without stack frames,
 * paths of this machine or secrets of URLs.
 */
export function traceOf(error: unknown): string {
  const lines: string[] = []
  let each = error
  for (let depth = 0; each !== undefined && depth < MOST_CAUSES; depth++) {
    lines.push(`${depth === 0 ? '' : 'Caused by: '}${nameOf(each)}: ${messageOf(each)}`)
    if (each instanceof ConnectError && each.suggestion !== undefined) lines.push(each.suggestion)
    each = each instanceof Error ? each.cause : undefined
  }
  return withoutCredentials(lines.join('\n'))
}

function nameOf(error: unknown): string {
  if (error instanceof ConnectError) return `${error.name} [${error.code}]`
  return error instanceof Error ? error.name : 'Error'
}
