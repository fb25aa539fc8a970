import { defineConfig, key } from '../../api/config.ts'
import { compilePattern } from '../../api/pattern.ts'
import type { ConfigProviderPlugin } from '../../api/plugins.ts'

const config = defineConfig({
  'allowlist.pattern': key.string({
    doc: 'A regular expression that the whole name of a variable must match. Default: all variables of the worker.',
    optional: true,
    check: (text) => {
      const compiled = compilePattern(text)
      return 'problem' in compiled ? compiled.problem : undefined
    },
  }),
})

export const envProvider: ConfigProviderPlugin<typeof config.keys> = {
  kind: 'config-provider',
  name: 'EnvVarConfigProvider',
  aliases: ['org.apache.kafka.common.config.provider.EnvVarConfigProvider'],
  version: '1.0.0',
  summary: 'Environment variables of the worker: `${env:NAME}`.',
  config,
  open({ 'allowlist.pattern': allowed }) {
    const compiled = allowed === undefined ? undefined : compilePattern(allowed)
    const pattern = compiled !== undefined && 'pattern' in compiled ? compiled.pattern : undefined
    return {
      get(path, names) {
        if (path !== '') throw new Error(`a variable has no path ("${path}")`)
        const visible = [...names].filter((name) => pattern?.matches(name) ?? true)
        const found = visible.flatMap((name): [string, string][] => {
          const value = process.env[name]
          return value === undefined ? [] : [[name, value]]
        })
        return Promise.resolve(new Map(found))
      },
    }
  },
}
