import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const JAVA = path.join(import.meta.dirname, 'java')
const SOURCES = ['Oracle', 'TransformOracle', 'ChainOracle', 'ConverterOracle', 'PatternOracle']

/** Which of Apache's classes is asked: see java/Oracle.java. */
export type Kind = 'transform' | 'chain' | 'converter' | 'pattern'

/** A JVM with Apache's classes. What it answered to the same cases once is kept in `folder`. */
export class JavaOracle {
  readonly #folder: string
  readonly #lib: string
  readonly #classPath: string

  /** `lib` has the jars. */
  constructor(lib: string, folder: string) {
    this.#folder = folder
    this.#lib = lib
    const classes = path.join(folder, `classes-${process.pid}`)
    this.#classPath = `${classes}:${lib}/*`
    mkdirSync(classes, { recursive: true })
    const sources = SOURCES.map((name) => path.join(JAVA, `${name}.java`))
    execFileSync('javac', ['-encoding', 'UTF-8', '-d', classes, '-cp', `${lib}/*`, ...sources])
  }

  /** What Apache's class did, case by case: JSON each. */
  ask(kind: Kind, cases: readonly string[]): string[] {
    const text = cases.join('\n')
    const name = createHash('sha256').update(`${kind}\n${text}`).digest('hex').slice(0, 16)
    const [input, output] = ['cases', 'outcomes'].map((part) => path.join(this.#folder, `${name}.${part}`))
    if (!existsSync(output!)) {
      writeFileSync(input!, `${text}\n`)
      const args = [
        '-Dfile.encoding=UTF-8',
        '-cp',
        this.#classPath,
        'Oracle',
        kind,
        input!,
        `${output!}.part`,
      ]
      execFileSync('java', args, { stdio: 'inherit' })
      renameSync(`${output!}.part`, output!)
    }
    return readFileSync(output!, 'utf8').trimEnd().split('\n')
  }

  /** The versions that answered. */
  version(): string {
    const connect =
      readdirSync(this.#lib).find((name) => name.startsWith('connect-runtime-')) ?? 'no connect-runtime'
    const java = execFileSync('java', ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? ''
    return `${connect.replace(/-([\d.]+)\.jar$/, ' $1')} on ${java.replace(/ \d{4}-.*/, '')}`
  }
}
