import path from 'node:path'
import { defineConfig } from '../../api/config.ts'
import type { ConfigProviderPlugin } from '../../api/plugins.ts'
import { allowedPaths, readAllowed } from './read-allowed.ts'

const config = defineConfig(allowedPaths)

export const directoryProvider: ConfigProviderPlugin<typeof config.keys> = {
  kind: 'config-provider',
  name: 'DirectoryConfigProvider',
  aliases: ['org.apache.kafka.common.config.provider.DirectoryConfigProvider'],
  version: '1.0.0',
  summary: 'A value per file of a folder, whole: `${directory:/folder:file}`, as Kubernetes mounts secrets.',
  config,
  open: ({ 'allowed.paths': allowed }) => ({
    async get(folder, names) {
      const values = new Map<string, string>()
      for (const name of names) {
        if (/[/\\]|^\.{0,2}$/.test(name)) throw new Error(`"${name}" is not the name of a file in ${folder}`)
        values.set(name, await readAllowed(path.join(folder, name), allowed))
      }
      return values
    },
  }),
}
