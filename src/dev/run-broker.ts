import { createLogger } from '../runtime/host/log.ts'
import { brokerEnded, startBroker, type Broker } from './broker.ts'
import { aborted, stopSignal } from './signals.ts'

/** `sluice broker`: runs the embedded broker until SIGINT or SIGTERM, and throws when it ends by itself. */
export async function runBroker(port: number, dataDir: string): Promise<void> {
  const running: { broker?: Broker } = {}
  const signal = stopSignal(() => running.broker?.kill())
  const supervised = process.channel !== undefined
  const log = createLogger(process.env['SLUICE_LOG_LEVEL'] ?? 'info', { process: 'broker' })
  try {
    const broker = await startBroker({
      port,
      dataDir,
      portOption: '--port',
      ownGroup: !supervised,
      log,
      signal,
    })
    running.broker = broker
    process.stdout.write(`${JSON.stringify({ ready: true, bootstrapServers: broker.bootstrapServers })}\n`)
    await Promise.race([aborted(signal), broker.exited])
    if (!signal.aborted) throw await brokerEnded(broker)
    await broker.stop()
  } catch (error) {
    if (!signal.aborted) throw error // being stopped while it starts is no failure
  }
}
