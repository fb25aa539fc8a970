/** The known name nearest to a wrong one, if it is near enough to be a slip of the keyboard. */
export function didYouMean(wrong: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.floor(wrong.length / 5)) + 1
  for (const name of known) {
    if (Math.abs(name.length - wrong.length) >= least) continue
    const distance = editDistance(wrong, name)
    if (distance < least) [best, least] = [name, distance]
  }
  return best
}

/** The known names nearest to a wrong one, nearest first, whatever the distance; letter case counts for nothing. */
export function nearest(wrong: string, known: Iterable<string>, most = 3): string[] {
  const lower = wrong.slice(0, LONGEST).toLowerCase()
  return [...known]
    .map((name) => ({ name, distance: editDistance(lower, name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map(({ name }) => name)
}

/** A wrong name may be as long as a sender likes; comparing takes time that grows with its length. */
const LONGEST = 200

/** A wrong name as messages show it: one of 10 kB would bury what they say. */
export function shortened(name: string): string {
  return name.length > LONGEST ? `${name.slice(0, LONGEST)}… (${name.length} characters)` : name
}

function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(change, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    above = row
  }
  return above[b.length] ?? 0
}
