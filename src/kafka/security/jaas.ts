/** One login module of `sasl.jaas.config`: its class, and its options by name. */
export interface LoginModule {
  readonly className: string
  readonly options: ReadonlyMap<string, string>
}

const FLAGS = ['required', 'requisite', 'sufficient', 'optional']

/**
 * Reads `sasl.jaas.config` as Java does: `Module required name="value" …;`, with comments, both kinds of quotes and
 * escapes. Kafka's clients take exactly one module. The problem never shows a value, which may be a password.
 */
export function parseJaas(text: string): LoginModule | { readonly problem: string } {
  const tokens = tokenize(text)
  const [module, flag] = tokens
  if (module === undefined) return { problem: 'names no login module.' }
  if (module.kind !== 'text') return { problem: 'must begin with the class of a login module.' }
  if (flag?.kind !== 'text' || !FLAGS.includes(flag.text.toLowerCase()))
    return { problem: `needs one of ${FLAGS.join(', ')} after the class of the login module.` }
  const options = new Map<string, string>()
  let at = 2
  for (; tokens[at] !== undefined && !isSign(tokens[at], ';'); at += 3) {
    const [name, equals, value] = tokens.slice(at, at + 3)
    if (name?.kind !== 'text' || !isSign(equals, '='))
      return {
        problem: 'must have options of the form name="value", separated by blanks, and a ";" at its end.',
      }
    if (value?.kind !== 'text')
      return { problem: `has no text as the value of ${name.text}. Write it in quotes: ${name.text}="…".` }
    options.set(name.text, value.text)
  }
  if (tokens[at] === undefined) return { problem: 'must end with ";".' }
  if (tokens[at + 1] !== undefined)
    return { problem: 'must hold one login module, and has something behind its ";".' }
  return { className: module.text, options }
}

interface Token {
  readonly kind: 'text' | 'number' | 'sign'
  readonly text: string
}

function isSign(token: Token | undefined, sign: string): boolean {
  return token?.kind === 'sign' && token.text === sign
}

/** The parts of Java's StreamTokenizer that matter: a bare word begins with a letter, a bare number is no text. */
const TOKEN =
  /(?<blank>[\0- ]+)|(?<comment>\/\*[^]*?(?:\*\/|$)|\/[^\r\n]*)|"(?<double>(?:\\[^\r\n]|[^"\\\r\n])*)"?|'(?<single>(?:\\[^\r\n]|[^'\\\r\n])*)'?|(?<word>[A-Za-z_$\u00a0-\uffff][A-Za-z0-9_$.\u00a0-\uffff-]*)|(?<number>[0-9.-]+)|(?<sign>[^])/y

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  for (let found = TOKEN.exec(text); found !== null; found = TOKEN.exec(text)) {
    const { double, single, word, number, sign } = found.groups ?? {}
    const quoted = double ?? single
    if (quoted !== undefined) tokens.push({ kind: 'text', text: unescape(quoted) })
    else if (word !== undefined) tokens.push({ kind: 'text', text: word })
    else if (number !== undefined) tokens.push({ kind: 'number', text: number })
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign })
  }
  return tokens
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

function unescape(text: string): string {
  return text.replace(/\\([0-3]?[0-7]{1,2}|[^])/g, (_, escaped: string) =>
    /^[0-7]/.test(escaped) ? String.fromCharCode(Number.parseInt(escaped, 8)) : (ESCAPES[escaped] ?? escaped),
  )
}
