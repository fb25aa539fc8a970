import fc from 'fast-check'

const point = fc
  .oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0x10_ffff }))
  .filter((code) => code < 0xd800 || code > 0xdfff)
/** Without a way back to its number: fast-check makes a table of all of Unicode for its own units, in a second or two. */
const character = point.map((code) => String.fromCodePoint(code))

/** Text of any characters of Unicode, well formed; at times a name that objects have already. */
export function unicodeText(constraints: { readonly maxLength?: number } = {}): fc.Arbitrary<string> {
  const names = fc.constantFrom('__proto__', 'constructor', 'toString')
  return fc.oneof({ weight: 20, arbitrary: fc.string({ ...constraints, unit: character }) }, names)
}
