import { readFile, stat } from 'node:fs/promises'
import { ConfigError, messageOf } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import { isPassword, type PasswordHash, readHash, unknownHash } from './password-hash.ts'
import { type Identity, isName, type Role, ROLES, roleOf } from './roles.ts'

interface User {
  readonly role: Role
  readonly hash: PasswordHash
}

type Users = ReadonlyMap<string, User>

const LARGEST = 2 ** 20

/**
 * Users with their passwords, a line `name:role:scrypt$…` each, as `sluice hash-password` makes them. A file that changes
 * is read again; one that cannot be read any more leaves those who were there.
 */
export class UsersFile {
  readonly #path: string
  readonly #setting: string
  readonly #log: Logger
  #users: Users = new Map()
  #seen = ''
  #refused = ''

  /** `setting` names it in errors. */
  constructor(path: string, setting: string, log: Logger) {
    this.#path = path
    this.#setting = setting
    this.#log = log
  }

  /** Another one after each change of the file. */
  get version(): string {
    return this.#seen
  }

  /** @throws ConfigError where it is missing or has a wrong line */
  async open(): Promise<void> {
    const seen = await this.#look()
    this.#users = await this.#read()
    this.#seen = seen
  }

  /** Reads it where it has changed. */
  async refresh(): Promise<void> {
    let seen = 'missing'
    try {
      seen = await this.#look()
      if (seen === this.#seen || seen === this.#refused) return
      this.#users = await this.#read()
      this.#seen = seen
      this.#log.info('read the users anew', { file: this.#path, users: this.#users.size })
    } catch (error) {
      if (this.#refused === seen) return
      this.#refused = seen
      this.#log.error('the users cannot be read; those who were there stay', { error: messageOf(error) })
    }
  }

  /** Undefined where name or password is wrong. Which of the two cannot be told from how long it takes. */
  async identify(name: string, password: string): Promise<Identity | undefined> {
    const user = this.#users.get(name)
    const hash = user?.hash ?? unknownHash(this.#users.values().next().value?.hash)
    const fits = await isPassword(password, hash)
    return user !== undefined && fits ? { name, role: user.role, by: 'password' } : undefined
  }

  async #look(): Promise<string> {
    try {
      const { mtimeMs, size, ino } = await stat(this.#path)
      return `${mtimeMs} ${size} ${ino}`
    } catch (error) {
      throw this.#wrong(`cannot be read: ${messageOf(error)}`)
    }
  }

  async #read(): Promise<Users> {
    const text = await readFile(this.#path, 'utf8').catch((error: unknown) => {
      throw this.#wrong(`cannot be read: ${messageOf(error)}`)
    })
    if (text.length > LARGEST) throw this.#wrong('is no file of users: it is far too large')
    const users = new Map<string, User>()
    for (const [i, line] of text.split(/\r?\n/).entries()) {
      if (line.trim() === '' || line.startsWith('#')) continue
      const [name = '', role = '', hash = ''] = line.trim().split(':')
      users.set(name, this.#user(`line ${i + 1}`, { name, role, hash }))
    }
    if (users.size === 0) throw this.#wrong(`names no user. Make a line: sluice hash-password NAME`)
    return users
  }

  /** The line itself is in no message. */
  #user(where: string, { name, role, hash }: { name: string; role: string; hash: string }): User {
    if (!isName(name)) throw this.#wrong(`${where} begins with no name. A line is name:role:scrypt$…`)
    const known = roleOf(role)
    if (known === undefined)
      throw this.#wrong(`${where} must name a role of ${ROLES.join(', ')} behind the first colon`)
    const read = readHash(hash)
    if (read === undefined)
      throw this.#wrong(`${where} ends with no hash of a password. Make it: sluice hash-password ${name}`)
    return { role: known, hash: read }
  }

  #wrong(message: string): ConfigError {
    return new ConfigError([{ path: this.#setting, message: `${this.#path} ${message}.` }])
  }
}
