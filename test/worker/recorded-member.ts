import type { GroupMemberOptions } from '../../src/kafka/groups/group.ts'

/** A member that only remembers what it was told. */
export class Recorder {
  readonly heldUntil = Infinity
  readonly calls: string[] = []
  readonly options: GroupMemberOptions
  constructor(options: GroupMemberOptions) {
    this.options = options
  }
  start(): Promise<void> {
    this.calls.push('start')
    return Promise.resolve()
  }
  rejoin(reason: string): void {
    this.calls.push(`rejoin: ${reason}`)
  }
  leave({ willReturn = false } = {}): Promise<void> {
    this.calls.push(willReturn ? 'leave, to return' : 'leave')
    return Promise.resolve()
  }
}
