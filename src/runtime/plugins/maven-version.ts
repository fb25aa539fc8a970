/**
 * Versions as Maven orders them (`ComparableVersion`), which is how Kafka Connect orders those of plugins: `1.10` is behind
 * `1.9`, `2.0-rc1` and `2.0-SNAPSHOT` are before `2.0`, and `2`, `2.0` and `2.0.0` are the same one.
 */
export function compareVersions(a: string, b: string): number {
  return compare(parse(a), parse(b))
}

/** A word has its place among those that Maven knows; others are behind them, in the order of their letters. */
type Item = bigint | string | readonly Item[]

const WORDS = ['alpha', 'beta', 'milestone', 'rc', 'snapshot', '', 'sp']
const MEANS: Readonly<Record<string, string>> = { cr: 'rc', ga: '', final: '', release: '' }
const BEFORE_DIGITS: Readonly<Record<string, string>> = { a: 'alpha', b: 'beta', m: 'milestone' }

function placeOf(word: string): string {
  const meant = Object.hasOwn(MEANS, word) ? (MEANS[word] ?? word) : word
  const known = WORDS.indexOf(meant)
  return known < 0 ? `${WORDS.length}-${meant}` : String(known)
}

const RELEASE = placeOf('')
const TOKEN = /\d+|[^\d.-]+|[.-]/g

/** Dots part items; a dash, and a change between letters and digits, begin a list inside the list. */
function parse(version: string): readonly Item[] {
  const lists: Item[][] = [[]]
  const list = (): Item[] => lists.at(-1) ?? []
  const nest = (): void => {
    const inner: Item[] = []
    list().push(inner)
    lists.push(inner)
  }
  const tokens = version.toLowerCase().match(TOKEN) ?? []
  tokens.forEach((token, i) => {
    const [before, next] = [tokens[i - 1], tokens[i + 1]]
    const isFirst = before === undefined || isSeparator(before)
    if (isSeparator(token)) {
      if (isFirst) list().push(0n)
      if (token === '-') nest()
      return
    }
    if (isDigits(token)) {
      if (!isFirst) nest()
      list().push(BigInt(token))
      if (next !== undefined && !isSeparator(next)) nest()
      return
    }
    const isBeforeDigits = next !== undefined && isDigits(next)
    const isLast = next === undefined
    if (isFirst && (isBeforeDigits || isLast) && list().length > 0) nest()
    list().push(placeOf(isBeforeDigits ? (BEFORE_DIGITS[token] ?? token) : token))
  })
  for (const each of lists.toReversed()) dropNothings(each)
  return lists[0] ?? []
}

function isSeparator(token: string): boolean {
  return token === '.' || token === '-'
}

function isDigits(token: string): boolean {
  return /^\d/.test(token)
}

/** Zeros, and words that mean a release, say nothing at the end of a list. */
function dropNothings(items: Item[]): void {
  for (let i = items.length - 1; i >= 0; i--) {
    const item = items[i]
    const isNothing = item === 0n || item === RELEASE || (Array.isArray(item) && item.length === 0)
    if (isNothing) items.splice(i, 1)
    else if (!Array.isArray(item)) return
  }
}

/** Numbers are behind lists, and these behind words. */
function rankOf(item: Item): number {
  return typeof item === 'bigint' ? 2 : typeof item === 'string' ? 0 : 1
}

/** Nothing at all counts as a zero or a release. */
function compare(a: Item, b: Item | undefined): number {
  if (b !== undefined && rankOf(a) !== rankOf(b)) return rankOf(a) - rankOf(b)
  if (typeof a === 'bigint') return sign(a, (b ?? 0n) as bigint)
  if (typeof a === 'string') return sign(a, (b ?? RELEASE) as string)
  const others = (b ?? []) as readonly Item[]
  for (let i = 0; i < Math.max(a.length, others.length); i++) {
    const [mine, other] = [a[i], others[i]]
    const result = mine === undefined ? -compare(other ?? [], undefined) : compare(mine, other)
    if (result !== 0) return result
  }
  return 0
}

function sign<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}
