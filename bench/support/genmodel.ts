import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { REPOSITORY } from './job.ts'
import { buildPeer } from './peer-jars.ts'

const PROGRAM = path.join(REPOSITORY, 'bench/jvm-peer/Genmodel.java')

/**
 * Rows per CPU second of h2o-genmodel itself on the rows of a CSV text: its `score0`, or EasyPredictModelWrapper (`easy`).
 * Throws `dev.environment` without a JDK or Maven.
 */
export async function genmodelRate(
  method: 'score0' | 'easy',
  modelFile: string,
  rows: string,
): Promise<number> {
  const { java, classPath } = await buildPeer()
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-genmodel-'))
  try {
    const file = path.join(folder, 'rows.csv')
    writeFileSync(file, rows)
    const program = [PROGRAM, method, modelFile, file]
    return Number(execFileSync(java, ['-XX:+UseSerialGC', '-cp', classPath, ...program]).toString())
  } finally {
    rmSync(folder, { recursive: true })
  }
}
