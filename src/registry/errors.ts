import { ConnectError } from '../api/errors.ts'
import type { ErrorCode } from '../api/errors.ts'

/** An error of the registry's REST API: an HTTP status and the `error_code` of Confluent's API. */
export class RegistryError extends ConnectError {
  readonly status: number
  readonly errorCode: number

  constructor(code: ErrorCode, errorCode: number, message: string, cause?: unknown) {
    super(code, message, cause === undefined ? {} : { cause })
    this.errorCode = errorCode
    this.status = errorCode > 999 ? Math.floor(errorCode / 100) : errorCode
  }
}

const unknown = (errorCode: number, message: string) =>
  new RegistryError('schema.unknown', errorCode, message)

export const subjectNotFound = (subject: string) => unknown(40401, `Subject '${subject}' not found.`)
export const versionNotFound = (version: number | string) => unknown(40402, `Version ${version} not found.`)
export const schemaNotFound = (id?: number | string) =>
  unknown(40403, id === undefined ? 'Schema not found' : `Schema ${id} not found`)
export const subjectSoftDeleted = (subject: string) =>
  unknown(40404, `Subject '${subject}' was soft deleted. Set permanent=true to delete permanently`)
export const subjectNotSoftDeleted = (subject: string) =>
  unknown(40405, `Subject '${subject}' was not deleted first before being permanently deleted`)
export const versionSoftDeleted = (subject: string, version: number) =>
  unknown(
    40406,
    `Subject '${subject}' Version ${version} was soft deleted. Set permanent=true to delete permanently`,
  )
export const versionNotSoftDeleted = (subject: string, version: number) =>
  unknown(
    40407,
    `Subject '${subject}' Version ${version} was not deleted first before being permanently deleted`,
  )
export const compatibilityNotConfigured = (subject: string) =>
  unknown(40408, `Subject '${subject}' does not have subject-level compatibility configured`)
export const modeNotConfigured = (subject: string) =>
  unknown(40409, `Subject '${subject}' does not have subject-level mode configured`)

/** A schema (or what claims to be one) that cannot be registered; `detail` says what is wrong with it. */
export const invalidSchema = (detail: string) =>
  new RegistryError('schema.invalid', 42201, `Invalid schema: ${detail}`)
export const invalidVersion = (version: string) =>
  new RegistryError(
    'request.invalid',
    42202,
    `The specified version '${version}' is not a valid version id. ` +
      'Allowed values are between [1, 2^31-1] and the string "latest"',
  )
export const invalidCompatibility = (levels: readonly string[]) =>
  new RegistryError(
    'request.invalid',
    42203,
    `Invalid compatibility level. Valid values are ${levels.join(', ')}`,
  )
export const invalidMode = (modes: readonly string[]) =>
  new RegistryError('request.invalid', 42204, `Invalid mode. Valid values are ${modes.join(', ')}`)
export const notPermitted = (message: string) => new RegistryError('request.invalid', 42205, message)
export const referenceExists = (key: string) =>
  new RegistryError(
    'request.invalid',
    42206,
    `One or more references exist to the schema ${key}. Delete the schemas that refer to it first`,
  )
export const invalidSubject = (subject: string) =>
  new RegistryError('request.invalid', 42208, `The specified subject '${subject}' is not a valid subject.`)

export const schemaTooLarge = (message: string) =>
  new RegistryError('schema.invalid', 42209, `The schema is too large for the topic: ${message}`)

/** Status 409 with the details in the form that Confluent's clients print. */
export const incompatibleSchema = (subject: string, messages: readonly string[]) =>
  new RegistryError(
    'schema.incompatible',
    409,
    `Schema being registered is incompatible with an earlier schema for subject "${subject}", ` +
      `details: [${messages.join(', ')}]`,
  )

export const storeFailed = (cause: unknown, message: string) =>
  new RegistryError('registry.unavailable', 50001, `Error in the backend data store: ${message}`, cause)
export const timedOut = (seconds: number) =>
  new RegistryError(
    'registry.unavailable',
    50002,
    `The schemas topic did not acknowledge the write within ${seconds} s; check the broker and repeat the request`,
  )
/** A plain HTTP error: its `error_code` is the status. */
export const httpError = (status: number, message: string) =>
  new RegistryError('request.invalid', status, message)
