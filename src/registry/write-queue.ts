import { ConnectError, messageOf } from '../api/errors.ts'
import { RegistryError, schemaTooLarge, storeFailed, timedOut } from './errors.ts'

const TIMEOUT_MS = 30_000

/**
 * Runs writes one after the other, so that what a write decides (the next id, the next version) still holds when its
 * record is in the log. A caller gives up after 30 s, but its write keeps its place: until it is known whether the
 * record arrived, nothing else is written.
 */
export class WriteQueue {
  readonly #timeoutMs: number
  #tail: Promise<unknown> = Promise.resolve()

  constructor(timeoutMs = TIMEOUT_MS) {
    this.#timeoutMs = timeoutMs
  }

  run<T>(write: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let isAbandoned = false
      const timer = setTimeout(() => {
        isAbandoned = true
        reject(timedOut(this.#timeoutMs / 1000))
      }, this.#timeoutMs)
      timer.unref()
      this.#tail = this.#tail.then(async () => {
        if (isAbandoned) return
        try {
          resolve(await write())
        } catch (error) {
          reject(asRegistryError(error))
        } finally {
          clearTimeout(timer)
        }
      })
    })
  }
}

function asRegistryError(error: unknown): RegistryError {
  if (error instanceof RegistryError) return error
  const isTooLarge = error instanceof ConnectError && error.code === 'record.too-large'
  return isTooLarge ? schemaTooLarge(error.message) : storeFailed(error, messageOf(error))
}
