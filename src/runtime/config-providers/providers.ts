import type { ConfigProviderPlugin } from '../../api/plugins.ts'
import { directoryProvider } from './directory-provider.ts'
import { envProvider } from './env-provider.ts'
import { fileProvider } from './file-provider.ts'

/** All config providers. */
export const configProviders: readonly ConfigProviderPlugin[] = [fileProvider, directoryProvider, envProvider]
