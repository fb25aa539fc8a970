import { adminSteps } from './rest/admin-steps.ts'
import { connectorSteps } from './rest/connector-steps.ts'
import { offsetSteps } from './rest/offset-steps.ts'
import { validateSteps } from './rest/validate-steps.ts'
import { readScript, type Step } from './rest-replay.ts'

/**
 * What is sent to both workers, script after script; each leaves no connector behind that the next could meet. `base` is
 * rest-script.json, in which each worker has a sink of its own.
 */
export const SCRIPTS = {
  base: readScript(),
  validate: validateSteps,
  connectors: connectorSteps,
  offsets: offsetSteps,
  admin: adminSteps,
} as const satisfies Readonly<Record<string, readonly Step[]>>

/** What a worker that does not lead is asked too: all that is forwarded, and what each answers by itself. */
export const FOLLOWER_SCRIPTS = ['connectors', 'offsets', 'admin'] as const satisfies readonly ScriptName[]

export type ScriptName = keyof typeof SCRIPTS
