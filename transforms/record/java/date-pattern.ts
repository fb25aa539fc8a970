/** A part of a pattern: a field with its number of letters, or text. */
export type Token =
  { readonly letter: string; readonly count: number } | { readonly letter?: undefined; readonly text: string }

const LETTERS = 'GyYMLwWDdFEuaHkKhmsSzZX'

/** The parts of a SimpleDateFormat pattern; a string is what is wrong with it. */
export function tokensOf(pattern: string): readonly Token[] | string {
  const tokens: Token[] = []
  for (let at = 0; at < pattern.length;) {
    const c = pattern[at] ?? ''
    if (c === "'") {
      const quoted = /'((?:[^']|'')*)'/y
      quoted.lastIndex = at
      const found = quoted.exec(pattern)
      if (found === null) return 'Unterminated quote'
      tokens.push({ text: found[1] === '' ? "'" : (found[1] ?? '').replaceAll("''", "'") })
      at = quoted.lastIndex
    } else if (/[A-Za-z]/.test(c)) {
      if (!LETTERS.includes(c)) return `Illegal pattern character '${c}'`
      let count = 1
      while (pattern[at + count] === c) count++
      if (c === 'X' && count > 3) return `invalid ISO 8601 format: length=${count}`
      tokens.push({ letter: c, count })
      at += count
    } else {
      tokens.push({ text: c })
      at++
    }
  }
  return tokens
}

export const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October'],
  ...['November', 'December'],
]
export const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
export const short = (name: string): string => name.slice(0, 3)

/** Whether a token is read as digits. */
export function isNumeric(token: Token | undefined): boolean {
  if (token?.letter === undefined) return false
  return 'yYwWDdFuHkKhmsS'.includes(token.letter) || ('ML'.includes(token.letter) && token.count <= 2)
}
