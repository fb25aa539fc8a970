/**
 * A signal that aborts at the first SIGINT or SIGTERM. At the second one `kill` runs and the process ends at once.
 * One per process.
 */
export function stopSignal(kill: () => void): AbortSignal {
  const stopping = new AbortController()
  const onSignal = () => {
    if (!stopping.signal.aborted) {
      stopping.abort()
      return
    }
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
