import { expect } from 'chai'
import { describe, it } from 'mocha'
import { TaskError } from '../../src/api/errors.ts'
import {
  type ConnectAssignment,
  connectProtocols,
  connectProtocolVersion,
  decodeConnectAssignment,
  decodeWorkerState,
  encodeConnectAssignment,
  encodeWorkerState,
} from '../../src/kafka/groups/connect-protocol.ts'

const ASSIGNMENT: ConnectAssignment = {
  error: 0,
  leader: 'w-1',
  leaderUrl: 'http://127.0.0.1:18083/',
  configOffset: 7n,
  connectors: ['a', 'b'],
  tasks: [
    { connector: 'a', task: 0 },
    { connector: 'c', task: 1 },
  ],
  revokedConnectors: ['d'],
  revokedTasks: [{ connector: 'a', task: 3 }],
  delayMs: 1000,
}

describe('the Connect protocol', () => {
  it('offers sessioned, then compatible, then default', () => {
    const offered = connectProtocols({ url: 'http://h:1/', configOffset: -1n, assignment: null })
    expect(offered.map((p) => p.name)).to.deep.equal(['sessioned', 'compatible', 'default'])
    expect(offered.map((p) => p.metadata.readInt16BE(0))).to.deep.equal([2, 1, 0])
    expect(connectProtocolVersion('compatible')).to.equal(1)
    expect(() => connectProtocolVersion('range')).to.throw(TaskError, 'range')
  })

  it('keeps an assignment through versions 1 and 2, and all but revocations and delay through version 0', () => {
    for (const version of [1, 2] as const) {
      expect(decodeConnectAssignment(encodeConnectAssignment(ASSIGNMENT, version))).to.deep.equal(ASSIGNMENT)
    }
    expect(decodeConnectAssignment(encodeConnectAssignment(ASSIGNMENT, 0))).to.deep.equal({
      ...ASSIGNMENT,
      revokedConnectors: [],
      revokedTasks: [],
      delayMs: 0,
    })
  })

  it('reads a worker that joins with version 0 bytes as one that runs nothing', () => {
    const state = { url: 'http://h:1/', configOffset: 3n, assignment: ASSIGNMENT }
    expect(decodeWorkerState(encodeWorkerState(state, 0))).to.deep.equal({ ...state, assignment: null })
    expect(decodeWorkerState(encodeWorkerState(state, 2))).to.deep.equal(state)
  })

  it('ignores the fields of a newer version', () => {
    const bytes = Buffer.concat([encodeConnectAssignment(ASSIGNMENT, 2), Buffer.from('0102', 'hex')])
    bytes.writeInt16BE(9, 0)
    expect(decodeConnectAssignment(bytes)).to.deep.equal(ASSIGNMENT)
  })

  it('refuses truncated bytes, lying lengths and a negative version with one clear error', () => {
    const whole = encodeWorkerState({ url: 'http://h:1/', configOffset: 1n, assignment: ASSIGNMENT }, 2)
    for (let length = 0; length < whole.length; length++) {
      if (length === whole.readInt16BE(2) + 12) continue // ends where the assignment is an optional field
      expect(() => decodeWorkerState(whole.subarray(0, length)), `${length} bytes`).to.throw(
        TaskError,
        /cannot be read/,
      )
    }
    const lying = encodeConnectAssignment({ ...ASSIGNMENT, leader: '', leaderUrl: '' }, 0)
    lying.writeInt32BE(0x7fffffff, 16)
    expect(() => decodeConnectAssignment(lying)).to.throw(TaskError, '2147483647 items')
    expect(() => decodeWorkerState(Buffer.from('ffff', 'hex'))).to.throw(TaskError, 'version -1')
  })
})
