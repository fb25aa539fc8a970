import type { Logger } from '../api/log.ts'
import { checkCompatibility } from './compatibility-levels.ts'
import type { CompatibilityLevel } from './compatibility-levels.ts'
import * as errors from './errors.ts'
import { RegistryState } from './registry-state.ts'
import type { SchemaContent } from './registry-state.ts'
import { SchemaParsing } from './schema-parsing.ts'
import type { Candidate } from './schema-parsing.ts'
import type { OpenSchemaLog, SchemaLog } from './schema-log.ts'
import { encodeKey, encodeValue } from './topic-records.ts'
import type { Mode, SchemaVersion, TopicRecord } from './topic-records.ts'
import { WriteQueue } from './write-queue.ts'

/** What the REST API does, on top of a log. Reads answer from memory; writes run one after the other. */
export class Registry {
  readonly state: RegistryState
  readonly parsing: SchemaParsing
  readonly #log: SchemaLog
  readonly #queue = new WriteQueue()
  #isBehind = false

  private constructor(state: RegistryState, log: SchemaLog) {
    this.state = state
    this.parsing = new SchemaParsing(state)
    this.#log = log
  }

  /** Resolves when the log was read to its end. */
  static async open(openLog: OpenSchemaLog, log: Logger): Promise<Registry> {
    const state = new RegistryState(log)
    const schemaLog = await openLog((record) => state.apply(record))
    return new Registry(state, schemaLog)
  }

  close(): Promise<void> {
    return this.#log.close()
  }

  /** The id of the schema, which becomes the subject's next version where the subject does not have it yet. */
  async register(subject: string, content: SchemaContent, isNormalised: boolean): Promise<number> {
    checkSubject(subject)
    const candidate = this.parsing.candidate(content, isNormalised)
    const existing = this.find(subject, candidate, false)
    if (existing !== undefined) return existing.id
    return this.#write(subject, () => {
      // A reference may have gone, and the schema may have come, while this waited for its turn.
      const current =
        content.references.length > 0 ? this.parsing.candidate(content, isNormalised) : candidate
      return this.#registerNew(subject, current)
    })
  }

  async #registerNew(subject: string, candidate: Candidate): Promise<number> {
    const existing = this.find(subject, candidate, false)
    if (existing !== undefined) return existing.id
    const messages = this.compare(subject, candidate, this.liveVersions(subject))
    if (messages.length > 0) throw errors.incompatibleSchema(subject, messages)
    const { schemaType, references, schema } = candidate
    const id = this.state.idOf(candidate) ?? this.state.nextId()
    const version = this.state.nextVersion(subject)
    const value: SchemaVersion = { subject, version, id, schemaType, references, schema, deleted: false }
    await this.#append({ type: 'SCHEMA', subject, version, value })
    const stored = this.state.version(subject, version)
    if (stored?.id !== id || stored.schema !== schema) {
      throw errors.storeFailed(undefined, 'another registry writes to the same topic; stop one of them')
    }
    // A version that was deleted softly and has come back under a new number is of no more use.
    for (const earlier of this.state.versions(subject)) {
      if (earlier.id === id && earlier.deleted) {
        await this.#append({ type: 'SCHEMA', subject, version: earlier.version, value: null })
      }
    }
    return id
  }

  /** The version under which a subject has a schema, the latest where it has it twice. */
  find(subject: string, content: SchemaContent, isDeletedIncluded: boolean): SchemaVersion | undefined {
    const id = this.state.idOf(content)
    return this.state
      .versions(subject)
      .findLast((entry) => entry.id === id && (isDeletedIncluded || !entry.deleted))
  }

  /** What is wrong with a schema at the subject's level, compared with `earlier` versions (ascending). */
  compare(subject: string, candidate: Candidate, earlier: readonly SchemaVersion[]): readonly string[] {
    const level = this.levelInScope(subject)
    if (level === 'NONE') return []
    const compared = level.endsWith('_TRANSITIVE') ? earlier : earlier.slice(-1)
    if (compared.some((entry) => entry.schemaType !== candidate.schemaType)) {
      return ['Incompatible because of different schema type']
    }
    return checkCompatibility(
      level,
      candidate.parsed,
      compared.map((entry) => ({
        version: entry.version,
        text: entry.schema,
        schema: this.parsing.stored(entry),
      })),
    )
  }

  liveVersions(subject: string): readonly SchemaVersion[] {
    return this.state.versions(subject).filter((entry) => !entry.deleted)
  }

  /** Deletes softly, or for good what was deleted softly before; returns the versions. */
  deleteSubject(subject: string, isPermanent: boolean): Promise<readonly number[]> {
    return this.#write(subject, async () => {
      const versions = this.state.versions(subject)
      if (versions.length === 0) throw errors.subjectNotFound(subject)
      const live = this.liveVersions(subject)
      if (isPermanent && live.length > 0) throw errors.subjectNotSoftDeleted(subject)
      if (!isPermanent && live.length === 0) throw errors.subjectSoftDeleted(subject)
      const deleted = isPermanent ? versions : live
      for (const entry of deleted) this.#refuseReferred(entry, isPermanent)
      if (isPermanent) {
        for (const { version } of deleted)
          await this.#append({ type: 'SCHEMA', subject, version, value: null })
      } else {
        const last = Math.max(...live.map((entry) => entry.version))
        await this.#append({ type: 'DELETE_SUBJECT', subject, value: last })
        await this.#deleteSettings(subject)
      }
      return deleted.map((entry) => entry.version)
    })
  }

  deleteVersion(subject: string, version: number, isPermanent: boolean): Promise<number> {
    return this.#write(subject, async () => {
      const entry = this.state.version(subject, version)
      if (entry === undefined) throw this.missingVersion(subject, version, true)
      if (isPermanent && !entry.deleted) throw errors.versionNotSoftDeleted(subject, version)
      if (!isPermanent && entry.deleted) throw errors.versionSoftDeleted(subject, version)
      this.#refuseReferred(entry, isPermanent)
      const value = isPermanent ? null : { ...entry, deleted: true }
      await this.#append({ type: 'SCHEMA', subject, version, value })
      if (!isPermanent && this.liveVersions(subject).length === 0) await this.#deleteSettings(subject)
      return version
    })
  }

  missingVersion(subject: string, version: number | string, isDeletedIncluded: boolean) {
    const versions = isDeletedIncluded ? this.state.versions(subject) : this.liveVersions(subject)
    return versions.length === 0 ? errors.subjectNotFound(subject) : errors.versionNotFound(version)
  }

  #refuseReferred({ subject, version }: SchemaVersion, isPermanent: boolean): void {
    const referrers = this.state.referrers(subject, version).filter((other) => isPermanent || !other.deleted)
    if (referrers.every((other) => other.subject === subject)) return
    throw errors.referenceExists(`{magic=1,keytype=SCHEMA,subject=${subject},version=${version}}`)
  }

  async #deleteSettings(subject: string): Promise<void> {
    if (this.state.mode(subject) !== undefined) await this.#append({ type: 'MODE', subject, value: null })
    if (this.state.level(subject) !== undefined) await this.#append({ type: 'CONFIG', subject, value: null })
  }

  levelInScope(subject: string | null): CompatibilityLevel {
    return this.state.level(subject) ?? this.state.level(null) ?? 'BACKWARD'
  }

  /** `level` null removes the setting. */
  setLevel(subject: string | null, level: CompatibilityLevel | null): Promise<void> {
    if (subject !== null) checkSubject(subject)
    return this.#write(subject, () => this.#append({ type: 'CONFIG', subject, value: level }))
  }

  modeInScope(subject: string | null): Mode {
    const global = this.state.mode(null)
    if (global === 'READONLY_OVERRIDE') return global
    return this.state.mode(subject) ?? global ?? 'READWRITE'
  }

  /** `mode` null removes the setting. Always possible, or nobody could leave a read-only mode again. */
  setMode(subject: string | null, mode: Mode | null): Promise<void> {
    if (subject !== null) checkSubject(subject)
    return this.#run(() => this.#append({ type: 'MODE', subject, value: mode }))
  }

  #write<T>(subject: string | null, write: () => Promise<T>): Promise<T> {
    return this.#run(() => {
      if (this.modeInScope(subject) !== 'READWRITE') {
        const what = subject === null ? 'The registry' : `Subject ${subject}`
        throw errors.notPermitted(
          `${what} is in ${this.modeInScope(subject)} mode; PUT /mode READWRITE to change it`,
        )
      }
      return write()
    })
  }

  /** A record of which it is not known whether it arrived may have: the log is read before the next decision. */
  #run<T>(write: () => Promise<T>): Promise<T> {
    return this.#queue.run(async () => {
      if (this.#isBehind) await this.#log.readToEnd()
      this.#isBehind = false
      return write()
    })
  }

  async #append(record: TopicRecord): Promise<void> {
    this.#isBehind = true
    await this.#log.append(encodeKey(record), encodeValue(record))
    this.#isBehind = false
  }
}

function checkSubject(subject: string): void {
  if (subject.trim() === '' || /\p{Cc}/u.test(subject)) throw errors.invalidSubject(subject)
}
