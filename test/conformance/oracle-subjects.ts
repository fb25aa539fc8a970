import { chainCases } from './chain-cases.ts'
import { converterCases, CONVERTERS } from './converter-generator.ts'
import {
  converterDifference,
  converterJson,
  type ConverterOutcome,
  replayConverter,
} from './converter-replay.ts'
import type { Kind } from './oracle-java.ts'
import { patternCases, patternDifference, type PatternOutcome, replayPattern } from './pattern-cases.ts'
import { type Case, casesOf, CLASSES } from './transform-cases.ts'
import { caseJson, difference, type Outcome, replay, replayChain } from './transform-replay.ts'

/** One of Apache's classes, with cases for it. */
export interface Subject {
  readonly name: string
  readonly kind: Kind
  cases(count: number, seed: number): Iterable<SubjectCase>
  /** Where two outcomes differ; undefined where they are equal. */
  difference(java: AnyOutcome, ours: AnyOutcome): string | undefined
}

export interface SubjectCase {
  /** As the Java program reads it. */
  readonly asked: string
  readonly config: string
  readonly replay: () => Promise<AnyOutcome>
}

export type AnyOutcome = Outcome & ConverterOutcome & PatternOutcome

function* mapped<T>(cases: Iterable<T>, map: (each: T) => SubjectCase): Generator<SubjectCase> {
  for (const each of cases) yield map(each)
}

const transformCase = (each: Case, run: (each: Case) => Promise<AnyOutcome>): SubjectCase => ({
  asked: caseJson(each),
  config: JSON.stringify(each.config),
  replay: () => run(each),
})

const transforms = CLASSES.map((name): Subject => ({
  name,
  kind: 'transform',
  cases: (count, seed) => mapped(casesOf(name, count, seed), (each) => transformCase(each, replay)),
  difference,
}))

const chain: Subject = {
  name: 'chain',
  kind: 'chain',
  cases: (count, seed) => mapped(chainCases(count, seed), (each) => transformCase(each, replayChain)),
  difference,
}

const converters = Object.keys(CONVERTERS).flatMap((name) =>
  (['read', 'write'] as const).map((way): Subject => ({
    name: `${name.replace(/^.*\./, '')} ${way}s`,
    kind: 'converter',
    cases: (count, seed) =>
      mapped(converterCases(name, way, count, seed), (each) => ({
        asked: converterJson(each),
        config: JSON.stringify(each.config),
        replay: () => replayConverter(each),
      })),
    difference: converterDifference,
  })),
)

const patterns: Subject = {
  name: 'java.util.regex',
  kind: 'pattern',
  cases: (count, seed) =>
    mapped(patternCases(count, seed), (each) => ({
      asked: JSON.stringify(each),
      config: each.pattern,
      replay: () => Promise.resolve(replayPattern(each)),
    })),
  difference: patternDifference,
}

export const SUBJECTS: readonly Subject[] = [...transforms, chain, ...converters, patterns]
