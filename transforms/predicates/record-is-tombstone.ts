import { defineConfig, type PredicatePlugin, type RecordBatch } from 'sluice'

const config = defineConfig({})

/** Bytes too may say null: `null` in JSON, a union's null in Avro. They are read only where their schema allows it. */
function isTombstone(batch: RecordBatch, row: number): boolean {
  if (batch.isNull('value', row)) return true
  return batch.schema('value', row)?.optional !== false && batch.value('value', row) === null
}

export const recordIsTombstone: PredicatePlugin<typeof config.keys> = {
  kind: 'predicate',
  name: 'RecordIsTombstone',
  aliases: ['org.apache.kafka.connect.transforms.predicates.RecordIsTombstone'],
  version: '1.0.0',
  summary: 'Matches tombstones: records whose value is null.',
  config,
  open: () => ({ matches: (batch) => (row) => isTombstone(batch, row) }),
}
