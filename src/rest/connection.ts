import { TLSSocket } from 'node:tls'
import type { Request } from 'express'

/** Of whoever opened the connection: a client, a proxy or another worker. */
export function addressOf(request: Request): string {
  return request.socket.remoteAddress ?? ''
}

/** The common name of a client's certificate, where TLS trusts it and it has one alone. */
export function commonName(request: Request): string | undefined {
  const { socket } = request
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  const subject: unknown = socket.getPeerCertificate().subject
  if (typeof subject !== 'object' || subject === null || !('CN' in subject)) return undefined
  return typeof subject.CN === 'string' ? subject.CN : undefined
}
