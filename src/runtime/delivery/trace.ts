import { withoutCredentials } from '../../api/credentials.ts'
import { ConnectError, messageOf } from '../../api/errors.ts'

const MOST_CAUSES = 5

/**
 * What a status and a dead letter show of an error, as Java prints one: the error, what to do about it, where it was thrown,
 * then its causes. A sentence that stands there already is not said again, and neither are frames; no secrets of URLs.
 */
export function traceOf(error: unknown): string {
  const lines: string[] = []
  let each = error
  let said = ''
  for (let depth = 0; each !== undefined && depth < MOST_CAUSES; depth++) {
    const message = messageOf(each)
    const isNews = message !== '' && !said.includes(message)
    const name = nameOf(each)
    const frames = framesOf(each).filter((frame) => !lines.includes(frame))
    if (isNews || frames.length > 0 || depth === 0)
      lines.push(`${depth === 0 ? '' : 'Caused by: '}${name}${isNews ? `: ${message}` : ''}`)
    if (each instanceof ConnectError && each.suggestion !== undefined) lines.push(each.suggestion)
    lines.push(...frames)
    said += `${message}\n`
    each = each instanceof Error ? each.cause : undefined
  }
  return withoutCredentials(lines.join('\n'))
}

/** The lines of a stack that name code; those of Node itself say nothing. */
function framesOf(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return stack.split('\n').filter((line) => /^ {4}at /.test(line) && !line.includes('node:internal'))
}

function nameOf(error: unknown): string {
  if (error instanceof ConnectError) return `${error.name} [${error.code}]`
  return error instanceof Error ? error.name : 'Error'
}
