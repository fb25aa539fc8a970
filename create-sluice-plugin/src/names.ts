import { isBuiltin } from 'node:module'

/** What a package's name becomes in its files. */
export interface Names {
  /** As npm knows it: `@acme/weather`. */
  readonly full: string
  /** Without its scope: the folder. */
  readonly base: string
  /** With what class names begin: `AcmeWeather`. */
  readonly prefix: string
  /** With what error codes begin: lower-case letters, digits and dashes. */
  readonly word: string
}

const LONGEST = 214
const PART = /^[a-z0-9][a-z0-9._-]*$/
const TAKEN = ['node_modules', 'favicon.ico', 'sluice', 'create-sluice-plugin']

/** What is wrong with the name of a package, by npm's rules; undefined where nothing. */
export function nameProblem(name: string): string | undefined {
  const [scope, base] = name.startsWith('@') ? name.slice(1).split(/\/(.*)/) : ['scope', name]
  if (!PART.test(scope ?? '') || !PART.test(base ?? ''))
    return `"${name}" is no name for a package: use lower-case letters, digits, "-", "_" and ".", begin with a letter or digit, and put a scope before it as in @acme/weather`
  if (TAKEN.includes(name) || isBuiltin(name))
    return `"${name}" is the name of something else: take another one`
  return name.length > LONGEST ? `a package's name has at most ${LONGEST} characters` : undefined
}

/** Of a name without a problem. */
export function namesOf(full: string): Names {
  const base = full.split('/').at(-1) ?? full
  const words = full.split(/[^a-z0-9]+/).filter((word) => word !== '' && word !== 'sluice')
  const telling = words.length > 1 && words.at(-1) === 'plugin' ? words.slice(0, -1) : words
  const capital = telling.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  const startsWell = /^[A-Z]/.test(capital)
  return {
    full,
    base,
    prefix: startsWell ? capital : `Plugin${capital}`,
    word: startsWell ? telling.join('-') : ['plugin', ...telling].join('-'),
  }
}
