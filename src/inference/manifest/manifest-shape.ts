import { didYouMean } from '../../api/did-you-mean.ts'

/** Says what is wrong with a JSON value: each problem starts with the path of its key. */
export interface Shape {
  readonly isOptional: boolean
  check(value: unknown, path: string, problems: string[]): void
}

function shape(expected: string, test: (value: unknown) => boolean): Shape {
  return {
    isOptional: false,
    check(value, path, problems) {
      if (!test(value)) problems.push(`${path}: must be ${expected}`)
    },
  }
}

export const text = shape('a text', (value) => typeof value === 'string' && value !== '')
export const number = shape('a number', (value) => typeof value === 'number' && Number.isFinite(value))

export function literal(type: 'boolean' | 'string'): Shape {
  return shape(type === 'boolean' ? 'true or false' : 'a text', (value) => typeof value === type)
}

export function choice(values: readonly (string | number)[]): Shape {
  const expected = values.map((value) => JSON.stringify(value)).join(' or ')
  return shape(expected, (value) => (values as readonly unknown[]).includes(value))
}

/** What fits any of several shapes. */
export function oneOf(expected: string, ...shapes: readonly Shape[]): Shape {
  return shape(expected, (value) =>
    shapes.some((each) => {
      const problems: string[] = []
      each.check(value, '', problems)
      return problems.length === 0
    }),
  )
}

export function optional(inner: Shape): Shape {
  return { ...inner, isOptional: true }
}

export function array(item: Shape): Shape {
  return {
    isOptional: false,
    check(value, path, problems) {
      if (!Array.isArray(value)) problems.push(`${path}: must be a list`)
      else value.forEach((each, i) => item.check(each, `${path}[${i}]`, problems))
    },
  }
}

/** An object with these keys and no others. */
export function object(keys: Readonly<Record<string, Shape>>): Shape {
  return {
    isOptional: false,
    check(value, path, problems) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        problems.push(`${path === '' ? 'the manifest' : path}: must be an object`)
        return
      }
      const at = (key: string) => (path === '' ? key : `${path}.${key}`)
      for (const key of Object.keys(value).filter((each) => !Object.hasOwn(keys, each))) {
        const near = didYouMean(key, Object.keys(keys))
        problems.push(
          `${at(key)}: is not a key of a manifest${near === undefined ? '' : `, did you mean ${near}?`}`,
        )
      }
      for (const [key, inner] of Object.entries(keys)) {
        if (Object.hasOwn(value, key)) inner.check((value as Record<string, unknown>)[key], at(key), problems)
        else if (!inner.isOptional) problems.push(`${at(key)}: is missing`)
      }
    },
  }
}
