import type { SideName } from '../../api/batch.ts'
import { unusableSchema } from './connect-names.ts'
import type { AvroNode } from './node.ts'

export const SUBJECT_STRATEGIES = [
  'TopicNameStrategy',
  'RecordNameStrategy',
  'TopicRecordNameStrategy',
] as const
export type SubjectStrategy = (typeof SUBJECT_STRATEGIES)[number]

/** Reads a strategy by its simple name or Confluent's Java class name; undefined for any other. */
export function subjectStrategy(name: string): SubjectStrategy | undefined {
  const simple = name.replace(/^io\.confluent\.kafka\.serializers\.subject\./, '')
  return SUBJECT_STRATEGIES.find((strategy) => strategy === simple)
}

/** The subject that a topic's keys or values are registered under. */
export function subjectName(
  strategy: SubjectStrategy,
  topic: string,
  side: SideName,
  root: AvroNode,
): string {
  if (strategy === 'TopicNameStrategy') return `${topic}-${side}`
  const { record } = root
  if (record === null) throw unusableSchema(`${strategy} needs a record, and it is ${root.name}.`)
  return strategy === 'RecordNameStrategy' ? record.name : `${topic}-${record.name}`
}
