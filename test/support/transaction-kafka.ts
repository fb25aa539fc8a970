import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SILENT } from '../../src/api/log.ts'
import { startBroker } from '../../src/dev/broker.ts'
import { freePort } from '../../src/dev/ports.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import { FaultProxy } from './fault-proxy.ts'

export interface TransactionKafka {
  /** The broker itself. */
  readonly bootstrapServers: string
  /** A listener behind `proxy`: whoever begins here goes through it with all requests. */
  readonly behindProxy: string
  readonly proxy: FaultProxy
  stop(): Promise<void>
}

/** A real broker of its own with the feature `transaction.version` at a level: 2 is KIP-890, 0 what was before. */
export async function startTransactionKafka(transactionVersion: 0 | 2): Promise<TransactionKafka> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-transactions-'))
  const behind = await freePort()
  const proxy = await FaultProxy.start(() => behind)
  const broker = await startBroker({
    port: await freePort(),
    dataDir,
    log: SILENT,
    special: {
      format: ['--feature', `transaction.version=${transactionVersion}`],
      settings: ({ port, controllerPort }) => ({
        listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort},PROXY://127.0.0.1:${behind}`,
        'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},PROXY://127.0.0.1:${proxy.port}`,
        'inter.broker.listener.name': 'PLAINTEXT',
        'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXY:PLAINTEXT',
        // Looked for often: the tests wait for transactions that time out.
        'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
      }),
    },
  })
  process.once('exit', () => broker.kill())
  return {
    bootstrapServers: broker.bootstrapServers,
    behindProxy: `127.0.0.1:${proxy.port}`,
    proxy,
    stop: async () => {
      proxy.stop()
      broker.kill()
      await broker.exited
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

export function clientOf(bootstrapServers: string): KafkaClient {
  return new KafkaClient({ bootstrapServers: [bootstrapServers], clientId: 'sluice-test', log: SILENT })
}
