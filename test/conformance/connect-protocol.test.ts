import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import {
  type ConnectAssignment,
  type ConnectProtocolVersion,
  decodeConnectAssignment,
  decodeWorkerState,
  encodeConnectAssignment,
  encodeWorkerState,
  type WorkerState,
} from '../../src/kafka/groups/connect-protocol.ts'

type Offset = { readonly configOffset: string }
type GoldenAssignment = Omit<ConnectAssignment, 'configOffset'> & Offset
type GoldenState = { readonly url: string; readonly assignment: GoldenAssignment | null } & Offset
interface Case<T> {
  readonly version: ConnectProtocolVersion
  readonly value: T
  readonly hex: string
}

const golden = JSON.parse(readFileSync(new URL('golden/connect-protocol.json', import.meta.url), 'utf8')) as {
  readonly assignments: readonly Case<GoldenAssignment>[]
  readonly metadata: readonly Case<GoldenState>[]
}

/** Captured from a broker: see java/capture-connect-worker.mjs. */
const worker = JSON.parse(readFileSync(new URL('golden/connect-worker.json', import.meta.url), 'utf8')) as {
  readonly url: string
  readonly members: readonly {
    readonly memberId: string
    readonly metadata: string
    readonly assignment: string
  }[]
}

function assignmentOf(value: GoldenAssignment): ConnectAssignment {
  return { ...value, configOffset: BigInt(value.configOffset) }
}

function stateOf(value: GoldenState): WorkerState {
  const assignment = value.assignment === null ? null : assignmentOf(value.assignment)
  return { url: value.url, configOffset: BigInt(value.configOffset), assignment }
}

/** What an assignment says, without the orders that mean nothing; version 0 has no revocations and no delay. */
function meaning(assignment: ConnectAssignment, version: ConnectProtocolVersion): unknown {
  const tasks = (ids: ConnectAssignment['tasks']) => ids.map((id) => `${id.connector}-${id.task}`).sort()
  return {
    ...assignment,
    connectors: assignment.connectors.toSorted(),
    tasks: tasks(assignment.tasks),
    revokedConnectors: version === 0 ? [] : assignment.revokedConnectors.toSorted(),
    revokedTasks: version === 0 ? [] : tasks(assignment.revokedTasks),
    delayMs: version === 0 ? 0 : assignment.delayMs,
  }
}

describe('the Connect protocol against Java connect-runtime 4.3.1', () => {
  it('reads every assignment that Java wrote', () => {
    for (const { version, value, hex } of golden.assignments) {
      const decoded = decodeConnectAssignment(Buffer.from(hex, 'hex'))
      expect(meaning(decoded, version)).to.deep.equal(meaning(assignmentOf(value), version))
    }
  })

  it('writes every assignment byte for byte, connectors in the order that Java gave them', () => {
    for (const { version, value, hex } of golden.assignments) {
      const { connectors } = decodeConnectAssignment(Buffer.from(hex, 'hex')) // the order of Java's HashSet
      const bytes = encodeConnectAssignment({ ...assignmentOf(value), connectors }, version)
      expect(bytes.toString('hex')).to.equal(hex)
    }
  })

  it('reads every worker metadata that Java wrote', () => {
    for (const { version, value, hex } of golden.metadata) {
      const decoded = decodeWorkerState(Buffer.from(hex, 'hex'))
      const expected = stateOf(value)
      expect([decoded.url, decoded.configOffset]).to.deep.equal([expected.url, expected.configOffset])
      if (version === 0 || expected.assignment === null) expect(decoded.assignment).to.equal(null)
      else expect(meaning(decoded.assignment!, version)).to.deep.equal(meaning(expected.assignment, version))
    }
  })

  it('writes every worker metadata byte for byte', () => {
    for (const { version, value, hex } of golden.metadata) {
      const state = stateOf(value)
      const order = decodeWorkerState(Buffer.from(hex, 'hex')).assignment?.connectors ?? []
      const assignment = state.assignment && { ...state.assignment, connectors: order }
      expect(encodeWorkerState({ ...state, assignment }, version).toString('hex')).to.equal(hex)
    }
  })

  it('reads what a running ConnectDistributed sent and got, and writes the same bytes', () => {
    const [alone, first, second] = worker.members.map(({ metadata, assignment, memberId }) => {
      const state = decodeWorkerState(Buffer.from(metadata, 'hex'))
      const got = decodeConnectAssignment(Buffer.from(assignment, 'hex'))
      expect(encodeWorkerState(state, 2).toString('hex')).to.equal(metadata)
      expect(encodeConnectAssignment(got, 2).toString('hex')).to.equal(assignment)
      expect([state.url, got.leaderUrl, got.leader]).to.deep.equal([worker.url, worker.url, memberId])
      return { state, got }
    })
    expect(alone?.state).to.deep.equal({ url: worker.url, configOffset: -1n, assignment: null })
    expect([alone?.got.connectors, alone?.got.tasks]).to.deep.equal([[], []])
    // It joins with all that it runs, and is told only what is new.
    expect(first?.state.assignment?.connectors).to.deep.equal(['flight-delay'])
    expect(first?.got).to.deep.include({ connectors: [], tasks: tasksOf('flight-delay'), revokedTasks: [] })
    expect(second?.state.assignment?.connectors).to.have.members(['flight-delay', 'other'])
    expect(second?.state.assignment?.tasks).to.deep.equal(tasksOf('flight-delay'))
    expect(second?.got).to.deep.include({ connectors: [], tasks: tasksOf('other'), delayMs: 0 })
  })
})

function tasksOf(connector: string): ConnectAssignment['tasks'] {
  return [0, 1].map((task) => ({ connector, task }))
}
