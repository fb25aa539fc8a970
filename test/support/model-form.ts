/** Parts of a form; a manifest is sent as JSON. */
interface Sent {
  readonly model?: Buffer
  readonly file?: string
  readonly manifest?: unknown
  readonly probe?: string
}

/** What `curl -F` sends of a model. */
export function modelForm({ model, file = 'm.zip', manifest, probe }: Sent): FormData {
  const parts = new FormData()
  const blob = (content: Buffer | string) =>
    new Blob([Buffer.isBuffer(content) ? new Uint8Array(content) : content])
  if (model !== undefined) parts.append('model', blob(model), file)
  if (manifest !== undefined) parts.append('manifest', blob(JSON.stringify(manifest)), 'manifest.json')
  if (probe !== undefined) parts.append('probe', blob(probe), 'probe.jsonl')
  return parts
}
