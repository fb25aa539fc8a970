import { murmur2 } from '@platformatic/kafka'

/** The partition that Kafka's Java producer gives a key (murmur2, DefaultPartitioner). */
export function partitionForKey(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}
