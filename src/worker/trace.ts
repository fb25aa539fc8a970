import { ConnectError, messageOf } from '../api/errors.ts'

const MOST_CAUSES = 5

/** What a status shows of an error: it and its causes, one line each, without stack frames or paths of this machine. */
export function traceOf(error: unknown): string {
  const lines: string[] = []
  let each = error
  while (each !== undefined && lines.length < MOST_CAUSES) {
    const name =
      each instanceof ConnectError
        ? `${each.name} [${each.code}]`
        : each instanceof Error
          ? each.name
          : 'Error'
    lines.push(`${lines.length === 0 ? '' : 'Caused by: '}${name}: ${messageOf(each)}`)
    each = each instanceof Error ? each.cause : undefined
  }
  return lines.join('\n')
}
