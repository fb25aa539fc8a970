import { defineConfig } from '../../api/config.ts'
import type { ConfigProviderPlugin } from '../../api/plugins.ts'
import { parseProperties } from './properties-file.ts'
import { allowedPaths, readAllowed } from './read-allowed.ts'

const config = defineConfig(allowedPaths)

export const fileProvider: ConfigProviderPlugin<typeof config.keys> = {
  kind: 'config-provider',
  name: 'FileConfigProvider',
  aliases: ['org.apache.kafka.common.config.provider.FileConfigProvider'],
  version: '1.0.0',
  summary: 'Values of a Java properties file: `${file:/path/to.properties:key}`.',
  config,
  open: ({ 'allowed.paths': allowed }) => ({
    get: async (path) => parseProperties(await readAllowed(path, allowed)),
  }),
}
