import type { RawConfig } from '../api/config.ts'
import { GroupMember } from '../kafka/groups/group.ts'
import type { TaskId } from '../runtime/host/protocol.ts'
import { ActiveTopics } from './active-topics.ts'
import type { TaskConfigs } from './assigned-work.ts'
import { connectorClass } from './configs/plugin-catalogue.ts'
import { sinkPlace } from './groups/sink-clients.ts'
import { sinkGroup } from './groups/sink-group.ts'
import { type CreateMember, SinkMembership } from './groups/sink-membership.ts'
import type { MonitorsOptions } from './monitors.ts'
import { sameConfig } from './configs/task-configs.ts'
import { StatusReporter } from './status-reporter.ts'
import { restartSettings } from './hosts/restart-policy.ts'
import { Suspects } from './hosts/suspects.ts'
import { TaskHosts } from './hosts/task-hosts.ts'
import { TaskRun } from './hosts/task-run.ts'
import type { Surroundings } from './assemble-worker.ts'

/** Makes the tasks of this worker. */
export function taskCreator(
  { settings, cluster, createMember, consumerOf, log, stores: { configs } }: Surroundings,
  {
    hosts,
    reporter,
    suspects,
    topics,
  }: {
    readonly hosts: TaskHosts
    readonly reporter: StatusReporter
    readonly suspects: Suspects
    readonly topics: ActiveTopics
  },
) {
  return (id: TaskId, { config, resolved }: TaskConfigs, paused: boolean): TaskRun => {
    const taskLog = log.child({ ...id })
    return new TaskRun({
      id,
      config,
      paused,
      hosts,
      suspects,
      join: (task, waits, replaced) =>
        isSource(resolved)
          ? { ...IN_NO_GROUP, lost: () => task.lost() }
          : sinkPlace(
              resolved,
              (own) => {
                const options = { ...sinkGroup(settings, resolved, taskLog, id.task), waits, replaced }
                const create: CreateMember =
                  own === undefined ? createMember : (member) => new GroupMember(own, member)
                return new SinkMembership(options, own ?? cluster, create, task)
              },
              consumerOf,
            ),
      report: (state, trace, reason) => void reporter.task(id, state, trace, reason),
      onTopics: (used) => topics.used(id, used),
      restart: restartSettings(resolved),
      willReturn: () => sameConfig(configs.get(id.connector)?.tasks[id.task], config),
      stopTimeout: settings.shutdownTimeout,
      log: taskLog,
    })
  }
}

/** A monitor is run as a task is; its state is its connector's. */
export function monitorCreator(
  { settings, log }: Surroundings,
  { hosts, reporter }: { readonly hosts: TaskHosts; readonly reporter: StatusReporter },
): MonitorsOptions['create'] {
  return (id, { config }, onReconfigure) =>
    new TaskRun({
      ...{ id, config, paused: false, hosts, suspects: new Suspects(), onReconfigure },
      join: () => IN_NO_GROUP,
      report: (state, trace) => void reporter.connector(id.connector, state, trace),
      stopTimeout: settings.shutdownTimeout,
      log: log.child({ connector: id.connector }),
    })
}

/** What a source task has for the place in a group that a sink task has. */
const IN_NO_GROUP = {
  start: () => undefined,
  rejoin: () => undefined,
  leave: () => Promise.resolve(),
}

function isSource(config: RawConfig): boolean {
  return connectorClass(config).type === 'source'
}
