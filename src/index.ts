/// <reference types="node" preserve="true" />
/** The public API: the only thing that connectors and transforms import, as "sluice". */
export * from './api/errors.ts'
export * from './api/schema.ts'
export * from './api/batch.ts'
export * from './api/models.ts'
export * from './api/model-formats.ts'
export * from './api/images.ts'
export * from './api/config.ts'
export * from './api/log.ts'
export * from './api/converter.ts'
export * from './api/plugins.ts'
export * from './api/shadows.ts'
export * from './api/map-records.ts'
export { javaText } from './api/java-text.ts'
export { decimalText } from './api/decimal-text.ts'
export { javaNumber } from './api/java-number.ts'
export { toJson } from './api/to-json.ts'
export { didYouMean } from './api/did-you-mean.ts'
export { checkExpression, type Expression, expressionOf } from './api/expression/expression.ts'
export { type CelValue, Duration, type Kind, kindOf, type StaticKind } from './api/expression/values.ts'
export { withScale } from './api/expression/decimals.ts'
export { checkPattern, type Pattern, patternOf } from './api/pattern.ts'
// A plugin that reads schemas itself, as Datagen does, sees them as the Avro converter does.
export {
  type AvroBranch,
  type AvroSchema,
  type AvroType,
  type AvroTypeField,
  readAvroSchema,
} from './converters/avro/avro-type.ts'
export type { Json, JsonObject } from './converters/exact-json.ts'
