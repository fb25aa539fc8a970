import type { RawConfig } from '../../api/config.ts'
import type { OpenOffsetLog } from '../../runtime/source/offset-store.ts'
import type { InternalTopic } from '../settings/modes.ts'
import type { OffsetFile } from './offset-file.ts'
import type { OpenLog } from './record-log.ts'

/** Where offsets of sources are kept. */
export interface OffsetPlace {
  /** In words: `topic connect-offsets`. */
  readonly name: string
  readonly open: OpenOffsetLog
}

/** The places of one connector's offsets, as its tasks have them: the first that has an offset counts, all are written. */
export type OffsetPlaces = (config: RawConfig) => readonly OffsetPlace[]

/** The workers' topic, and before it the connector's own where it names one. */
export function topicPlaces(openLog: OpenLog, offsetTopic: InternalTopic): OffsetPlaces {
  return (config) => {
    const own = config['offsets.storage.topic']?.trim() ?? ''
    const topics = own === '' || own === offsetTopic.topic ? [] : [{ ...offsetTopic, topic: own }]
    return [...topics, offsetTopic].map((topic) => ({
      name: `topic ${topic.topic}`,
      open: (onRecord) => openLog(topic, onRecord),
    }))
  }
}

/** The file of a standalone worker, whatever a connector says. */
export function filePlace({ file, openLog }: OffsetFile): OffsetPlaces {
  return () => [{ name: `file ${file}`, open: openLog }]
}
