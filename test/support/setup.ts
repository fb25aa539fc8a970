/** Loaded once by mocha (`require` in .mocharc.json). */
import { stopSharedKafka } from './kafka.ts'
import { stopAllProcesses } from './process.ts'

export async function mochaGlobalTeardown(): Promise<void> {
  stopAllProcesses()
  await stopSharedKafka()
}
