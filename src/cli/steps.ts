/** What a supervised command says to its supervisor (`supervise.ts`); each step has the deadline for itself. */
export type StepMessage =
  | { readonly type: 'step'; readonly what: string }
  | { readonly type: 'done' }
  | { readonly type: 'draft'; readonly file: string }

/** The process number of the supervisor stands here; one that is inherited further down says nothing. */
export const SUPERVISOR = 'SLUICE_SUPERVISOR'

/** True where a supervisor started this very process and watches its steps. */
export function isSupervised(): boolean {
  return process.connected && process.env[SUPERVISOR] === String(process.ppid)
}

/** Does what may take no longer than the deadline. `what` completes "… did not end within 60 s". */
export async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  tell({ type: 'step', what })
  try {
    return await work()
  } finally {
    tell({ type: 'done' })
  }
}

/** Names a file that is not worth keeping where this process is killed. */
export function keepNot(file: string): void {
  tell({ type: 'draft', file })
}

function tell(message: StepMessage): void {
  if (isSupervised()) process.send?.(message)
}

export function isStepMessage(message: unknown): message is StepMessage {
  if (typeof message !== 'object' || message === null || !('type' in message)) return false
  return message.type === 'step' || message.type === 'done' || message.type === 'draft'
}
