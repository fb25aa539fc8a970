import { withoutCredentials } from '../api/credentials.ts'
import { ConnectError, messageOf } from '../api/errors.ts'
import { tellParent } from '../dev/child-channel.ts'
import { isSupervised } from './steps.ts'

/**
 * The one place where a command fails: one clear line on standard error, and exit code 1 where the command has no other. The stack of an error that
 * we did not foresee is shown with `--debug` or SLUICE_DEBUG only. Under the
 * supervisor of `sluice dev` that tells the user.
 */
export function fail(error: unknown, code = 1): void {
  process.exitCode = code
  const text = withoutCredentials(describeFailure(error))
  const end = () => process.exit(code) // a half-started command may still have open connections
  if (!isSupervised() && tellParent({ type: 'failed', message: text }, end)) return
  const stack = debugging() && error instanceof Error ? `${withoutCredentials(error.stack ?? '')}\n` : ''
  process.stderr.write(`sluice: ${text}\n${stack}`, end)
}

/** What happened and what to do. */
export function describeFailure(error: unknown): string {
  if (error instanceof ConnectError) {
    return error.suggestion === undefined ? error.message : `${error.message}; ${error.suggestion}`
  }
  return debugging() ? messageOf(error) : `${messageOf(error)} (unexpected: --debug shows where)`
}

function debugging(): boolean {
  return process.argv.includes('--debug') || (process.env['SLUICE_DEBUG'] ?? '') !== ''
}
