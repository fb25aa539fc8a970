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
} from '../../src/kafka/connect-protocol.ts'

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
})
