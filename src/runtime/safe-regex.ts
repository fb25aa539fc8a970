const LONGEST = 512
const MOST_QUANTIFIERS = 3

/**
 * Compiles a pattern that came over REST and must match whole topic names, as Java's `Pattern.matches`. A pattern that
 * could take time beyond measure (V8 backtracks) is refused: no repeated group that holds a repetition or alternatives,
 * no back references, no look-around, at most three open repetitions, a short text. What is left takes at most the cube
 * of a topic name's 249 characters.
 */
export function compileTopicPattern(
  pattern: string,
): { readonly regex: RegExp } | { readonly problem: string } {
  if (pattern.length > LONGEST) return { problem: `Pattern is longer than ${LONGEST} characters` }
  const unsafe = whatIsUnsafe(pattern)
  if (unsafe !== undefined) return { problem: `Pattern ${unsafe}, which can take time without end to match` }
  try {
    return { regex: new RegExp(`^(?:${pattern})$`) }
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^.*: /, '') : ''
    return { problem: `Invalid regex: ${reason}` }
  }
}

interface Group {
  repeats: boolean
  alternatives: boolean
}

const CLASS = /\[(?:\\[^]|[^\]\\])*\]/y
const QUANTIFIER = /(?:[*+?]|\{(\d+)(,?)(\d*)\})[?+]?/y

function whatIsUnsafe(pattern: string): string | undefined {
  const open: Group[] = [{ repeats: false, alternatives: false }]
  let closed: Group | undefined
  let unbounded = 0
  for (let at = 0; at < pattern.length;) {
    const quantifier = matchAt(QUANTIFIER, pattern, at)
    if (quantifier !== undefined) {
      const many = !/^(\?|\{[01]?(,1?)?\}|\{1,1\})/.test(quantifier) || /^\{\d+,\}/.test(quantifier)
      if (many && closed !== undefined && (closed.repeats || closed.alternatives))
        return 'repeats a group that holds repetitions or alternatives'
      if (/^([*+]|\{\d+,\})/.test(quantifier)) unbounded++
      if (unbounded > MOST_QUANTIFIERS) return `has more than ${MOST_QUANTIFIERS} open repetitions`
      last(open).repeats = true
      closed = undefined
      at += quantifier.length
      continue
    }
    const step = stepOver(pattern, at)
    if (step.refused !== undefined) return step.refused
    closed = group(open, pattern[at] ?? '')
    at += step.length
  }
  return undefined
}

/** Follows groups; returns the one that was just closed. */
function group(open: Group[], character: string): Group | undefined {
  if (character === '(') open.push({ repeats: false, alternatives: false })
  if (character === '|') last(open).alternatives = true
  if (character !== ')' || open.length < 2) return undefined
  const inner = open.pop()
  const outer = last(open)
  outer.repeats ||= inner?.repeats ?? false
  outer.alternatives ||= inner?.alternatives ?? false
  return inner
}

function stepOver(pattern: string, at: number): { length: number; refused?: string } {
  const rest = pattern.slice(at, at + 4)
  if (rest.startsWith('\\')) {
    return /^\\[1-9k]/.test(rest) ? { length: 2, refused: 'has a back reference' } : { length: 2 }
  }
  if (rest.startsWith('(?') && !rest.startsWith('(?:')) {
    const named = /^\(\?<[A-Za-z]/.test(rest)
    return named ? { length: 1 } : { length: 2, refused: 'has a look-around or flags' }
  }
  if (rest.startsWith('(?:')) return { length: 3 }
  return { length: matchAt(CLASS, pattern, at)?.length ?? 1 }
}

function matchAt(regex: RegExp, text: string, at: number): string | undefined {
  regex.lastIndex = at
  return regex.exec(text)?.[0]
}

function last(groups: Group[]): Group {
  return groups[groups.length - 1] ?? { repeats: false, alternatives: false }
}
