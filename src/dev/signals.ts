/** Under npm a Ctrl-C comes twice: from the terminal, and forwarded by npm. */
const SAME_MS = 500

/**
 * A signal that aborts at the first SIGINT or SIGTERM. At a later one `kill` runs and the process ends at once.
 * One per process.
 */
export function stopSignal(kill: () => void): AbortSignal {
  const stopping = new AbortController()
  let firstAt = 0
  const onSignal = () => {
    if (!stopping.signal.aborted) {
      firstAt = performance.now()
      stopping.abort()
      return
    }
    if (performance.now() - firstAt < SAME_MS) return
    kill()
    process.exit(130)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return stopping.signal
}

export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
