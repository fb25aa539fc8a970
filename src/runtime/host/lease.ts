/**
 * Until when a host's tasks are surely nobody else's. Its worker, which heartbeats for it, renews it; a worker that is
 * stopped (SIGSTOP, a paused machine) or cut off does not, and then its tasks hold still before others take over.
 */
export class Lease {
  #until = 0

  renew(until: number): void {
    this.#until = until
  }

  get held(): boolean {
    return monotonicMs() < this.#until
  }
}

/** Milliseconds of a clock that all processes of a machine share and nobody sets. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}
