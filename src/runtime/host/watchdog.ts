import { Worker } from 'node:worker_threads'

const INTERVAL_MS = 500

/**
 * Kills this process when its parent is gone. It runs in a thread of its own, because a main thread that is stuck in
 * a model cannot notice that the channel to the worker closed. (`process.ppid` changes when the parent dies.)
 */
export function startWatchdog(parent: number): void {
  const source = `
    setInterval(() => {
      if (process.ppid !== ${parent}) process.kill(process.pid, 'SIGKILL')
    }, ${INTERVAL_MS})
  `
  new Worker(source, { eval: true }).unref()
}
