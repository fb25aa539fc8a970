import { expect } from 'chai'
import { describe, it } from 'mocha'
import {
  defineConfig,
  key,
  type SourceConnector,
  type SourceContext,
  type SourceRecord,
  type SourceTask,
} from '../../src/index.ts'
import { startSource } from '../../src/testing/index.ts'
import { rejection } from '../support/rejection.ts'
import { sourceRecord } from '../support/source-record.ts'

const config = defineConfig({ tables: key.list({ doc: 'The tables.', default: ['a'] }) })

function sourceOf(
  open: (context: SourceContext, tables: readonly string[]) => SourceTask,
): SourceConnector<typeof config.keys> {
  return {
    kind: 'source',
    name: 'Acme',
    version: '1.0.0',
    summary: 'A source.',
    config,
    validate: ({ tables }) => (tables.length === 0 ? [{ path: 'tables', message: 'there are none' }] : []),
    taskConfigs: ({ tables }) => tables.map((tables) => ({ tables })),
    open: ({ tables }, context) => open(context, tables),
  }
}

/** Counts up from behind its offset, one record a poll. */
const counting = sourceOf((context) => {
  let next: number | undefined
  return {
    async poll() {
      next ??= Number((await context.offset({ file: 'f' }))?.['n'] ?? 0)
      return [sourceRecord(++next)]
    },
  }
})

const numbers = (records: readonly SourceRecord[]) => records.map(({ value }) => Number(value))

describe('a source under test', () => {
  it('is polled until it brought as many records as are asked for', async () => {
    const source = await startSource(counting, {})
    expect(numbers(await source.poll())).to.deep.equal([1])
    expect(numbers(await source.read(3))).to.deep.equal([2, 3, 4])
  })

  it('goes on from the offsets that were committed, and only from those', async () => {
    const first = await startSource(counting, {})
    await first.read(2)
    expect(first.offsets).to.deep.equal([])
    await first.commit()
    await first.read(1)
    const committed = [{ partition: { file: 'f' }, offset: { n: 2 } }]
    expect(first.offsets).to.deep.equal(committed)
    const second = await startSource(counting, {}, { offsets: first.offsets })
    expect(numbers(await second.poll())).to.deep.equal([3])
  })

  it('hears what a worker tells: each record that is in Kafka, the commit, and the end', async () => {
    const calls: unknown[] = []
    const told = sourceOf(({ signal }) => ({
      poll: () => Promise.resolve(calls.length === 0 ? [sourceRecord(1), sourceRecord(2)] : []),
      commitRecord: ({ value }, delivered) => void calls.push([value, delivered]),
      commit: () => void calls.push('commit'),
      stop: () => void calls.push(['stop', signal.aborted]),
    }))
    const source = await startSource(told, {})
    await source.poll()
    await source.commit()
    await source.poll()
    await source.commit()
    await source.stop()
    expect(calls).to.deep.equal([['1', true], ['2', true], 'commit', ['stop', true]])
  })

  it('is opened with the configuration of its task', async () => {
    const opened: unknown[] = []
    const plugin = sourceOf(({ task }, tables) => {
      opened.push([task, tables])
      return { poll: () => Promise.resolve([]) }
    })
    await startSource(plugin, { tables: 'a,b' }, { maxTasks: 2, task: 1 })
    expect(opened).to.deep.equal([[1, ['b']]])
    const many = await rejection(startSource(plugin, { tables: 'a,b' }))
    expect(many.message).to.equal('Acme gives 2 task configs where 1 are allowed, and the test is of task 0.')
    expect((await rejection(startSource(plugin, { tables: '' }))).message).to.equal('tables: there are none')
    const third = startSource(plugin, { tables: 'a,b' }, { maxTasks: 3, task: 2 })
    expect((await rejection(third)).message).to.contain('task 2')
  })

  it('may not hand over what a worker would refuse, nor ask for an offset that can be none', async () => {
    const failure = async (more: object) => {
      const records = [sourceRecord(1), { ...sourceRecord(2), ...more }]
      const source = await startSource(
        sourceOf(() => ({ poll: () => Promise.resolve(records) })),
        {},
      )
      return (await rejection(source.poll())).message
    }
    expect(await failure({ topic: '' })).to.equal('Record 1 of the poll has no topic.')
    expect(await failure({ value: 5 })).to.match(/^Record 1 of the poll: the value does not fit its schema: /)
    expect(await failure({ valueSchema: null, value: { a: 1 } })).to.contain('Make it with struct(')
    expect(await failure({ sourceOffset: { at: new Date(0) } })).to.contain(
      'its source offset has an instance of Date',
    )
    expect(await failure({ sourcePartition: null })).to.contain('its source partition is null')
    const asking = sourceOf((context) => ({
      poll: async () => [sourceRecord(Number(await context.offset([] as never)))],
    }))
    expect((await rejection((await startSource(asking, {})).poll())).message).to.contain('is an array')
    const none = sourceOf(() => ({ poll: () => Promise.resolve(null as never) }))
    expect((await rejection((await startSource(none, {})).poll())).message).to.equal(
      'poll returned no array.',
    )
  })

  it('is not waited for beyond the time that is given', async () => {
    const silent = await startSource(
      sourceOf(() => ({ poll: () => new Promise(() => undefined) })),
      {},
    )
    const nothing = await startSource(
      sourceOf(() => ({ poll: () => Promise.resolve([]) })),
      {},
    )
    for (const source of [silent, nothing])
      expect((await rejection(source.read(1, 20))).message).to.equal(
        'The source brought 0 of 1 records within 20 ms.',
      )
  })
})
