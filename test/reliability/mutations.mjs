/**
 * Loaded by `--import` into workers and task hosts of the negative controls: breaks what SLUICE_MUTATION names in the text
 * of a module as it is loaded. A text that is no longer there ends the process, so that no control tests nothing.
 */
import { registerHooks } from 'node:module'

const MUTATIONS = {
  'commit before write': [
    {
      file: 'src/runtime/sink/rounds.ts',
      from: 'const stop = await pipeline.deliver(each)',
      to: 'each.durable(); await new Promise((resolve) => setTimeout(resolve, 1500)); const stop = await pipeline.deliver(each)',
    },
  ],
  'no fencing': [
    {
      file: 'src/kafka/transactions/transaction-offsets.ts',
      from: 'groupInstanceId = null } = seat ?? NOBODY',
      to: 'groupInstanceId = null } = NOBODY',
    },
    {
      file: 'src/runtime/host/open-delivery.ts',
      from: 'transactionalId: transactionalIdOf(settings.transactionalIdPrefix, id)',
      to: 'transactionalId: transactionalIdOf(settings.transactionalIdPrefix, id) + process.pid',
    },
    {
      file: 'src/runtime/host/open-task.ts',
      from: 'isOwner: options.isOwner ?? (() => true)',
      to: 'isOwner: () => true',
    },
  ],
  'no dead letters': [
    {
      file: 'src/runtime/delivery/dead-letters.ts',
      from: 'if (failures.length === 0) return',
      to: 'if (failures.length >= 0) return',
    },
  ],
}

const edits = MUTATIONS[process.env.SLUICE_MUTATION]
if (edits === undefined) throw new Error(`There is no mutation ${process.env.SLUICE_MUTATION}`)

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const edit = edits.find(({ file }) => url.endsWith(file))
    if (edit === undefined) return loaded
    const text = String(loaded.source)
    if (!text.includes(edit.from)) throw new Error(`${edit.file} no longer says: ${edit.from}`)
    return { ...loaded, source: text.replace(edit.from, edit.to) }
  },
})
