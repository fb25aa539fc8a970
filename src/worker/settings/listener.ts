import { isLoopback } from '../../api/hosts.ts'
import type { ListenerTls } from './listener-tls.ts'

/** Where the REST API listens. */
export interface Listener {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Absent: it speaks http. */
  readonly tls?: ListenerTls
}

export type Protocol = 'http' | 'https'

export interface ListenerAddress {
  readonly protocol: Protocol
  readonly host: string
  readonly port: number
}

/** Reads `listeners`. */
export function parseListener(listeners: readonly string[]): ListenerAddress | { readonly problem: string } {
  const [written, ...more] = listeners
  if (written === undefined || more.length > 0)
    return { problem: 'must be one URL, for example http://127.0.0.1:8083.' }
  const parts = /^([a-z]+):\/\/(\[[0-9a-f:.]+\]|[^:/]*):(\d{1,5})\/?$/i.exec(written)
  if (parts === null) return { problem: `is not a listener: "${written}". Write http://127.0.0.1:8083.` }
  const [, scheme = '', bracketed = '', port = ''] = parts
  const protocol = scheme.toLowerCase()
  if (protocol !== 'http' && protocol !== 'https')
    return { problem: `supports http and https only, not ${protocol}.` }
  if (Number(port) > 65_535) return { problem: `has no such port: ${port}.` }
  return { protocol, host: bracketed.replace(/^\[|\]$/g, ''), port: Number(port) }
}

/**
 * What is wrong with an address that other machines reach: without authentication whoever reaches it can change what runs, so
 * the operator must ask for that by a setting of its own.
 */
export function openProblem(host: string, { written, authentication, allowed }: OpenTo): string | undefined {
  if (isLoopback(host) || authentication || allowed) return undefined
  const where = isEveryAddress(host) ? `every network address (${written})` : host
  return `would open the REST API without authentication on ${where}. Set authentication up (rest.auth.basic.users.file, rest.auth.bearer.jwks, or listeners.https.ssl.client.auth=required), or listen on 127.0.0.1; where only people whom you trust reach that address, set rest.allow.network=true.`
}

interface OpenTo {
  readonly written: string
  readonly authentication: boolean
  /** `rest.allow.network` */
  readonly allowed: boolean
}

export function isEveryAddress(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::'
}
