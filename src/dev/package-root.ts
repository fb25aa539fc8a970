import { existsSync } from 'node:fs'
import path from 'node:path'

/** The folder of our `package.json`: the same from `src/` (a checkout) and from `dist/` (the published package). */
export function packageRoot(): string {
  let folder = import.meta.dirname
  while (!existsSync(path.join(folder, 'package.json'))) folder = path.dirname(folder)
  return folder
}
