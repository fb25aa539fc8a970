import { randomBytes } from 'node:crypto'

export interface BrokerAddress {
  readonly port: number
  readonly controllerPort: number
  readonly logDir: string
  /** Settings of Kafka's own over these, for tests of secured listeners. */
  readonly more?: Readonly<Record<string, string>>
}

/**
 * One node that is broker and controller. The quorum is the static kind (`controller.quorum.voters`), because the
 * controller's port is another at each start and the dynamic kind keeps it in its log.
 */
export function serverProperties({ port, controllerPort, logDir, more = {} }: BrokerAddress): string {
  const settings: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': logDir,
    'auto.create.topics.enable': false,
    'num.partitions': 1,
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 5,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 5,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 5,
    // After a SIGKILL the controller refuses the broker until its old session has ended.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 750,
    'group.initial.rebalance.delay.ms': 0,
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
    ...more,
  }
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${escapeValue(String(value))}\n`)
    .join('')
}

/** java.util.Properties: a backslash escapes. */
function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\')
}

/** log4j 2: warnings and errors to standard output, which goes to the broker's log file. */
export const LOG4J_PROPERTIES = `appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{yyyy-MM-dd'T'HH:mm:ss.SSS} %p %m (%c{1})%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
`

/** Kafka's own form of a cluster id: 16 random bytes in URL-safe base64. */
export function newClusterId(): string {
  // A leading "-" would read as an option on the command line.
  return `S${randomBytes(16).toString('base64url').slice(1)}`
}

/** A small heap and the cheap collector and compiler: this broker serves one machine. */
export const JVM_OPTIONS: readonly string[] = [
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Djava.awt.headless=true',
]
