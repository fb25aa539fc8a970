const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,60})-----([^-]*)-----END \1-----/g

/** One block of a PEM text, e.g. of type `CERTIFICATE`. */
export interface PemBlock {
  readonly type: string
  readonly text: string
}

/**
 * The blocks of a PEM text. Settings lose line breaks: in a properties file they are often blanks, or a backslash with
 * an `n` where they were escaped twice. So each block is written anew, but for one with headers of its own.
 */
export function pemBlocks(text: string): PemBlock[] {
  return [...text.replaceAll('\\n', '\n').matchAll(BLOCK)].map(([whole, type = '', body = '']) => ({
    type,
    text: body.includes(':') ? whole : pem(type, body.replace(/\s+/g, '')),
  }))
}

/** `base64` without line breaks, as a PEM block. */
export function pem(type: string, base64: string): string {
  return [`-----BEGIN ${type}-----`, ...(base64.match(/.{1,64}/g) ?? []), `-----END ${type}-----`, ''].join(
    '\n',
  )
}

export function pemOf(type: string, der: Buffer): string {
  return pem(type, der.toString('base64'))
}
