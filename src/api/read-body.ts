/** The text of an answer that is no longer than `limit` bytes; undefined where it is: the rest is not read. */
export async function readBody(response: Response, limit: number): Promise<string | undefined> {
  if (response.body === null) return ''
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for await (const chunk of response.body as ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > limit) return undefined // leaving the loop cancels the body, which closes the connection
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
