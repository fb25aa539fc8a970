/// <reference types="node" preserve="true" />
/**
 * `sluice/testing`: what the tests of a plugin package need, with any test runner and without a Kafka
 * (docs/plugins.md#test-it).
 */
export { loadPackage } from './package.ts'
export { type ReportedRecord, type SinkSurroundings, type SinkUnderTest, startSink } from './sink.ts'
export { type SourceSurroundings, type SourceUnderTest, startSource } from './source.ts'
export {
  applyTransform,
  type ExampleSurroundings,
  type Outcome,
  runExample,
  runExamples,
  type TransformSurroundings,
} from './transform.ts'
