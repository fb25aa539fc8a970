/** The IPC channel between a supervisor and the commands that it starts; each message is one of these. */
export type ChildMessage = {
  /** The command cannot do its work; it ends next. */
  readonly type: 'failed'
  /** One line: what happened and what to do. */
  readonly message: string
}

const LAST_GRACE_MS = 20_000

/** Sends to the supervisor and calls back when it is sent; false where there is no supervisor. */
export function tellParent(message: ChildMessage, sent: () => void): boolean {
  if (process.send === undefined || !process.connected) return false
  process.send(message, undefined, undefined, sent)
  return true
}

/**
 * Stops this command as SIGTERM would when its supervisor has gone (it may have been killed with SIGKILL), and for
 * good after a grace. Does nothing for a command that was started by hand.
 */
export function endWithParent(): void {
  if (process.channel === undefined) return
  process.once('disconnect', () => {
    setTimeout(() => process.exit(1), LAST_GRACE_MS).unref()
    process.kill(process.pid, 'SIGTERM')
  })
  process.channel.unref() // the listener alone must not keep a finished command alive
}

export function isChildMessage(message: unknown): message is ChildMessage {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'failed'
}
