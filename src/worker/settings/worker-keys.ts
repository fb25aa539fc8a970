import { originProblem } from '../../api/images.ts'
import { SIGNATURE_ALGORITHMS } from '../cluster/signatures.ts'
import { policyProblem } from '../configs/override-policy.ts'
import { REST_KEYS } from './rest-keys.ts'
import { integer, list, text, type WorkerKey } from './worker-key.ts'

export type { WorkerKey }

const replication = (what: string): WorkerKey =>
  integer(`Replication factor of the ${what} topic when it is created; -1 takes the broker's default.`, 3, {
    min: -1,
    max: 32_767,
  })

const LEAST_HOST_MEMORY = 256 * 2 ** 20

/** A process that has done nothing yet holds half of the least. */
function memoryProblem(written: string): string | undefined {
  const bytes = /^\d+$/.test(written) ? Number(written) : Number.NaN
  return bytes === 0 || (bytes >= LEAST_HOST_MEMORY && bytes <= Number.MAX_SAFE_INTEGER)
    ? undefined
    : `must be 0, or a whole number from ${LEAST_HOST_MEMORY} (256 MiB) on`
}

/** Every setting that does something. */
export const WORKER_KEYS = {
  'bootstrap.servers': list('Brokers to start from, host:port, separated by commas.', 'localhost:9092'),
  'group.id': text(
    'The cluster that this worker belongs to. No sink may use it as its consumer group.',
    null,
  ),
  'client.id': text('How this worker names itself to brokers.', ''),
  'config.providers': list(
    'Names of config providers, whose values stand for `${name:path:key}` here and in connectors: see [config providers](../config-providers.md).',
    '',
  ),
  'config.storage.topic': text('The topic that keeps connectors: one partition, compacted.', null),
  'config.storage.replication.factor': replication('config'),
  'offset.storage.topic': text('The topic that keeps source offsets: compacted.', null),
  'offset.storage.partitions': integer('Partitions of the offset topic when it is created.', 25, { min: 1 }),
  'offset.storage.replication.factor': replication('offset'),
  'status.storage.topic': text('The topic that keeps states: compacted.', null),
  'status.storage.partitions': integer('Partitions of the status topic when it is created.', 5, { min: 1 }),
  'status.storage.replication.factor': replication('status'),
  'sluice.storage.topic': text(
    'The topic that brings models and knowledge of records that kill task hosts to all workers: one partition, compacted. By default `<group.id>-sluice`; `none`: each worker for itself.',
    '',
    { ours: true },
  ),
  'sluice.storage.replication.factor': integer(
    "Replication factor of that topic when it is created; -1 takes the broker's default.",
    -1,
    { min: -1, max: 32_767, ours: true },
  ),
  ...REST_KEYS,
  'key.converter': text('The default converter of keys.', 'ByteArrayConverter'),
  'value.converter': text('The default converter of values.', 'ByteArrayConverter'),
  'header.converter': text('The converter of headers; they travel as bytes.', 'SimpleHeaderConverter', {
    oneOf: ['SimpleHeaderConverter', 'org.apache.kafka.connect.storage.SimpleHeaderConverter'],
  }),
  'offset.flush.interval.ms': integer('How often a task commits its offsets, at most.', 1000, { min: 1 }),
  'topic.creation.enable': text(
    'Whether sources may have missing topics created (topic.creation.*).',
    'true',
    {
      oneOf: ['true', 'false'],
      anyCase: true,
    },
  ),
  'topic.tracking.enable': text('Whether it is noted which topics each connector uses.', 'true', {
    oneOf: ['true', 'false'],
    anyCase: true,
  }),
  'topic.tracking.allow.reset': text('Whether that may be reset over REST.', 'true', {
    oneOf: ['true', 'false'],
    anyCase: true,
  }),
  'connector.client.config.override.policy': text(
    'What connectors may override of their Kafka clients (producer.override.*, consumer.override.*, admin.override.*): All, None, Principal (security.protocol, sasl.mechanism and sasl.jaas.config), or Allowlist.',
    'All',
    { check: policyProblem },
  ),
  'connector.client.config.override.allowlist': list(
    'What connectors may override with the policy Allowlist: names such as sasl.jaas.config, without a prefix.',
    '',
  ),
  'task.shutdown.graceful.timeout.ms': integer('How long all tasks may take to finish when stopped.', 5000),
  'session.timeout.ms': integer('A worker or sink task that is not heard of for this long is dead.', 6000, {
    min: 1,
  }),
  'heartbeat.interval.ms': integer('How often a worker is heard of.', 2000, { min: 1 }),
  'rebalance.timeout.ms': integer('How long members may take to join a rebalance.', 60_000, { min: 1 }),
  'exactly.once.source.support': text(
    'Whether sources write their records and offsets in transactions (KIP-618): `enabled`, or not yet: `disabled`, `preparing`. All workers of a cluster must be at `preparing` before the first is at `enabled`.',
    'disabled',
    { oneOf: ['disabled', 'preparing', 'enabled'], anyCase: true },
  ),
  'scheduled.rebalance.max.delay.ms': integer("How long a lost worker's work waits for its return.", 3000),
  'metadata.max.age.ms': integer('How often topics and partitions are looked up anew.', 30_000, { min: 100 }),
  'connect.protocol': text('The group protocol preferred.', 'sessioned', {
    oneOf: ['sessioned', 'compatible', 'eager'],
    anyCase: true,
  }),
  'inter.worker.key.generation.algorithm': text(
    'The kind of key with which workers sign what they ask of each other.',
    'HmacSHA256',
    { oneOf: SIGNATURE_ALGORITHMS },
  ),
  'inter.worker.key.size': integer('The length of that key, in bits; 0: what is usual for its kind.', 0, {
    max: 65_536,
  }),
  'inter.worker.key.ttl.ms': integer(
    'How long that key is used; the leader writes a new one then. 0: for ever.',
    3_600_000,
  ),
  'inter.worker.signature.algorithm': text(
    'How requests between workers are signed. All workers must take it (inter.worker.verification.algorithms).',
    'HmacSHA256',
    { oneOf: SIGNATURE_ALGORITHMS },
  ),
  'inter.worker.verification.algorithms': list(
    'The signatures that are taken from other workers; inter.worker.signature.algorithm must be one of them.',
    'HmacSHA256',
    {
      check: (item) =>
        SIGNATURE_ALGORITHMS.includes(item) ? undefined : `must be of ${SIGNATURE_ALGORITHMS.join(', ')}`,
    },
  ),
  'models.dir': text('The folder of models; `<name>` in a connector is a folder below it.', 'models', {
    ours: true,
  }),
  'models.allowed.dirs': list('Folders below which a connector may name a model by its path.', '', {
    ours: true,
  }),
  'images.allowed.dirs': list(
    'Folders below which a connector may read images that a record only names. Empty: it reads no files.',
    '',
    { ours: true },
  ),
  'images.allowed.origins': list(
    'From where a connector may fetch images that a record only names, e.g. `https://images.example.com`. Empty: it fetches nothing.',
    '',
    { ours: true, check: originProblem },
  ),
  'images.private.addresses': text(
    'Whether allowed origins may have loopback or private addresses, such as an object store inside a company.',
    'false',
    { ours: true, oneOf: ['true', 'false'], anyCase: true },
  ),
  'task.hosts': integer(
    'Processes that run tasks, at most (suspects run alone besides). 0: one per core, but one core is left to the worker and the rest of the machine.',
    0,
    { ours: true, max: 1024 },
  ),
  'task.deadline.ms': integer('A plugin that does not return for this long has its process killed.', 60_000, {
    ours: true,
    min: 100,
  }),
  'task.host.memory.max.bytes': integer(
    'The memory that one process that runs tasks may hold; one above it is killed, its tasks start again, and the record that took the memory is looked for. 0: half of the memory of the machine or container, but at most 4 GiB. Besides JavaScript’s own heap it is measured on Linux alone.',
    0,
    { ours: true, check: memoryProblem },
  ),
  'plugin.path': list(
    'Folders of npm packages with plugins, loaded once at the start. Packages with the keyword `sluice-plugin` in node_modules of the folder that the worker is started in are loaded too.',
    '',
  ),
  'log.level': text('What is logged.', 'info', {
    ours: true,
    oneOf: ['debug', 'info', 'warn', 'error', 'silent'],
  }),
} as const satisfies Readonly<Record<string, WorkerKey>>

/** What a standalone worker has besides. */
export const STANDALONE_KEYS = {
  'offset.storage.file.filename': text(
    'The file that keeps the offsets of sources, in the format of Kafka Connect. It is created where missing, its folder is not.',
    null,
  ),
} as const satisfies Readonly<Record<string, WorkerKey>>

export type WorkerKeyName = keyof typeof WORKER_KEYS | keyof typeof STANDALONE_KEYS

/** Options of the default converters are settings too: `value.converter.schema.registry.url`. */
export const CONVERTER_PREFIXES: readonly string[] = [
  'key.converter.',
  'value.converter.',
  'header.converter.',
]

/** Known to Kafka, without a meaning here: a name, or a prefix with `*`. They warn. */
export const WITHOUT_EFFECT: readonly string[] = [
  // of Kafka Connect's workers
  'plugin.discovery',
  'internal.*',
  'header.converter.*',
  'config.storage.*',
  'offset.storage.*',
  'status.storage.*',
  'offset.flush.timeout.ms',
  'worker.sync.timeout.ms',
  'worker.unsync.backoff.ms',
  'task.profiling.*',
  'access.control.allow.*',
  'rest.port',
  'rest.host.name',
  // of the JVM and of Confluent's images
  'metric.reporters',
  'metrics.*',
  'auto.include.jmx.reporter',
  'log4j.*',
  'cub.*',
  'confluent.*',
  // of Kafka's clients
  'acks',
  'allow.auto.create.topics',
  'auto.commit.interval.ms',
  'auto.offset.reset',
  'batch.size',
  'buffer.memory',
  'check.crcs',
  'client.dns.lookup',
  'client.rack',
  'compression.*',
  'connections.max.idle.ms',
  'default.api.timeout.ms',
  'delivery.timeout.ms',
  'enable.auto.commit',
  'enable.idempotence',
  'enable.metrics.push',
  'exclude.internal.topics',
  'fetch.*',
  'interceptor.classes',
  'isolation.level',
  'key.deserializer',
  'key.serializer',
  'linger.ms',
  'max.block.ms',
  'max.in.flight.requests.per.connection',
  'max.partition.fetch.bytes',
  'max.poll.*',
  'max.request.size',
  'metadata.max.idle.ms',
  'metadata.recovery.*',
  'partition.assignment.strategy',
  'partitioner.*',
  'receive.buffer.bytes',
  'reconnect.backoff.*',
  'request.timeout.ms',
  'retries',
  'retry.backoff.*',
  'send.buffer.bytes',
  'socket.connection.setup.timeout.*',
  'value.deserializer',
  'value.serializer',
]

/** What ignoring would change in meaning or security. The values listed change nothing. */
export const UNSUPPORTED: Readonly<Record<string, readonly string[]>> = {
  'admin.listeners*': [''],
  'rest.extension.classes': [''],
  'response.http.headers.config': [''],
  'header.converter.plugin.version': ['', 'latest'],
}
