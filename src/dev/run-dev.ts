import { createLogger } from '../runtime/host/log.ts'
import { aborted, stopSignal } from './signals.ts'
import { Stack, type StackOptions } from './stack.ts'

/** `sluice dev`: everything on one machine until SIGINT or SIGTERM. Standard output gets one JSON line, when all is healthy. */
export async function runDev(options: StackOptions): Promise<void> {
  const log = createLogger(process.env['SLUICE_LOG_LEVEL'] ?? 'info', { process: 'supervisor' })
  const stack = new Stack(options, log)
  const signal = stopSignal(() => stack.kill())
  try {
    await stack.start(signal)
  } catch (error) {
    if (signal.aborted) return // being stopped while it starts is no failure
    throw error
  }
  process.stdout.write(`${JSON.stringify({ ready: true, ...stack.addresses })}\n`)
  await aborted(signal)
  log.info('stopping: workers, registry, broker')
  await stack.stop()
}
