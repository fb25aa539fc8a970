/** Which settings of its Kafka clients a connector may override, as the classes of Kafka Connect have it. */
export interface OverridePolicy {
  readonly name: 'All' | 'None' | 'Principal' | 'Allowlist'
  /** Names without a prefix. */
  isAllowed(name: string): boolean
}

const NAMES = ['All', 'None', 'Principal', 'Allowlist'] as const

/** Who a client is, and nothing else. */
const PRINCIPAL: readonly string[] = ['sasl.jaas.config', 'sasl.mechanism', 'security.protocol']

/** `All`, `AllConnectorClientConfigOverridePolicy`, or that with Kafka Connect's package. */
function nameOf(written: string): OverridePolicy['name'] | undefined {
  const simple = written.replace(/^org\.apache\.kafka\.connect\.connector\.policy\./, '')
  return NAMES.find((name) => simple === name || simple === `${name}ConnectorClientConfigOverridePolicy`)
}

/** What is wrong with a value of `connector.client.config.override.policy`. */
export function policyProblem(written: string): string | undefined {
  return nameOf(written) === undefined ? `must be one of ${NAMES.join(', ')}` : undefined
}

export function readPolicy(written: string, allowlist: readonly string[]): OverridePolicy {
  const name = nameOf(written) ?? 'None'
  const allowed: Readonly<Record<typeof name, (key: string) => boolean>> = {
    All: () => true,
    None: () => false,
    Principal: (key) => PRINCIPAL.includes(key),
    Allowlist: (key) => allowlist.includes(key),
  }
  return { name, isAllowed: allowed[name] }
}
