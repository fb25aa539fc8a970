import type { Logger } from '../api/log.ts'
import type { CompatibilityLevel } from './compatibility-levels.ts'
import { decodeRecord } from './topic-records.ts'
import type { Mode, SchemaReference, SchemaVersion } from './topic-records.ts'
import type { LoggedRecord } from './schema-log.ts'

/** What schemas share that have one id. */
export type SchemaContent = Pick<SchemaVersion, 'schemaType' | 'references' | 'schema'>

/** The registry's memory: what the records of the schemas topic amount to. Changed by records alone. */
export class RegistryState {
  readonly #log: Logger
  readonly #subjects = new Map<string, Map<number, SchemaVersion>>()
  readonly #byId = new Map<number, Set<SchemaVersion>>()
  readonly #idOfContent = new Map<string, number>()
  readonly #levels = new Map<string | null, CompatibilityLevel>()
  readonly #modes = new Map<string | null, Mode>()
  /** The highest version that a subject ever had, so that none is used twice. */
  readonly #highest = new Map<string, number>()
  #highestId = 0

  constructor(log: Logger) {
    this.#log = log
  }

  apply({ key, value }: LoggedRecord): void {
    const record = decodeRecord(key, value)
    if (record === null) {
      this.#log.debug('record of the schemas topic skipped', { key })
      return
    }
    switch (record.type) {
      case 'SCHEMA':
        this.#rememberVersion(record.subject, record.version)
        this.#put(record.subject, record.version, record.value)
        return
      case 'CONFIG':
        setOrDelete(this.#levels, record.subject, record.value)
        return
      case 'MODE':
        setOrDelete(this.#modes, record.subject, record.value)
        return
      case 'DELETE_SUBJECT':
        if (record.value !== null) this.#deleteUpTo(record.subject, record.value)
    }
  }

  #put(subject: string, version: number, next: SchemaVersion | null): void {
    if (next !== null && this.#isOtherSchema(next)) {
      this.#log.warn(
        'a schema was skipped because its id belongs to another; is a second registry writing?',
        {
          subject,
          version,
          id: next.id,
        },
      )
      return
    }
    const versions = this.#subjects.get(subject) ?? new Map<number, SchemaVersion>()
    const previous = versions.get(version)
    if (next !== null) {
      versions.set(version, next)
      this.#subjects.set(subject, versions)
      this.#link(next)
    } else {
      versions.delete(version)
      if (versions.size === 0) this.#subjects.delete(subject)
    }
    if (previous !== undefined) this.#unlink(previous)
  }

  #isOtherSchema(next: SchemaVersion): boolean {
    const holder = this.byId(next.id)
    return holder !== undefined && contentKey(holder) !== contentKey(next)
  }

  #link(entry: SchemaVersion): void {
    const holders = this.#byId.get(entry.id) ?? new Set()
    holders.add(entry)
    this.#byId.set(entry.id, holders)
    const content = contentKey(entry)
    if (!this.#idOfContent.has(content)) this.#idOfContent.set(content, entry.id)
    this.#highestId = Math.max(this.#highestId, entry.id)
  }

  #unlink(entry: SchemaVersion): void {
    const holders = this.#byId.get(entry.id)
    holders?.delete(entry)
    if (holders === undefined || holders.size > 0) return
    this.#byId.delete(entry.id)
    const content = contentKey(entry)
    if (this.#idOfContent.get(content) === entry.id) this.#idOfContent.delete(content)
  }

  #deleteUpTo(subject: string, version: number): void {
    this.#rememberVersion(subject, version)
    for (const entry of this.versions(subject)) {
      if (entry.version <= version) this.#put(subject, entry.version, { ...entry, deleted: true })
    }
  }

  #rememberVersion(subject: string, version: number): void {
    this.#highest.set(subject, Math.max(this.#highest.get(subject) ?? 0, version))
  }

  subjects(): readonly string[] {
    return [...this.#subjects.keys()].toSorted()
  }

  /** Ascending, deleted ones included. */
  versions(subject: string): readonly SchemaVersion[] {
    return [...(this.#subjects.get(subject)?.values() ?? [])].toSorted((a, b) => a.version - b.version)
  }

  version(subject: string, version: number): SchemaVersion | undefined {
    return this.#subjects.get(subject)?.get(version)
  }

  byId(id: number): SchemaVersion | undefined {
    return this.versionsOfId(id)[0]
  }

  versionsOfId(id: number): readonly SchemaVersion[] {
    return [...(this.#byId.get(id) ?? [])]
  }

  idOf(content: SchemaContent): number | undefined {
    return this.#idOfContent.get(contentKey(content))
  }

  /** Versions, not deleted or only soft-deleted, that refer to this one. */
  referrers(subject: string, version: number): readonly SchemaVersion[] {
    const isReference = (one: SchemaReference) => one.subject === subject && one.version === version
    return this.subjects()
      .flatMap((other) => this.versions(other))
      .filter((entry) => entry.references.some(isReference))
  }

  nextVersion(subject: string): number {
    return (this.#highest.get(subject) ?? 0) + 1
  }

  nextId(): number {
    return this.#highestId + 1
  }

  level(subject: string | null): CompatibilityLevel | undefined {
    return this.#levels.get(subject)
  }

  mode(subject: string | null): Mode | undefined {
    return this.#modes.get(subject)
  }
}

function contentKey({ schemaType, schema, references }: SchemaContent): string {
  return JSON.stringify([schemaType, schema, references.map((one) => [one.name, one.subject, one.version])])
}

function setOrDelete<V>(map: Map<string | null, V>, key: string | null, value: V | null): void {
  if (value === null) map.delete(key)
  else map.set(key, value)
}
