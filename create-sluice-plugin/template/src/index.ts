import { convertUnits } from './transform.ts'
import { folderSink } from './sink.ts'
import { folderSource } from './source.ts'

/** What this package brings: a worker looks for the export of this name. */
export const plugins = [folderSource, convertUnits, folderSink]
