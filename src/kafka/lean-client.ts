import { registerHooks } from 'node:module'

/**
 * Import this before anything that imports @platformatic/kafka. The package compiles some fifty JSON schemas with ajv when
 * it is loaded: they check the options of its own Producer, Consumer and Admin, and its registry client. Sluice uses none
 * of those, only connections and protocol requests. Leaving ajv out makes a process start with 0.15 s of CPU for
 * this package instead of 0.4 s, and 20 MiB smaller: see docs/decisions/0005-lean-start.md. Whoever would need ajv after all gets an
 * error that names this file.
 */
const NO_AJV = `
  export class Ajv2020 {
    addKeyword() { return this }
    compile() { return () => { throw new Error('ajv is left out by src/kafka/lean-client') } }
  }
`
const NO_REGISTRY = `
  export class ConfluentSchemaRegistry {
    constructor() { throw new Error('ConfluentSchemaRegistry is left out by src/kafka/lean-client') }
  }
`

const PACKAGE = '@platformatic/kafka/dist/'

function moduleOf(source: string): { url: string; format: 'module'; shortCircuit: true } {
  return { url: `data:text/javascript,${encodeURIComponent(source)}`, format: 'module', shortCircuit: true }
}

registerHooks({
  resolve(specifier, context, next) {
    if (context.parentURL?.includes(PACKAGE) === true) {
      if (specifier === 'ajv/dist/2020.js') return moduleOf(NO_AJV)
      if (specifier.endsWith('/confluent-schema-registry.js')) return moduleOf(NO_REGISTRY)
    }
    return next(specifier, context)
  },
})
