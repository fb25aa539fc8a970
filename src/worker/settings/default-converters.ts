import { withPrefix, type RawConfig } from '../../api/config.ts'
import { type ConfigProblem, messageOf, NotFoundError } from '../../api/errors.ts'
import { findConverter } from '../../runtime/plugins/plugins.ts'

/** What is wrong with a worker's default converters and their options. */
export function converterProblems(defaults: RawConfig): ConfigProblem[] {
  return ['key.converter', 'value.converter'].flatMap((name) => {
    try {
      const { config } = findConverter(defaults[name]?.trim() ?? '')
      return [...config.parse(withPrefix(defaults, `${name}.`), `${name}.`).problems]
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error
      return [{ path: name, message: messageOf(error) }]
    }
  })
}
