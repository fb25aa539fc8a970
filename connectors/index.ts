import type { SinkConnector, SourceConnector } from 'sluice'
import { datagenSource } from './datagen/datagen-source.ts'
import { fileStreamSink } from './file-stream/file-stream-sink.ts'
import { fileStreamSource } from './file-stream/file-stream-source.ts'
import { topicSink } from './kafka/topic-sink.ts'

/** Every connector there is. A class name in a configuration is looked up here and nowhere else (invariant 8). */
export const connectors: readonly (SinkConnector | SourceConnector)[] = [
  topicSink,
  fileStreamSink,
  fileStreamSource,
  datagenSource,
]
