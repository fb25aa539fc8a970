import { withPrefix, type RawConfig } from '../../api/config.ts'
import { ConfigError, type ConfigProblem, messageOf, NotFoundError } from '../../api/errors.ts'
import { converterOf } from '../../runtime/plugins/configured-plugins.ts'

/** What is wrong with a worker's default converters and their options. */
export function converterProblems(defaults: RawConfig): ConfigProblem[] {
  return ['key.converter', 'value.converter'].flatMap((name) => {
    try {
      const { config } = converterOf(defaults, name)
      return [...config.parse(withPrefix(defaults, `${name}.`), `${name}.`).problems]
    } catch (error) {
      if (error instanceof ConfigError) return error.problems
      if (!(error instanceof NotFoundError)) throw error
      return [{ path: name, message: messageOf(error) }]
    }
  })
}
