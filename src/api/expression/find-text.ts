/** What V8's own search costs at worst per character of the text; a longer text is searched for below. */
const SHORT = 32

/**
 * `text.indexOf(searched)` in time linear in both, whatever they are: V8's takes as long as their product where a record
 * holds, say, many a and the other many a with a b before them.
 */
export function indexOf(text: string, searched: string): number {
  if (searched.length <= SHORT || searched.length > text.length) return text.indexOf(searched)
  const borders = bordersOf(searched)
  let matched = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    while (matched > 0 && searched.charCodeAt(matched) !== unit) matched = borders[matched - 1]!
    if (searched.charCodeAt(matched) === unit) matched++
    if (matched === searched.length) return at - matched + 1
  }
  return -1
}

/** Of each beginning of a text: how long the longest shorter beginning is that it ends with (Knuth, Morris, Pratt). */
function bordersOf(text: string): Int32Array {
  const borders = new Int32Array(text.length)
  let border = 0
  for (let at = 1; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    while (border > 0 && text.charCodeAt(border) !== unit) border = borders[border - 1]!
    if (text.charCodeAt(border) === unit) border++
    borders[at] = border
  }
  return borders
}
