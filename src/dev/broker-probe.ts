import { connect } from 'node:net'

/** KIP-35 and the Kafka protocol guide: api key 3 (Metadata), version 1; the null array of topics would mean all. */
const METADATA_V1 = Buffer.from([0, 0, 0, 24, 0, 3, 0, 1, 0, 0, 0, 7, 0, 12])
const CLIENT_ID = Buffer.from('sluice-probe')

/**
 * Whether a Kafka broker answers at the address and is ready for work: it lists itself in its metadata, which a broker
 * does only after the controller has unfenced it (an open port or an ApiVersions answer comes earlier).
 */
export async function brokerAnswers(host: string, port: number, timeoutMs = 2000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host)
    let answer = Buffer.alloc(0)
    const finish = (ready: boolean) => {
      socket.destroy()
      resolve(ready)
    }
    socket.setTimeout(timeoutMs, () => finish(false))
    socket.once('error', () => finish(false))
    socket.once('close', () => finish(false))
    socket.once('connect', () => socket.write(metadataRequest()))
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk])
      if (answer.length >= 12) finish(answer.readInt32BE(4) === 7 && answer.readInt32BE(8) > 0)
    })
  })
}

/** Size, header v1 (api key, version, correlation id 7, client id), then an empty array: no topics, brokers only. */
function metadataRequest(): Buffer {
  const noTopics = Buffer.alloc(4)
  const request = Buffer.concat([METADATA_V1, CLIENT_ID, noTopics])
  request.writeInt32BE(request.length - 4, 0)
  return request
}
