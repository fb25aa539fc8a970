import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectError, messageOf, TaskError } from '../../api/errors.ts'
import type { SourceConnector } from '../../api/plugins.ts'
import type { TaskOptions } from '../host/open-task.ts'
import { IDLE } from '../host/stage-tracker.ts'

/** How often the worker is told that the monitor still waits. */
const TELL_MS = 1000
/** Of the time to stop: a monitor that does not notice is left behind. */
const STOP_SHARE = 0.2

export type MonitorOptions = Pick<TaskOptions, 'id' | 'config' | 'settings' | 'log' | 'events' | 'stopping'>

/**
 * Runs the monitor of a source as a task is run: it is told to stop, and what it throws is its connector's failure. Where it
 * keeps the process busy, the deadline of tasks ends its host.
 */
export function openMonitor(options: MonitorOptions, plugin: SourceConnector) {
  const { id, log, events, stopping, settings } = options
  const { connector } = id
  let isOver = stopping.signal.aborted
  stopping.signal.addEventListener('abort', () => (isOver = true), { once: true })
  const fail = (error: unknown): void => {
    if (isOver) return
    isOver = true
    stopping.abort()
    events.failed(failureOf(error, connector, plugin))
  }
  const telling = setInterval(() => void events.at('monitor'), TELL_MS)
  const work = async (): Promise<void> => {
    await events.at('monitor')
    await plugin.monitor?.(plugin.config.read(options.config), {
      ...{ connector, log, signal: stopping.signal },
      requestTaskReconfiguration: () => {
        if (!isOver) events.reconfigure?.()
      },
      raiseError: fail,
    })
  }
  const done = work()
    .catch(fail)
    .finally(() => {
      clearInterval(telling)
      void events.at(IDLE)
    })
  const stop = async (): Promise<void> => {
    stopping.abort()
    await Promise.race([done, sleep(settings.stopTimeoutMs * STOP_SHARE, undefined, { ref: false })])
    clearInterval(telling)
  }
  const nothing = (): Promise<void> => Promise.resolve()
  return { kind: 'monitor', task: { pause: nothing, resume: nothing, stop }, close: nothing } as const
}

function failureOf(error: unknown, connector: string, plugin: SourceConnector): ConnectError {
  if (error instanceof ConnectError) return error
  const message = `Connector ${connector}: the monitor of ${plugin.name} threw: ${messageOf(error)}`
  return new TaskError('task.failed', message, { cause: error, plugin: plugin.name })
}
