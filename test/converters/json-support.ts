import { jsonConverter } from '../../src/converters/json/converter.ts'
import { recordsSide } from '../../src/converters/records-side.ts'
import type { Schema, Value } from '../../src/index.ts'
import { allRows, bytesOf, Failures, openConverter, slicesOf } from './support.ts'

export const PLAIN = { 'schemas.enable': 'false' }

export async function read(text: string | Buffer, raw: Record<string, string> = {}) {
  const failures = new Failures()
  const converter = openConverter(jsonConverter, raw)
  const side = await converter.decode('t', slicesOf([Buffer.from(text)]), failures.fail)
  const value = side.value(0, failures.fail)
  return { value, schema: side.schema(0, failures.fail), code: failures.codes()[0], side, failures }
}

export async function write(schema: Schema | null, value: Value, raw: Record<string, string> = {}) {
  const failures = new Failures()
  const converter = openConverter(jsonConverter, raw)
  const encoded = await converter.encode('t', recordsSide([schema], [value]), allRows(1), failures.fail)
  return { text: bytesOf(encoded, [0])[0]?.toString() ?? null, code: failures.codes()[0] }
}

/** The payload that a schema's JSON gives. */
export async function payload(schema: object, json: string, raw: Record<string, string> = {}) {
  return read(`{"schema":${JSON.stringify(schema)},"payload":${json}}`, raw)
}
