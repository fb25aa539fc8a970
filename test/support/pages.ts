import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { REPOSITORY } from './process.ts'

export interface CodeBlock {
  readonly page: string
  /** What stands behind the fence: `sh`, `json`, `ts`, or empty. */
  readonly language: string
  readonly text: string
}

/** Every document that a user reads, as paths of the repository. */
export function userPages(): string[] {
  const found = [
    'README.md',
    'docs/**/*.md',
    'config/**/*.md',
    'models/**/*.md',
    'create-sluice-plugin/**/*.md',
  ].flatMap((pattern) => globSync(pattern, { cwd: REPOSITORY }))
  return found.toSorted()
}

export function readPage(page: string): string {
  return readFileSync(path.join(REPOSITORY, page), 'utf8')
}

export const withoutCode = (page: string) => readPage(page).replaceAll(/^```[^]*?^```$/gm, '')

/** The links of a page to files and headings of the repository, as they stand there. */
export function linksOf(page: string): string[] {
  return [...withoutCode(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link = '']) => link)
}

export function codeBlocks(page: string): CodeBlock[] {
  return [...readPage(page).matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    page,
    language,
    text,
  }))
}

/**
 * The one code block of a page that starts with these words. A test that runs what a page shows takes it from here, so
 * that the two cannot differ; test/contract/pages.test.ts looks for these calls and demands one for each block.
 */
export function codeBlock(page: string, start: string): string {
  const found = codeBlocks(page).filter(({ text }) => text.startsWith(start))
  const [block] = found
  if (block === undefined || found.length > 1)
    throw new Error(`${page} has ${found.length} code blocks that start with ${JSON.stringify(start)}`)
  return block.text
}
