/**
 * How many runs a property has, or mutations a test tries: the first number in every run of the tests, the second in
 * `npm run test:long`, which runs each file that imports this one.
 */
export function runs(usual: number, long: number): number {
  return process.env['SLUICE_TEST_RUNS'] === 'long' ? long : usual
}
