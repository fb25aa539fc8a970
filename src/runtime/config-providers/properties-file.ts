/**
 * Java's `.properties` text (java.util.Properties.load): `#` and `!` comments, `=`, `:` or white space between key
 * and value, a backslash at a line's end continues it, `\t \n \r \f \uXXXX` and escaped characters.
 */
export function parseProperties(text: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const end = keyEnd(line)
    const rest = line.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '')
    found.set(unescape(line.slice(0, end)), unescape(rest))
  }
  return found
}

function logicalLines(text: string): string[] {
  const lines: string[] = []
  let open: string | undefined
  for (const natural of text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)) {
    const line = natural.replace(/^[ \t\f]+/, '')
    if (open === undefined && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    const whole = (open ?? '') + line
    const continued = trailingBackslashes(line) % 2 === 1
    open = continued ? whole.slice(0, -1) : undefined
    if (!continued) lines.push(whole)
  }
  if (open !== undefined && open !== '') lines.push(open)
  return lines
}

function trailingBackslashes(line: string): number {
  return /\\*$/.exec(line)?.[0].length ?? 0
}

/** Where the key stops: at the first `=`, `:` or white space that is not escaped. */
function keyEnd(line: string): number {
  for (let at = 0; at < line.length; at++) {
    const c = line[at] ?? ''
    if (c === '\\') at++
    else if ('=: \t\f'.includes(c)) return at
  }
  return line.length
}

const CONTROL: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function unescape(text: string): string {
  return text.replace(/\\(u([0-9a-fA-F]{4})|[^])/g, (_, escaped: string, hex: string | undefined) =>
    hex === undefined ? (CONTROL[escaped] ?? escaped) : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
