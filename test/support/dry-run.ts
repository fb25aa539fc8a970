import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { runConnector, type RunOptions } from '../../src/cli/run-pipeline.ts'

export interface DryRun {
  readonly code: number
  /** Lines of standard output and of standard error. */
  readonly out: readonly string[]
  readonly told: readonly string[]
}

export type Asked = Partial<RunOptions> & { readonly stopping?: AbortSignal }

/** A TopicSink of JSON without schemas, from `in` to `out`. */
export const JSON_SINK = {
  name: 'sink',
  'connector.class': 'TopicSink',
  topics: 'in',
  'target.topic': 'out',
  'key.converter': 'StringConverter',
  'value.converter': 'JsonConverter',
  'value.converter.schemas.enable': 'false',
} as const

/** Runs `sluice run` in this process, on files of a temporary folder. */
export class DryRunFolder {
  readonly path: string

  private constructor(folder: string) {
    this.path = folder
  }

  static async make(): Promise<DryRunFolder> {
    return new DryRunFolder(await mkdtemp(path.join(tmpdir(), 'sluice-run-')))
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true })
  }

  async file(name: string, content: string | object): Promise<string> {
    const file = path.join(this.path, name)
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
    return file
  }

  /** Without lines a source is polled. */
  async run(config: object, lines?: string, asked: Asked = {}): Promise<DryRun> {
    const connector = await this.file('connector.json', config)
    const input = lines === undefined ? {} : { input: await this.file('rows.jsonl', lines) }
    const [out, told]: [string[], string[]] = [[], []]
    const { stopping = new AbortController().signal, ...options } = asked
    const code = await runConnector(
      connector,
      { all: false, format: 'auto', ...input, ...options },
      {
        stopping,
        out: (text) => Promise.resolve(void out.push(text)),
        tell: (text) => void told.push(text.replaceAll(this.path + path.sep, '')),
      },
    )
    return { code, out: linesOf(out), told: linesOf(told) }
  }
}

function linesOf(texts: readonly string[]): string[] {
  return texts.join('').split('\n').slice(0, -1)
}

/** The message of what was thrown. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('nothing was thrown')
}
