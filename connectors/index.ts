import type { SinkConnector, SourceConnector } from 'sluice'
import { fileStreamSource } from './file-stream/file-stream-source.ts'
import { topicSink } from './topic-sink.ts'

/** Every connector there is. A class name in a configuration is looked up here and nowhere else (invariant 8). */
export const connectors: readonly (SinkConnector | SourceConnector)[] = [topicSink, fileStreamSource]
