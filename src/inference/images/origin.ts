/** What is wrong with an origin that images may be fetched from; undefined where nothing is. */
export function originProblem(text: string): string | undefined {
  return /^https?:/.test(text) && URL.parse(text)?.origin === text
    ? undefined
    : 'must be an origin in lower case, https://host or https://host:port, without a path'
}
