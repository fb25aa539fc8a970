/** Up to so many bytes are shown. */
const SHOWN_BYTES = 16

/** A value of an example as text: JSON, but with every digit of an int64, and bytes short. */
export function shown(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  if (Buffer.isBuffer(value)) return shownBytes(value)
  if (Array.isArray(value)) return `[${value.map(shown).join(',')}]`
  if (value instanceof Map) return shownFields(value.entries())
  if (typeof value === 'object' && value !== null) return shownFields(Object.entries(value))
  return JSON.stringify(value)
}

function shownFields(fields: Iterable<[unknown, unknown]>): string {
  const members = [...fields].map(([name, each]) => `${JSON.stringify(String(name))}:${shown(each)}`)
  return `{${members.join(',')}}`
}

/** As text where they are one, else their number and how they begin. */
function shownBytes(bytes: Buffer): string {
  const text = bytes.toString('latin1')
  if (/^[ -~]*$/.test(text)) return `<bytes ${JSON.stringify(text)}>`
  const rest = bytes.length > SHOWN_BYTES ? '…' : ''
  return `<${bytes.length} bytes ${bytes.toString('hex', 0, SHOWN_BYTES)}${rest}>`
}
