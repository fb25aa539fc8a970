import { defineConfig, key, type PredicatePlugin } from 'sluice'

const config = defineConfig({
  name: key.string({
    doc: 'The header name.',
    importance: 'MEDIUM',
    check: (name) => (name === '' ? 'String must be non-empty' : undefined),
  }),
})

export const hasHeaderKey: PredicatePlugin<typeof config.keys> = {
  kind: 'predicate',
  name: 'HasHeaderKey',
  aliases: ['org.apache.kafka.connect.transforms.predicates.HasHeaderKey'],
  version: '1.0.0',
  summary: 'Matches records that have at least one header of a name.',
  config,
  open: ({ name }) => ({
    matches: (batch) => (row) => batch.headers(row).some(({ key }) => key === name),
  }),
}
