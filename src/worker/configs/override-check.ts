import type { RawConfig } from '../../api/config.ts'
import type { ConfigProblem } from '../../api/errors.ts'
import { foreignClasses } from '../../kafka/security/sasl-config.ts'
import { readSecurity } from '../../kafka/security/security-config.ts'
import {
  type ClientDefaults,
  clientSettings,
  isConnectionKey,
  overridesOf,
  serverProblem,
  TASK_CLIENTS,
} from '../../runtime/plugins/client-settings.ts'
import type { WorkerSettings } from '../settings/settings.ts'

const TOKEN_ENDPOINT = 'sasl.oauthbearer.token.endpoint.url'

/** What is wrong with what a connector overrides of its Kafka clients. No value of a secret is shown. */
export function overrideProblems(
  config: RawConfig,
  { overrides: policy, clients }: Pick<WorkerSettings, 'overrides' | 'clients'>,
): ConfigProblem[] {
  return TASK_CLIENTS.flatMap((kind) => {
    const overrides = overridesOf(kind, config)
    const at = (name: string): string => `${kind}.override.${name}`
    const refused = Object.keys(overrides).filter((name) => !policy.isAllowed(name))
    if (refused.length > 0)
      return refused.map((name) => ({
        path: at(name),
        message: `The '${policy.name}' policy does not allow '${name}' to be overridden in the connector configuration.`,
      }))
    if (!Object.keys(overrides).some(isConnectionKey)) return []
    const { problems } = readSecurity(clientSettings(clients, kind, config))
    const found = problems.length > 0 ? problems : foreignClasses(overrides)
    const told = found.map(({ path }) => path)
    const places = placeProblems(overrides, clients).filter(({ path }) => !told.includes(path))
    return [...found, ...places].map((each) => ({ ...each, path: at(each.path) }))
  })
}

/** Of the places that a client would talk to. */
function placeProblems(overrides: RawConfig, clients: ClientDefaults): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const servers = overrides['bootstrap.servers']
  const wrong = servers === undefined ? undefined : serverProblem(servers)
  if (wrong !== undefined) problems.push({ path: 'bootstrap.servers', message: wrong })
  const endpoint = overrides[TOKEN_ENDPOINT]?.trim()
  const known = Object.values(clients).map((settings) => settings[TOKEN_ENDPOINT]?.trim())
  // As Kafka's own list of allowed URLs: whoever may create connectors may not send requests anywhere.
  if (endpoint !== undefined && endpoint !== '' && !known.includes(endpoint)) {
    const message = `is a token endpoint that the worker's own settings do not name. Set ${TOKEN_ENDPOINT} there, with or without a prefix.`
    problems.push({ path: TOKEN_ENDPOINT, message })
  }
  return problems
}
