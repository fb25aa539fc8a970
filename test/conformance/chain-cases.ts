import { type Case, casesOf, CLASSES } from './transform-cases.ts'
import { Dice } from './transform-dice.ts'

const TRANSFORMS = CLASSES.filter((name) => !name.startsWith('predicates.'))
const PREDICATES = CLASSES.filter((name) => name.startsWith('predicates.'))
const PACKAGE = 'org.apache.kafka.connect.transforms.'

/** Whole chains: up to three transforms, most of them with a predicate, some of them negated. */
export function* chainCases(count: number, seed: number): Generator<Case> {
  const dice = new Dice(seed * 1000 + 999)
  const streams = new Map(CLASSES.map((name) => [name, casesOf(name, count * 4, seed + 1)]))
  const next = (name: string): Case => streams.get(name)!.next().value as Case
  for (let i = 0; i < count; i++) {
    const config: Record<string, string> = {}
    const parts = Array.from({ length: 1 + dice.below(3) }, () => next(dice.of(TRANSFORMS)))
    const guards = Array.from({ length: dice.below(parts.length + 1) }, () => next(dice.of(PREDICATES)))
    config['transforms'] = parts.map((_, at) => `t${at}`).join(',')
    if (guards.length > 0) config['predicates'] = guards.map((_, at) => `p${at}`).join(',')
    for (const [at, part] of parts.entries()) {
      put(config, `transforms.t${at}.`, part)
      if (at >= guards.length && (guards.length === 0 || dice.chance(0.4))) continue
      config[`transforms.t${at}.predicate`] = `p${at % guards.length}`
      if (dice.chance(0.6)) config[`transforms.t${at}.negate`] = dice.of(['true', 'false', 'TRUE'])
    }
    for (const [at, guard] of guards.entries()) put(config, `predicates.p${at}.`, guard)
    yield { class: 'chain', config, record: parts[0]!.record }
  }
}

function put(config: Record<string, string>, prefix: string, { class: name, config: own }: Case): void {
  config[`${prefix}type`] = PACKAGE + name
  for (const [key, value] of Object.entries(own)) config[prefix + key] = value
}
