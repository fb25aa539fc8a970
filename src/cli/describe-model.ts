import type { ReadyModel } from '../inference/store/load-model.ts'

const SHOWN_LEVELS = 8

/** All that is known of a model, as plain data. */
export function describeModel({ model, loaded, decision, manifest, mlflow, file, probes }: ReadyModel) {
  const missing = manifest?.preprocess?.missing ?? []
  return {
    name: model.name,
    version: model.version,
    file,
    format: loaded.format,
    formatVersion: loaded.formatVersion,
    ...(loaded.reader === undefined ? {} : { reader: loaded.reader }),
    algorithm: loaded.algorithm,
    task: loaded.task,
    ...loaded.facts,
    labels: loaded.labels,
    threshold: decision?.threshold ?? model.threshold ?? null,
    thresholdClass: decision?.thresholdClass ?? null,
    columns: model.inputs.map(({ name, type, required, domain, shape, datatype }) => ({
      name,
      type,
      required,
      ...(domain === undefined ? {} : { domain: domain.filter((level) => !missing.includes(level)) }),
      ...(shape === undefined ? {} : { shape, datatype }),
    })),
    manifest: manifest !== null && mlflow === null,
    ...(mlflow === null ? {} : { signature: mlflow }),
    probes,
  }
}

/** The same for people: long domains are abridged. */
export function formatModel(ready: ReadyModel): string {
  const { columns, labels, threshold, thresholdClass, formatVersion, ...facts } = describeModel(ready)
  const shown = {
    ...facts,
    format: `${facts.format} ${formatVersion}`,
    ...(labels.length > 0 ? { labels: labels.join(', ') } : {}),
    ...(threshold === null
      ? {}
      : { threshold: thresholdClass === null ? threshold : `${threshold} (${thresholdClass})` }),
    manifest: facts.manifest ? 'yes' : 'none',
  }
  const lines = Object.entries(shown).map(([key, value]) => `${key.padEnd(14)}${value}`)
  const width = Math.max(...columns.map((column) => column.name.length)) + 2
  const described = columns.map(({ name, type, required, domain, shape, datatype }) => {
    const tensor = shape === undefined ? '' : `  ${datatype} ${shape.join(' × ')}`
    const levels = domain === undefined ? '' : `  ${domain.length} levels: ${abridge(domain)}`
    return `  ${name.padEnd(width)}${type}${required ? '' : ', optional'}${levels}${tensor}`
  })
  return [...lines, 'columns', ...described, ''].join('\n')
}

function abridge(levels: readonly string[]): string {
  const shown = levels.slice(0, SHOWN_LEVELS).join(', ')
  return levels.length > SHOWN_LEVELS ? `${shown}, … ${levels.at(-1) ?? ''}` : shown
}
