import type { ErrorPolicy } from '../delivery/error-policy.ts'
import { type Prepared, PutAgain, type SinkPipeline, type Transformed } from './sink-pipeline.ts'
import type { SinkRequests } from './sink-requests.ts'
import type { Chunk } from './suspect-chunks.ts'
import type { WaitLog } from '../host/wait-log.ts'

interface PutParts {
  readonly pipeline: SinkPipeline
  readonly requests: SinkRequests
  readonly policy: Pick<ErrorPolicy, 'pause'>
  /** Says that a batch waits for its sink. */
  readonly wait: WaitLog
}

/** Gives batches to the sink, one after the other; one that it cannot take for now comes again, as it was, after a pause. */
export class Puts {
  readonly #parts: PutParts
  #refused: { readonly transformed: Transformed; readonly attempt: number; readonly until: number } | null =
    null

  constructor(parts: PutParts) {
    this.#parts = parts
  }

  /** How long, in milliseconds, the batch that the sink has refused must wait; at most 0 where none does. */
  get waitMs(): number {
    return (this.#refused?.until ?? 0) - performance.now()
  }

  /** Undefined where the sink has refused the batch: the next call is about the same chunk, and not before `waitMs`. */
  async put(chunk: Chunk, signal: AbortSignal): Promise<Prepared | undefined> {
    const { pipeline, requests, policy, wait } = this.#parts
    const attempt = this.#refused?.attempt ?? 0
    const transformed = this.#refused?.transformed ?? (await pipeline.transform(chunk, signal))
    try {
      const prepared = await pipeline.put(transformed, signal)
      this.forget()
      return prepared
    } catch (error) {
      if (!(error instanceof PutAgain)) throw error
      const pauseMs = requests.takeTimeout() ?? policy.pause(attempt)
      wait.waits(`waiting for the sink, which cannot take a batch: ${error.message}`)
      this.#refused = { transformed, attempt: attempt + 1, until: performance.now() + pauseMs }
      return undefined
    }
  }

  /** Nothing waits for the sink any more: it took the batch, or that is fetched again. */
  forget(): void {
    this.#refused = null
    this.#parts.wait.over()
  }
}
