import { InvalidArgumentError, Option } from 'commander'

/** The Kafka of a command: where nothing is said, that of `sluice dev`. */
export function bootstrapServersOption(): Option {
  return new Option('--bootstrap-servers <list>', 'the Kafka to use (host:port,…)').default('127.0.0.1:9092')
}

/** How it is reached. */
export function clientConfigOption(): Option {
  const doc = 'how it is reached: security.protocol, sasl.*, ssl.* (Java properties or JSON)'
  return new Option('--config <file>', doc)
}

/** Parses a port number for commander. */
export function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  throw new InvalidArgumentError('It must be a port number from 1 to 65535.')
}

/** Parses a whole number from 1 to 64 for commander. */
export function parseCount(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= 64) return count
  throw new InvalidArgumentError('It must be a whole number from 1 to 64.')
}

/** Parses a positive whole number for commander. */
export function parsePositive(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && Number.isSafeInteger(count)) return count
  throw new InvalidArgumentError('It must be a whole number of at least 1.')
}

/** Gathers `key=value` for commander; the option can be given several times. */
export function parseSetting(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must be KEY=VALUE.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

const MOST_SECONDS = 2_000_000 // what a timer of Node takes

/** Parses a time in seconds for commander; 0 stands for no end. */
export function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && seconds <= MOST_SECONDS) return seconds
  throw new InvalidArgumentError(`It must be a number of seconds from 0 (no limit) to ${MOST_SECONDS}.`)
}
