/** Where the REST API listens. */
export interface Listener {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

/**
 * Reads `listeners`. The REST API has no authentication yet and can change what runs, so it is kept on this machine:
 * only loopback addresses are accepted.
 */
export function parseListener(listeners: readonly string[]): Listener | { readonly problem: string } {
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
  if (!isLoopback(host)) {
    const where = host === '' || host === '0.0.0.0' || host === '::' ? 'every network address' : host
    return {
      problem: `would open the REST API, which has no authentication yet, on ${where}. Listen on 127.0.0.1, and put a proxy with authentication in front of it.`,
    }
  }
  return { host, port: Number(port) }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
