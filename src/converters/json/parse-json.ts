import { isUtf8 } from 'node:buffer'
import { DataError } from '../../api/errors.ts'
import { parseWithFractions } from '../exact-json.ts'

/** Bytes of one record's JSON. */
const MAX_BYTES = 64 << 20

type Encoding = 'utf-8' | 'utf-16be' | 'utf-16le' | 'utf-32be' | 'utf-32le'

/**
 * Parses a record's JSON; numbers are as `parseWithFractions` gives them. It reads what Kafka Connect's parser (Jackson)
 * reads: UTF-8, UTF-16 and UTF-32 with and without a byte order mark, and leading zeros; no bytes, or nothing but white
 * space, are null. But text behind the end is refused, which Connect ignores. Throws DataError `record.malformed`.
 */
export function parseJson(bytes: Buffer, start: number, end: number): unknown {
  if (end - start > MAX_BYTES)
    throw new DataError('record.malformed', `The JSON is longer than ${MAX_BYTES} bytes.`)
  const slice = bytes.subarray(start, end)
  const text = textOf(slice)
  if (isBlank(text) && slice[0] !== 0xef) return null
  try {
    return parseWithFractions(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return parseZeros(text, error)
  }
}

function isBlank(text: string): boolean {
  return text.length === 0 || (/^[ \t\r\n]/.test(text) && /^[ \t\r\n]+$/.test(text))
}

/** A second try, without the leading zeros that JSON does not allow. */
function parseZeros(text: string, first: SyntaxError): unknown {
  try {
    if (/0\d/.test(text)) return parseWithFractions(withoutLeadingZeros(text))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new DataError(
    'record.malformed',
    'The record is not valid JSON: check the converter of this topic.',
    { cause: first },
  )
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function withoutLeadingZeros(text: string): string {
  const parts: string[] = []
  let from = 0
  let previous = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) at = endOfString(text, at)
    else if (code === 0x30 && !isDigit(previous) && previous !== 0x2e) {
      parts.push(text.slice(from, at))
      while (text.charCodeAt(at) === 0x30 && isDigit(text.charCodeAt(at + 1))) at++
      from = at
    }
    previous = text.charCodeAt(at)
  }
  parts.push(text.slice(from))
  return parts.join('')
}

/** Where the quote stands that closes a string; the end of the text where none does. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return at
    if (code === 0x5c) at++
  }
  return text.length
}

function textOf(bytes: Buffer): string {
  const encoding = encodingOf(bytes)
  const text = encoding.startsWith('utf-32')
    ? utf32(bytes, encoding === 'utf-32be')
    : decoded(bytes, encoding)
  if (text !== undefined) return text
  throw new DataError(
    'record.malformed',
    `The record is not valid ${encoding.toUpperCase()}, so it is not JSON.`,
  )
}

/** As Jackson finds it out: by a byte order mark, or by which of the first bytes are zero. */
function encodingOf(bytes: Buffer): Encoding {
  const [a, b, c, d] = bytes
  if (a === 0xfe && b === 0xff) return 'utf-16be'
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? 'utf-32le' : 'utf-16le'
  if (a !== 0 && b !== 0) return 'utf-8'
  if (d !== undefined && a === 0 && b === 0) return 'utf-32be'
  if (d !== undefined && b === 0 && c === 0 && d === 0) return 'utf-32le'
  if (b === undefined) return 'utf-8'
  return a === 0 ? 'utf-16be' : 'utf-16le'
}

/** Undefined where the bytes are not of the encoding. */
function decoded(bytes: Buffer, encoding: Encoding): string | undefined {
  if (encoding === 'utf-8') {
    if (!isUtf8(bytes)) return undefined
    const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
    return bytes.toString('utf8', hasMark ? 3 : 0)
  }
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

const BLOCK = 4096

function utf32(bytes: Buffer, isBigEndian: boolean): string | undefined {
  if (bytes.length % 4 !== 0) return undefined
  const parts: string[] = []
  let block: number[] = []
  for (let at = 0; at < bytes.length; at += 4) {
    const point = isBigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)
    if (at === 0 && point === 0xfeff) continue
    if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return undefined
    if (block.push(point) < BLOCK) continue
    parts.push(String.fromCodePoint(...block))
    block = []
  }
  return parts.join('') + String.fromCodePoint(...block)
}
