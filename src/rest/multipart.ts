import { HttpError } from './errors.ts'

/** A part of a form. */
export interface Part {
  readonly name: string
  /** What the sender calls the file; null where the part is a text. */
  readonly file: string | null
  /** Shares the body's memory. */
  readonly bytes: Buffer
}

const LARGEST_HEAD = 8192
const LINE = '\r\n'

/** The parts of a multipart/form-data body (RFC 7578, RFC 2046 §5.1), one after another. Throws 400. */
export function* readParts(body: Buffer, contentType: string): Generator<Part> {
  const delimiter = `--${boundaryOf(contentType)}`
  let at = body.indexOf(delimiter)
  if (at < 0 || (at > 0 && body.toString('latin1', at - 2, at) !== LINE)) throw broken('it does not begin')
  for (;;) {
    const after = at + delimiter.length
    if (body.toString('latin1', after, after + 2) === '--') return
    const start = body.indexOf(LINE + LINE, after)
    if (start < 0 || start - after > LARGEST_HEAD) throw broken('the head of a part does not end')
    const content = start + 2 * LINE.length
    const end = body.indexOf(LINE + delimiter, content)
    if (end < 0) throw broken('its last part does not end')
    yield { ...readHead(body.toString('utf8', after, start)), bytes: body.subarray(content, end) }
    at = end + LINE.length
  }
}

function boundaryOf(contentType: string): string {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType) ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) throw broken('its Content-Type names no boundary')
  return boundary
}

function readHead(head: string): Omit<Part, 'bytes'> {
  const [, disposition] = /\r\ncontent-disposition:\s*form-data([^\r\n]*)/i.exec(head) ?? []
  const value = (key: string): string | null => {
    const [, quoted, plain] =
      new RegExp(`;\\s*${key}=(?:"([^"]*)"|([^\\s;"]+))`, 'i').exec(disposition ?? '') ?? []
    return quoted ?? plain ?? null
  }
  const name = value('name')
  if (name === null) throw broken('a part has no name')
  return { name, file: value('filename') }
}

function broken(what: string): HttpError {
  return new HttpError(400, `The body is no complete multipart/form-data: ${what}. Send it again.`)
}
