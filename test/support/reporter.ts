import Mocha from 'mocha'

/**
 * Mocha's spec output, and as the very last line the plain form that CI reads: `12 passed, 0 failed`.
 * A run in which nothing was executed is a failure.
 */
class PlainEnd extends Mocha.reporters.Dot {
  override done(failures: number, fn?: (failures: number) => void): void {
    const { passes, failures: failed, pending } = this.stats
    const executed = passes + failed
    if (executed === 0) process.stdout.write('no test was executed\n')
    if (pending > 0) process.stdout.write(`${pending} skipped\n`)
    process.stdout.write(`${passes} passed, ${failed} failed\n`)
    fn?.(executed === 0 ? Math.max(failures, 1) : failures)
  }
}

export { PlainEnd as default }
