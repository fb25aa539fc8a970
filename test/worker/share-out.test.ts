import { expect } from 'chai'
import { describe, it } from 'mocha'
import { decodeConnectAssignment, encodeWorkerState } from '../../src/kafka/groups/connect-protocol.ts'
import { type ConfiguredWork, shareOutFrom, type ShareOutRound } from '../../src/worker/groups/share-out.ts'

/** Config topic with one connector of two tasks, of which the worker has read up to `offset`. */
function configs(offset: bigint, end: bigint): ConfiguredWork & { reads: number } {
  const store = {
    offset,
    reads: 0,
    names: () => ['flight-delay'],
    get: () => ({ config: {}, target: 'STARTED' as const, tasks: [{}, {}] }),
    readToEnd: () => {
      store.reads++
      store.offset = end
      return Promise.resolve()
    },
  }
  return store
}

function member(configOffset: bigint): { memberId: string; metadata: Buffer } {
  const state = { url: 'http://127.0.0.1:18083/', configOffset, assignment: null }
  return { memberId: 'm', metadata: encodeWorkerState(state, 2) }
}

function ask(store: ConfiguredWork, protocol: string, configOffset: bigint) {
  const round: ShareOutRound = {
    protocol,
    members: [member(configOffset)],
    leaderId: 'm',
    generation: 1,
    lastGeneration: -1,
  }
  return shareOutFrom({ configs: store, maxDelay: 0 })(round)
}

describe('shareOutFrom', () => {
  it('gives a lone worker all connectors and tasks, in the version of the chosen protocol', async () => {
    for (const [protocol, version] of [
      ['sessioned', 2],
      ['compatible', 1],
      ['default', 0],
    ] as const) {
      const answer = await ask(configs(4n, 4n), protocol, 4n)
      const bytes = answer.get('m')!
      expect(bytes.readInt16BE(0)).to.equal(version)
      expect(decodeConnectAssignment(bytes)).to.deep.include({
        leader: 'm',
        leaderUrl: 'http://127.0.0.1:18083/',
        configOffset: 4n,
        connectors: ['flight-delay'],
        tasks: [
          { connector: 'flight-delay', task: 0 },
          { connector: 'flight-delay', task: 1 },
        ],
      })
    }
  })

  it('reads the config topic on where a member has read more, and gives up where that does not help', async () => {
    const catchesUp = configs(3n, 5n)
    const answer = await ask(catchesUp, 'sessioned', 5n)
    expect(catchesUp.reads).to.equal(1)
    expect(decodeConnectAssignment(answer.get('m')!).error).to.equal(0)
    const behind = await ask(configs(3n, 4n), 'sessioned', 5n)
    expect(decodeConnectAssignment(behind.get('m')!)).to.deep.include({ error: 1, connectors: [], tasks: [] })
  })
})
