/** The files of test/conformance that `npm run test:conformance` runs, and `npm test` does not: a whole worker beside Kafka Connect's answers. */
export const CONFORMANCE_TESTS: readonly string[] = [
  'rest-api',
  'rest-follower',
  'rest-changes',
  'rest-topics',
  'clients',
  'connect-protocol',
  'mixed-group',
  'takeover',
].map((name) => `test/conformance/${name}.test.ts`)
