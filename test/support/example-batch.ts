/** A batch of records in object form, for plugins without a Kafka: what `sluice/testing` is made of. */
export { batchOf, complete } from '../../src/testing/records.ts'
