import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import type { Logger } from '../api/log.ts'

export function register(program: Command): void {
  program
    .command('worker')
    .summary('run one worker against a Kafka that is there')
    .description(
      'Runs one worker: its REST API and the connectors of its cluster. FILE holds its settings with Kafka Connect’s ' +
        'names, as JSON (.json) or as Java properties (a connect-distributed.properties file). A setting is overridden ' +
        'by an environment variable: CONNECT_BOOTSTRAP_SERVERS for bootstrap.servers. Ctrl-C stops it.',
    )
    .argument('<file>', 'the settings')
    .action(run)
}

async function run(file: string): Promise<void> {
  const [{ loadSettings }, { createLogger }, { serveWorker }, { aborted, stopSignal }] = await Promise.all([
    import('../worker/settings/settings.ts'),
    import('../runtime/host/log.ts'),
    import('../rest/serve-worker.ts'),
    import('../dev/signals.ts'),
  ])
  const { settings, warnings, leftOut } = await loadSettings(file)
  const log = createLogger(settings.logLevel)
  for (const warning of warnings) log.warn(warning)
  for (const problem of leftOut) log.warn('a plugin is left out', { ...problem })
  await warnWithoutOnnx(log)
  const worker = await serveWorker({ settings, version: await version(), log })
  log.info('the REST API answers', { rest: worker.url })
  const stop = (): void => {
    log.info('stopping')
    void worker.stop().then(
      () => process.exit(),
      (error: unknown) => {
        log.error('the worker did not stop cleanly', { error })
        process.exit(1)
      },
    )
  }
  void aborted(stopSignal(() => undefined)).then(stop)
  try {
    await worker.started
  } catch (error) {
    await worker.stop()
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
