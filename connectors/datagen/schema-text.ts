import { readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ConfigProblem, messageOf } from 'sluice'

/** The schemas that come with the package. */
export const QUICKSTARTS = ['flights', 'iris', 'sensors'] as const

export interface SchemaKeys {
  readonly 'schema.string': string
  readonly 'schema.filename': string
  readonly quickstart: string
}
const SOURCES = ['schema.string', 'schema.filename', 'quickstart'] as const

/** Where a schema came from, for errors about it. */
export interface SchemaText {
  readonly path: keyof SchemaKeys
  readonly text: string
}

/** As much as an Avro schema may have. */
const LARGEST_FILE = 1 << 20

/** The text of the schema that the keys name; or why there is none. */
export function schemaText(keys: SchemaKeys): SchemaText | { readonly problems: readonly ConfigProblem[] } {
  const given = SOURCES.filter((name) => keys[name] !== '')
  const [path, ...others] = given
  if (path === undefined)
    return one('quickstart', `Set one of ${SOURCES.join(', ')}: it says what records look like.`)
  if (others.length > 0)
    return {
      problems: given.map((each) => ({ path: each, message: `Only one of ${given.join(', ')} can be set.` })),
    }
  const value = keys[path]
  if (path === 'schema.string') return { path, text: value }
  if (path === 'schema.filename') return fileText(path, value)
  const name = value.toLowerCase()
  if (!QUICKSTARTS.some((each) => each === name)) {
    const hint = 'For another, give its schema as schema.string or schema.filename.'
    return one(path, `There is no quickstart "${value}". There are ${QUICKSTARTS.join(', ')}. ${hint}`)
  }
  return fileText(
    path,
    fileURLToPath(new URL(`schemas/datagen/${name}.avsc`, import.meta.resolve('sluice/package.json'))),
  )
}

/** A file only: a pipe or a device would keep the worker waiting. */
function fileText(path: keyof SchemaKeys, file: string): ReturnType<typeof schemaText> {
  try {
    const found = statSync(file)
    if (!found.isFile()) return one(path, `${file} is not a file.`)
    if (found.size > LARGEST_FILE)
      return one(path, `The schema ${file} is larger than ${LARGEST_FILE} bytes.`)
    return { path, text: readFileSync(file, 'utf8') }
  } catch (error) {
    return one(path, `The schema ${file} cannot be read: ${messageOf(error)}`)
  }
}

function one(path: string, message: string): { readonly problems: readonly ConfigProblem[] } {
  return { problems: [{ path, message }] }
}
