import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const PEER = path.resolve(import.meta.dirname, '../jvm-peer')

/**
 * Rows per CPU second of h2o-genmodel itself on the rows of a CSV text: its `score0`, or EasyPredictModelWrapper (`easy`). Null
 * where the jars of bench/jvm-peer are not in place.
 */
export function genmodelRate(method: 'score0' | 'easy', modelFile: string, rows: string): number | null {
  const jars = path.join(PEER, 'target/dependency')
  if (!existsSync(jars)) return null
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-genmodel-'))
  try {
    const file = path.join(folder, 'rows.csv')
    writeFileSync(file, rows)
    const program = [path.join(PEER, 'Genmodel.java'), method, modelFile, file]
    return Number(execFileSync('java', ['-XX:+UseSerialGC', '-cp', `${jars}/*`, ...program]).toString())
  } finally {
    rmSync(folder, { recursive: true })
  }
}
