import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { REPOSITORY } from '../support/process.ts'

interface Report {
  readonly experiment: string
  readonly figures: readonly { readonly what: string; readonly value: number; readonly holds: boolean }[]
}

const FOLDER = path.join(REPOSITORY, 'test/reliability/reports')

describe('docs/reliability.md', () => {
  const page = readFileSync(path.join(REPOSITORY, 'docs/reliability.md'), 'utf8')
  const files = readdirSync(FOLDER)

  it('says of each committed report how many records went in and what became of them', () => {
    expect(files).to.not.deep.equal([])
    for (const file of files) {
      const [report] = JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as readonly Report[]
      const name = report?.experiment ?? ''
      const row = page.split('\n').find((line) => line.startsWith(`| ${name} `)) ?? ''
      const value = (what: string) =>
        report?.figures.find((figure) => figure.what === what)?.value.toLocaleString('en') ?? ''
      expect(row, name).to.contain(`${value('records')} records`)
      expect(row, name).to.contain(`${value('lost')} lost, ${value('duplicated')} duplicated`)
    }
  })

  it('is of reports whose figures are all what they have to be', () => {
    for (const file of files) {
      const reports = JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as readonly Report[]
      const missed = reports.flatMap(({ figures }) => figures.filter(({ holds }) => !holds))
      expect(missed, file).to.deep.equal([])
    }
  })
})
