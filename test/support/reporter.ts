import Mocha from 'mocha'

/**
 * Mocha's spec output, and as the very last line the plain form that CI reads: `12 passed, 0 failed`.
 * A run in which there was no test at all is a failure.
 */
class PlainEnd extends Mocha.reporters.Dot {
  override done(failures: number, fn?: (failures: number) => void): void {
    const { passes, failures: failed, pending } = this.stats
    const executed = passes + failed
    const none = executed + pending === 0
    if (none) process.stdout.write('no test was executed\n')
    if (pending > 0) process.stdout.write(`${pending} skipped\n`)
    process.stdout.write(`${passes} passed, ${failed} failed\n`)
    fn?.(none ? Math.max(failures, 1) : failures)
  }
}

export { PlainEnd as default }
