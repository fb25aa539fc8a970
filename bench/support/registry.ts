/** Registers an Avro schema under a subject and gives its id. */
export async function registerSchema(registry: string, subject: string, schema: string): Promise<number> {
  const answer = await asked(`${registry}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema }),
  })
  if (typeof answer['id'] !== 'number') throw new Error(`the registry gave no id for ${subject}`)
  return answer['id']
}

export async function schemaById(registry: string, id: number): Promise<string> {
  const answer = await asked(`${registry}/schemas/ids/${id}`)
  if (typeof answer['schema'] !== 'string') throw new Error(`the registry has no schema ${id}`)
  return answer['schema']
}

async function asked(url: string, request?: RequestInit): Promise<Record<string, unknown>> {
  const response = await fetch(url, request)
  const body = await response.text()
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${body}`)
  return JSON.parse(body) as Record<string, unknown>
}
