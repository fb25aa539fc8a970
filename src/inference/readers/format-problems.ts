const TASKS = ['classification', 'regression', 'anomaly', 'vector']
const TYPES = ['numeric', 'categorical', 'tensor']

type Unknown = Readonly<Record<string, unknown>>

/** What is wrong with a model that the reader of a package returned: its types are promises until then. */
export function formatProblems(model: unknown): readonly string[] {
  if (!isObject(model)) return ['it is no object']
  const problems: string[] = []
  const need = (isThere: boolean, what: string): void => {
    if (!isThere) problems.push(what)
  }
  for (const name of ['formatVersion', 'algorithm'])
    need(typeof model[name] === 'string', `${name} is no text`)
  need(typeof model['score'] === 'function', 'score is no function')
  const { task, classes, outputs, decision, threshold, facts, warnings } = model
  need(TASKS.includes(String(task)), `task is none of ${TASKS.join(', ')}`)
  if (task === 'classification')
    need(areClasses(classes), 'classes is neither a list of two or more texts nor their number')
  else need(classes === undefined, `classes is of no use where the task is ${String(task)}`)
  if (task === 'vector') need(areTexts(outputs) && outputs.length > 0, 'outputs is no list of texts')
  else need(outputs === undefined, `outputs is of no use where the task is ${String(task)}`)
  for (const [name, value] of Object.entries({ decision, threshold }))
    need(value === undefined || Number.isFinite(value), `${name} is no number`)
  need(facts === undefined || isObject(facts), 'facts is no object')
  need(warnings === undefined || Array.isArray(warnings), 'warnings is no list')
  return [...problems, ...inputProblems(model['inputs'])]
}

function inputProblems(inputs: unknown): readonly string[] {
  if (!Array.isArray(inputs) || inputs.length === 0) return ['inputs is no list of columns']
  const problems = inputs.flatMap((input: unknown, i) => {
    const what = inputProblem(input)
    return what === undefined ? [] : [`inputs[${i}] ${what}`]
  })
  const names = inputs.map((input: unknown) => (isObject(input) ? input['name'] : undefined))
  const twice = names.find((name, i) => typeof name === 'string' && names.indexOf(name) !== i)
  return typeof twice !== 'string' ? problems : [...problems, `inputs names the column ${twice} twice`]
}

function inputProblem(input: unknown): string | undefined {
  if (!isObject(input)) return 'is no object'
  const { name, type, domain, shape, required } = input
  if (typeof name !== 'string' || name === '') return 'has no name'
  if (!TYPES.includes(String(type))) return `has a type that is none of ${TYPES.join(', ')}`
  if (typeof required !== 'boolean') return 'does not say whether it is required'
  if (type === 'categorical' && domain !== undefined && !areTexts(domain))
    return 'has a domain that is no list of texts'
  const isShape =
    Array.isArray(shape) && shape.every((size: unknown) => Number.isSafeInteger(size) && Number(size) > 0)
  return type === 'tensor' && !isShape ? 'is a tensor without a shape' : undefined
}

function areClasses(classes: unknown): boolean {
  if (typeof classes === 'number') return Number.isSafeInteger(classes) && classes >= 2
  return areTexts(classes) && classes.length >= 2
}

function areTexts(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.every((each) => typeof each === 'string' && each !== '') &&
    new Set(value).size === value.length
  )
}

function isObject(value: unknown): value is Unknown {
  return typeof value === 'object' && value !== null
}
