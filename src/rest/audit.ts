import { createWriteStream } from 'node:fs'
import type { Request, RequestHandler } from 'express'
import { CommandError, messageOf } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import { callerOf, isFromWorker } from './access.ts'
import { addressOf } from './connection.ts'
import { isChange } from './needed-role.ts'

/** A request that changed something, or was to. No body and no query is in it: they may hold secrets. */
export interface AuditEntry {
  /** ISO 8601, of when the request came. */
  readonly time: string
  /** Null: nobody has proven who he is. */
  readonly principal: string | null
  readonly role: string | null
  readonly by: string | null
  readonly address: string
  readonly method: string
  readonly path: string
  readonly connector: string | null
  /** The HTTP code; null where the connection ended before there was one. */
  readonly outcome: number | null
}

export type WriteAudit = (entry: AuditEntry) => void

/** Lines in the log, of the logger `sluice.audit`. */
export function auditToLog(log: Logger): WriteAudit {
  const audit = log.child({ logger: 'sluice.audit' })
  return ({ time: at, ...entry }) => audit.info('a request that changes something', { at, ...entry })
}

/** Lines of JSON at the end of a file, which only its owner may read. @throws CommandError where it cannot be written */
export async function auditToFile(file: string, log: Logger): Promise<WriteAudit> {
  const stream = createWriteStream(file, { flags: 'a', mode: 0o600 })
  try {
    await new Promise<void>((resolve, reject) => {
      stream.once('open', () => resolve())
      stream.once('error', reject)
    })
  } catch (error) {
    const message = `The file of rest.audit.log cannot be written: ${messageOf(error)}`
    throw new CommandError('command.input', message, { cause: error })
  }
  stream.on('error', (error) => log.error('the audit log cannot be written', { error: messageOf(error) }))
  return (entry) => void stream.write(`${JSON.stringify(entry)}\n`)
}

/**
 * Tells of each change once, at the worker that a client asked, whichever worker made it, also where it was refused. Refusals for
 * too many attempts are left out: whoever is refused so could fill a disk.
 */
export function auditing(write: WriteAudit | undefined): RequestHandler {
  if (write === undefined) return (_request, _response, next) => next()
  return (request, response, next) => {
    if (isChange(request.method, request.path)) {
      const time = new Date().toISOString()
      response.once('close', () => {
        if (isFromWorker(request) || response.statusCode === 429) return
        write(entryOf(request, time, response.writableEnded ? response.statusCode : null))
      })
    }
    next()
  }
}

const LONGEST_PATH = 2000

function entryOf(request: Request, time: string, outcome: number | null): AuditEntry {
  const { name: principal = null, role = null, by = null } = callerOf(request) ?? {}
  const { method, originalUrl } = request
  const path = (originalUrl.split('?', 1)[0] ?? '').slice(0, LONGEST_PATH)
  const address = addressOf(request)
  return { time, principal, role, by, address, method, path, connector: connectorIn(request), outcome }
}

/** Of the path, or of what is to be created. */
function connectorIn(request: Request): string | null {
  const [, written] = /^\/(?:sluice\/)?connectors\/([^/?]+)/.exec(request.originalUrl) ?? []
  if (written !== undefined) {
    try {
      return decodeURIComponent(written)
    } catch {
      return written
    }
  }
  const body: unknown = request.body
  if (!/^\/connectors\/?(?:\?|$)/.test(request.originalUrl) || !Buffer.isBuffer(body)) return null
  return nameIn(body)
}

const LONGEST_NAME = 1000

function nameIn(body: Buffer): string | null {
  try {
    const data: unknown = JSON.parse(body.toString('utf8'))
    const name = typeof data === 'object' && data !== null && 'name' in data ? data.name : null
    return typeof name === 'string' ? name.trim().slice(0, LONGEST_NAME) : null
  } catch {
    return null
  }
}
