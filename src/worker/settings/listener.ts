/** Where the REST API listens. */
export interface Listener {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

/**
 * Reads `listeners`. The REST API has no authentication yet and can change what runs, so it is kept on this machine where
 * the operator does not ask for the network by a setting of its own.
 */
export function parseListener(
  listeners: readonly string[],
  allowNetwork = false,
): Listener | { readonly problem: string } {
  const [written, ...more] = listeners
  if (written === undefined || more.length > 0)
    return { problem: 'must be one URL, for example http://127.0.0.1:8083.' }
  const parts = /^([a-z]+):\/\/(\[[0-9a-f:.]+\]|[^:/]*):(\d{1,5})\/?$/i.exec(written)
  if (parts === null) return { problem: `is not a listener: "${written}". Write http://127.0.0.1:8083.` }
  const [, scheme = '', bracketed = '', port = ''] = parts
  if (scheme.toLowerCase() !== 'http')
    return {
      problem: `supports http only, not ${scheme.toLowerCase()}. Put a proxy with TLS in front of it.`,
    }
  if (Number(port) > 65_535) return { problem: `has no such port: ${port}.` }
  const host = bracketed.replace(/^\[|\]$/g, '')
  if (isLoopback(host) || allowNetwork) return { host, port: Number(port) }
  const where = isEveryAddress(host) ? `every network address (${written})` : host
  return {
    problem: `would open the REST API, which has no authentication yet, on ${where}. Listen on 127.0.0.1 behind a proxy with authentication; or, where only people whom you trust reach that address, set rest.allow.network=true.`,
  }
}

export function isEveryAddress(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::'
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** A host as URLs and the ids of workers have it: an IPv6 address in brackets. */
export function hostInUrl(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}
