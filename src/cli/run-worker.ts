import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Logger } from '../api/log.ts'
import type { ServedWorker } from '../rest/serve-worker.ts'
import type { ReadSettings } from '../worker/settings/settings.ts'
import type { RunningWorker } from '../worker/worker.ts'

export interface CommandWorker {
  readonly served: ServedWorker
  readonly log: Logger
}

/** Starts a worker with its REST API. It stops at Ctrl-C, and the process ends with it. */
export async function beginWorker({ settings, warnings, leftOut }: ReadSettings): Promise<CommandWorker> {
  const [{ createLogger }, { LogLevels }, { serveWorker }, { aborted, stopSignal }] = await Promise.all([
    import('../runtime/host/log.ts'),
    import('../runtime/host/log-levels.ts'),
    import('../rest/serve-worker.ts'),
    import('../dev/signals.ts'),
  ])
  const levels = new LogLevels(settings.logLevel)
  const log = createLogger(levels)
  for (const warning of warnings) log.warn(warning)
  for (const problem of leftOut) log.warn('a plugin is left out', { ...problem })
  await warnWithoutOnnx(log)
  const served = await serveWorker({ settings, version: await version(), log, levels })
  log.info('the REST API answers', { rest: served.url })
  const stop = (): void => {
    log.info('stopping')
    void served.stop().then(
      () => process.exit(),
      (error: unknown) => {
        log.error('the worker did not stop cleanly', { error })
        process.exit(1)
      },
    )
  }
  void aborted(stopSignal(() => undefined)).then(stop)
  return { served, log }
}

/** Resolves when the worker runs and `work` is done; a worker where one of both fails is stopped first. */
export async function untilStarted(
  { served }: CommandWorker,
  work: (worker: RunningWorker) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  try {
    await work(await served.started)
  } catch (error) {
    await served.stop()
    throw error
  }
}

/** Said at the start and not when the first network fails; nothing is loaded for it. */
async function warnWithoutOnnx(log: Logger): Promise<void> {
  try {
    import.meta.resolve('onnxruntime-node')
  } catch {
    const { INSTALL_ONNXRUNTIME } = await import('../inference/engines/install-onnxruntime.ts')
    log.warn(
      'networks (ONNX, Keras, DL4J) cannot run: onnxruntime-node is not installed; H2O models need nothing. ' +
        `Run: ${INSTALL_ONNXRUNTIME}`,
    )
  }
}

async function version(): Promise<string> {
  const { packageRoot } = await import('../dev/package-root.ts')
  const text = readFileSync(path.join(packageRoot(), 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
