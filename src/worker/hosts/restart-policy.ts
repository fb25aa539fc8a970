import type { RawConfig } from '../../api/config.ts'
import { restartKeys } from '../../runtime/plugins/connector-keys.ts'

/** When a task that failed starts again by itself. Times in milliseconds. */
export interface RestartSettings {
  /** How often in a row; 0 not at all, Infinity without end. */
  readonly most: number
  readonly firstPause: number
  readonly longestPause: number
}

export interface NextStart {
  /** Milliseconds to wait before it. */
  readonly pause: number
  /** For people: when, and the how manyth in a row. */
  readonly sentence: string
}

/** A task that ran for so long, in milliseconds, has recovered: the next failure is the first of a row. */
const RECOVERED = 300_000
const NO_RESTART: RestartSettings = { most: 0, firstPause: 0, longestPause: 0 }

/** What `tasks.restart.*` of a connector says; nothing where it is wrong, which the task's host tells. */
export function restartSettings(config: RawConfig): RestartSettings | undefined {
  const { values: keys, problems } = restartKeys.parse(config)
  if (problems.length > 0) return undefined
  const most = keys['tasks.restart.max']
  return {
    most: most < 0 ? Infinity : most,
    firstPause: keys['tasks.restart.backoff.ms'],
    longestPause: keys['tasks.restart.backoff.max.ms'],
  }
}

/** Counts the failures of one task, and says whether it starts again: each pause is twice the one before. */
export class RestartPolicy {
  readonly #settings: RestartSettings
  #inRow = 0

  constructor(settings: RestartSettings = NO_RESTART) {
    this.#settings = settings
  }

  /** After a failure of a task that ran for so many milliseconds; undefined where it stays FAILED. */
  failed(ranFor: number): NextStart | undefined {
    const { most, firstPause, longestPause } = this.#settings
    if (ranFor > RECOVERED) this.#inRow = 0
    if (this.#inRow >= most) return undefined
    const pause = Math.min(longestPause, firstPause * 2 ** this.#inRow)
    this.#inRow++
    const of = most === Infinity ? '' : ` of ${most}`
    return { pause, sentence: `It starts again in ${pause / 1000} s (restart ${this.#inRow}${of}).` }
  }
}
