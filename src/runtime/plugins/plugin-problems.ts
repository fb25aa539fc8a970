/** What to do where something else than plugins is exported. */
export const NO_PLUGINS = 'export an array of plugins, as default or as `plugins`'

type Fields = Readonly<Record<string, unknown>>

const ALIASED = ['converter', 'predicate', 'config-provider']
/** What manifests call the formats that Sluice reads itself. */
const OWN_FORMAT = /^(h2o|dl4j|keras|onnx)/

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

/** Whether it means to be a plugin. */
export function isNamed(value: Fields): boolean {
  return 'name' in value || 'kind' in value
}

/** Why something that a package exports cannot be used as a plugin; undefined where it can. */
export function whatIsWrong(plugin: unknown): string | undefined {
  if (!isObject(plugin) || !isNamed(plugin)) return `it exports something that is no plugin: ${NO_PLUGINS}`
  const { name, kind, version } = plugin
  if (typeof name !== 'string') return 'a plugin has no name'
  if (!/^[A-Za-z][\w.]*$/.test(name))
    return `"${name}" is no name for a plugin: use letters, digits, "_" and ".", a letter first`
  if (typeof kind !== 'string') return `plugin ${name} has no kind`
  if (typeof version !== 'string' || version.trim() === '') return `plugin ${name} has no version`
  return kind === 'model-format' ? wrongFormat(name, plugin) : wrongOfKind(name, kind, plugin)
}

function wrongOfKind(name: string, kind: string, plugin: Fields): string | undefined {
  const { config, open, aliases, taskConfigs } = plugin
  if (!isObject(config) || !('keys' in config) || !('read' in config))
    return `plugin ${name} has no config: make it with defineConfig`
  if (ALIASED.includes(kind) && !Array.isArray(aliases)) return `plugin ${name} has no list of aliases`
  if (kind === 'source' && typeof taskConfigs !== 'function')
    return `plugin ${name} has no function taskConfigs`
  return typeof open === 'function' ? undefined : `plugin ${name} has no function open`
}

function wrongFormat(name: string, plugin: Fields): string | undefined {
  const { format, endings, signs, read } = plugin
  if (typeof format !== 'string' || !/^[a-z][a-z0-9-]*$/.test(format))
    return `model format ${name} has no format of lower case letters, digits and dashes`
  if (OWN_FORMAT.test(format)) return `model format ${name} is left out: Sluice reads ${format} itself`
  if (!areTexts(endings) || endings.length === 0 || !endings.every((ending) => /^\.[a-z0-9]+$/.test(ending)))
    return `model format ${name} has no list of endings, such as ".json"`
  if (!areTexts(signs)) return `model format ${name} has no list of signs`
  return typeof read === 'function' ? undefined : `model format ${name} has no function read`
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string' && each !== '')
}
