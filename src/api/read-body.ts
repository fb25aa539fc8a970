/** The text of an answer that is no longer than `limit` bytes; undefined where it is: the rest is not read. */
export async function readBody(response: Response, limit: number): Promise<string | undefined> {
  return response.body === null
    ? ''
    : readText(response.body as ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>, limit)
}

/** The same of any stream, such as an answer to a request of node:http. */
export async function readText(body: AsyncIterable<Uint8Array>, limit: number): Promise<string | undefined> {
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > limit) return undefined // leaving the loop ends the stream, which closes the connection
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
