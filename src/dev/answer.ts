import { CommandError } from '../api/errors.ts'
import { readBody } from '../api/read-body.ts'

/** Answers of a worker and a registry that were just started are far smaller. */
const LARGEST_ANSWER = 2 ** 20

/** The text of an answer. Throws where it has no end: another program has the port. */
export async function textOf(response: Response): Promise<string> {
  const text = await readBody(response, LARGEST_ANSWER)
  if (text !== undefined) return text
  throw new CommandError(
    'dev.start',
    `${response.url} answers with more than ${LARGEST_ANSWER / 2 ** 20} MiB: is another program at that port?`,
  )
}
