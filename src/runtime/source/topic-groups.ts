import { type ConfigDefinition, defineConfig, key, withPrefix, type RawConfig } from '../../api/config.ts'
import { compilePattern } from '../../api/pattern.ts'
import type { NewTopic } from '../../kafka/admin.ts'
import { sourceKeys } from './source-keys.ts'

const PREFIX = 'topic.creation.'
const DEFAULT = 'default'
const OWN = new Set(['include', 'exclude', 'partitions', 'replication.factor'])

const common = { importance: 'LOW', group: 'Topic Creation' } as const
const count = (value: number): string | undefined =>
  value === -1 || value >= 1 ? undefined : 'Value must be -1 (the broker’s default) or at least 1'

function checkPatterns(patterns: readonly string[]): string | undefined {
  for (const text of patterns) {
    const compiled = compilePattern(text)
    if ('problem' in compiled) return `"${text}": ${compiled.problem}`
  }
  return undefined
}

const replicationDoc =
  'Replication factor of topics of this group that are created; −1: the broker’s default.'
const partitionsDoc = 'Partitions of topics of this group that are created; −1: the broker’s default.'
const excludeDoc = 'Topics, as regular expressions, that are not of this group although `include` has them.'
const exclude = key.list({ ...common, doc: excludeDoc, default: [], check: checkPatterns })

/** The group of all topics that no other has. */
const defaultGroup = defineConfig({
  'replication.factor': key.int({ ...common, doc: replicationDoc, check: count }),
  partitions: key.int({ ...common, doc: partitionsDoc, check: count }),
})

const namedGroup = defineConfig({
  include: key.list({
    ...common,
    doc: 'Topics of this group, as regular expressions.',
    check: checkPatterns,
  }),
  exclude,
  'replication.factor': key.int({ ...common, doc: replicationDoc, optional: true, check: count }),
  partitions: key.int({ ...common, doc: partitionsDoc, optional: true, check: count }),
})

/** How one topic is to be created; undefined where the connector has no `topic.creation.*`. */
export type NewTopicFor = (topic: string) => NewTopic

/**
 * The keys below `topic.creation.` that a configuration defines (KIP-158): none where it has none, else those of the
 * default group, which is then required, and of each group that it names.
 */
export function topicGroups(
  raw: RawConfig,
): { readonly prefix: string; readonly definition: ConfigDefinition }[] {
  if (!Object.keys(raw).some((name) => name.startsWith(PREFIX))) return []
  return [
    { prefix: `${PREFIX}${DEFAULT}.`, definition: defaultGroup },
    ...groupNames(raw).map((name) => ({ prefix: `${PREFIX}${name}.`, definition: namedGroup })),
  ]
}

/**
 * How a connector wants its topics created: as the first group that has a topic says, else the default. Every other key
 * of a group is a setting of the topic.
 * @throws ConfigError
 */
export function newTopicFor(raw: RawConfig): NewTopicFor | undefined {
  if (topicGroups(raw).length === 0) return undefined
  const defaultPrefix = `${PREFIX}${DEFAULT}.`
  const fallback = defaultGroup.read(withPrefix(raw, defaultPrefix), defaultPrefix)
  const groups = groupNames(raw).map((name) => {
    const prefix = `${PREFIX}${name}.`
    const values = namedGroup.read(withPrefix(raw, prefix), prefix)
    const [included, excluded] = [matcher(values.include), matcher(values.exclude)]
    return {
      has: (topic: string) => included(topic) && !excluded(topic),
      partitions: values.partitions ?? fallback.partitions,
      replicationFactor: values['replication.factor'] ?? fallback['replication.factor'],
      configs: topicConfigs(raw, prefix),
    }
  })
  const rest = {
    partitions: fallback.partitions,
    replicationFactor: fallback['replication.factor'],
    configs: topicConfigs(raw, defaultPrefix),
  }
  return (topic) => {
    const { partitions, replicationFactor, configs } = groups.find(({ has }) => has(topic)) ?? rest
    return { topic, partitions, replicationFactor, configs }
  }
}

function groupNames(raw: RawConfig): readonly string[] {
  const { values, problems } = sourceKeys.parse(raw)
  const path = 'topic.creation.groups'
  return problems.some((problem) => problem.path === path)
    ? []
    : values[path].filter((name) => name !== DEFAULT)
}

function topicConfigs(raw: RawConfig, prefix: string): Record<string, string> {
  const found = Object.entries(withPrefix(raw, prefix))
  return Object.fromEntries(
    found.flatMap(([name, value]) => (OWN.has(name) || value === undefined ? [] : [[name, value]])),
  )
}

function matcher(patterns: readonly string[]): (topic: string) => boolean {
  const compiled = patterns.map((text) => compilePattern(text))
  return (topic) => compiled.some((each) => 'pattern' in each && each.pattern.matches(topic))
}
