import { type ConfigDefinition, type ConfigKeys, type ConfigOf, defineConfig, key } from '../../api/config.ts'
import { ConfigError } from '../../api/errors.ts'
import { mockScope } from './memory-registry.ts'
import { otherKeys, prefixProblems } from './other-keys.ts'
import { registryTlsKeys, registryTlsProblems } from './registry-tls.ts'
import { SUBJECT_STRATEGIES, subjectStrategy } from './subjects.ts'

const strategy = (what: string) =>
  key.string({
    doc: `How the subject of ${what} is named. Simple names or Confluent's Java class names.`,
    default: 'TopicNameStrategy',
    importance: 'MEDIUM',
    recommended: SUBJECT_STRATEGIES,
    check: (name) =>
      subjectStrategy(name) === undefined ? `Expected one of ${SUBJECT_STRATEGIES.join(', ')}.` : undefined,
  })

const notNegative = (n: number) => (n < 0 ? 'Value must be at least 0' : undefined)

function checkUrls(urls: readonly string[]): string | undefined {
  if (urls.length === 0) return 'Expected at least one URL.'
  if (urls.length === 1 && mockScope(urls[0] ?? '') !== undefined) return undefined
  const wrong = urls.find((url) => !/^https?:\/\//.test(url) || !URL.canParse(url))
  return wrong === undefined
    ? undefined
    : 'Expected URLs that start with http:// or https://, separated by commas.'
}

const keys = {
  'schema.registry.url': key.list({
    doc: 'The URLs of the schema registry; where there are several, the next one is tried when one does not answer. `mock://name` alone is a registry in the memory of the process, for tests: what it knows is lost with the process.',
    importance: 'HIGH',
    check: checkUrls,
  }),
  'basic.auth.credentials.source': key.string({
    doc: 'Where the credentials for basic authentication come from: URL (user:password@ in the URLs) or USER_INFO.',
    default: 'URL',
    importance: 'MEDIUM',
    recommended: ['URL', 'USER_INFO'],
    check: (source) =>
      source === 'URL' || source === 'USER_INFO'
        ? undefined
        : 'Expected URL or USER_INFO; others are not supported.',
  }),
  'basic.auth.user.info': key.password({
    doc: 'user:password, where basic.auth.credentials.source is USER_INFO.',
    optional: true,
    importance: 'MEDIUM',
  }),
  'auto.register.schemas': key.boolean({
    doc: 'Register output schemas that the registry does not know. Where false, an unknown schema fails the task.',
    default: true,
    importance: 'MEDIUM',
  }),
  'normalize.schemas': key.boolean({
    doc: 'Whether the registry looks schemas up, and registers them, in their normal form.',
    default: false,
    importance: 'MEDIUM',
  }),
  'flatten.singleton.unions': key.boolean({
    doc: 'Whether a union of one type is that type; where false, it is a struct with one field.',
    default: true,
    importance: 'LOW',
  }),
  'enhanced.avro.schema.support': key.boolean({
    doc: 'Whether the struct of a union names its fields by full names; enums stay enums with both.',
    default: false,
    importance: 'MEDIUM',
  }),
  'key.subject.name.strategy': strategy('keys'),
  'value.subject.name.strategy': strategy('values'),
  'max.retries': key.int({
    doc: 'How often a request to the schema registry is repeated before the task gives up.',
    default: 3,
    importance: 'LOW',
    check: notNegative,
  }),
  'retries.wait.ms': key.int({
    doc: 'The first wait between repetitions in milliseconds; it doubles each time, up to 10 s.',
    default: 500,
    importance: 'LOW',
    check: notNegative,
  }),
  'http.read.timeout.ms': key.int({
    doc: 'How long one request to the schema registry may take, in milliseconds.',
    default: 10_000,
    importance: 'LOW',
    check: (n) => (n < 1 ? 'Value must be at least 1' : undefined),
  }),
  ...registryTlsKeys,
}

/** The keys that act, and behind them all others of Confluent's AvroConverter. */
export const avroConfig = checked(defineConfig<typeof keys>({ ...otherKeys, ...keys }))

export type AvroConfig = ConfigOf<typeof keys>

/** A definition that also looks at what no single key says. */
function checked<K extends ConfigKeys>(definition: ConfigDefinition<K>): ConfigDefinition<K> {
  const parse: ConfigDefinition<K>['parse'] = (raw, prefix = '') => {
    const { values, problems } = definition.parse(raw, prefix)
    const more = [...prefixProblems(raw, prefix), ...registryTlsProblems(raw, prefix)]
    return { values, problems: [...problems, ...more] }
  }
  return {
    keys: definition.keys,
    parse,
    read(raw, prefix) {
      const { values, problems } = parse(raw, prefix)
      if (problems.length > 0) throw new ConfigError(problems)
      return values
    },
  }
}
