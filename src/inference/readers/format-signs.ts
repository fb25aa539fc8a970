import { type FileSigns, type ProtobufField, protobufFields } from './file-signs.ts'

/** onnx.proto3, ModelProto: ir_version 1, graph 7. */
export function isOnnx({ fields }: FileSigns): boolean {
  const [first] = fields
  const hasGraph = fields.some(({ field, isBytes }) => field === 7 && isBytes)
  return first?.field === 1 && !first.isBytes && hasGraph && fields.every(({ field }) => field <= 25)
}

/** saved_model.proto: saved_model_schema_version 1, meta_graphs 2, messages that begin with their first field. */
export function isSavedModel({ fields }: FileSigns): boolean {
  const [first, ...rest] = fields
  const isGraph = ({ field, isBytes, content }: ProtobufField) =>
    field === 2 && isBytes && content[0] === 0x0a
  return first?.field === 1 && !first.isBytes && rest.length > 0 && rest.every(isGraph)
}

/** graph.proto: node 1 { name 1, op 2 }, library 2, version 3, versions 4. */
export function isGraphDef({ fields }: FileSigns): boolean {
  const [first] = fields
  if (first?.field !== 1 || !first.isBytes || fields.some(({ field }) => field > 4)) return false
  const [name, op] = protobufFields(first.content)
  return name?.field === 1 && name.isBytes && op?.field === 2 && op.isBytes
}

/** Core ML's Model.proto: specificationVersion 1, description 2, the model itself from 200 on. */
export function isCoreMl({ fields }: FileSigns): boolean {
  const [version, description] = fields
  const isModel = version?.field === 1 && !version.isBytes && description?.field === 2
  return isModel && fields.some(({ field }) => field >= 200)
}

/** Protocols 2 to 5 begin with their number; 0 with the name of a class, a line each for its module and itself. */
export function isPickle({ head, text }: FileSigns): boolean {
  const [proto = 0, version = 0] = head
  return (proto === 0x80 && version >= 2 && version <= 5) || /^c[\w.]+\n\w+\n[pq(]/.test(text)
}

/** The length of a JSON object as a u64, and the object: name → dtype, shape, data_offsets. */
export function isSafetensors({ head, text }: FileSigns): boolean {
  if (head.length < 10 || head.readBigUInt64LE(0) > 100_000_000n) return false
  return text[8] === '{' && /"(dtype|data_offsets|__metadata__)"/.test(text)
}
