import type { Step } from '../rest-replay.ts'
import { raw, request, settled, runningSource, until } from './steps.ts'

const LOGGER = 'org.apache.kafka.connect.runtime.WorkerSourceTask'
const level = (id: string, logger: string, body: unknown, query = '') =>
  request(`loggers: ${id}`, 'PUT', `/admin/loggers/${logger}${query}`, body)
const loggers = (path: string) => request(`loggers: GET ${path}`, 'GET', `/admin/loggers${path}`)

const LOGGERS: readonly Step[] = [
  loggers('/root'),
  loggers('/root/'),
  loggers('/no.such.logger'),
  level('set', LOGGER, { level: 'DEBUG' }),
  loggers(`/${LOGGER}`),
  level('set in small letters', LOGGER, { level: 'warn' }),
  level('set again', LOGGER, { level: 'WARN' }),
  loggers(`/${LOGGER}?`),
  level('scope=worker', LOGGER, { level: 'INFO' }, '?scope=worker'),
  level('scope=WORKER', LOGGER, { level: 'INFO' }, '?scope=WORKER'),
  level('scope=cluster', LOGGER, { level: 'ERROR' }, '?scope=cluster'),
  until(`/admin/loggers/${LOGGER}`, '"ERROR"'),
  loggers(`/${LOGGER}?x`),
  level('scope=Cluster', LOGGER, { level: 'TRACE' }, '?scope=Cluster'),
  level('scope=none', LOGGER, { level: 'INFO' }, '?scope=none'),
  level('scope=', LOGGER, { level: 'INFO' }, '?scope='),
  level('no level', LOGGER, {}),
  level('level null', LOGGER, { level: null }),
  level('level that is none', LOGGER, { level: 'LOUD' }),
  level('level that is none, cluster', LOGGER, { level: 'LOUD' }, '?scope=cluster'),
  level('level a number', LOGGER, { level: 1 }),
  level('level empty', LOGGER, { level: '' }),
  level('level OFF', LOGGER, { level: 'OFF' }),
  level('level FATAL', LOGGER, { level: 'FATAL' }),
  level('level ALL', LOGGER, { level: 'ALL' }),
  level('another field', LOGGER, { level: 'INFO', more: 'x' }),
  level('an unknown logger', 'no.such.logger.at.all', { level: 'INFO' }),
  raw('loggers: not JSON', 'PUT', `/admin/loggers/${LOGGER}`, '{'),
  raw('loggers: a list', 'PUT', `/admin/loggers/${LOGGER}`, '[]'),
  raw('loggers: null', 'PUT', `/admin/loggers/${LOGGER}`, 'null'),
  raw('loggers: nothing', 'PUT', `/admin/loggers/${LOGGER}`, ''),
  raw('loggers: text/plain', 'PUT', `/admin/loggers/${LOGGER}`, '{}', 'text/plain'),
  request('loggers: POST', 'POST', `/admin/loggers/${LOGGER}`, {}),
  request('loggers: DELETE', 'DELETE', `/admin/loggers/${LOGGER}`),
  request('loggers: PUT all', 'PUT', '/admin/loggers', {}),
  request('admin: nothing', 'GET', '/admin'),
  request('admin: unknown', 'GET', '/admin/nope'),
]

const topics = (id: string, method: string, path: string, body?: unknown) =>
  request(`topics: ${id}`, method, path, body)

const TOPICS: readonly Step[] = [
  topics('create a source', 'POST', '/connectors', { name: 'at', config: runningSource() }),
  settled('at', 'RUNNING', ['RUNNING']),
  until('/connectors/at/topics', '-lines'),
  topics('of a source', 'GET', '/connectors/at/topics'),
  topics('with a slash', 'GET', '/connectors/at/topics/'),
  topics('stop', 'PUT', '/connectors/at/stop'),
  settled('at', 'STOPPED', []),
  topics('of a stopped source', 'GET', '/connectors/at/topics'),
  topics('reset', 'PUT', '/connectors/at/topics/reset'),
  until('/connectors/at/topics', '[]'),
  topics('after the reset', 'GET', '/connectors/at/topics'),
  topics('reset again, with a slash', 'PUT', '/connectors/at/topics/reset/'),
  topics('reset with a body', 'PUT', '/connectors/at/topics/reset', {}),
  topics('delete', 'DELETE', '/connectors/at'),
  topics('deleted', 'GET', '/connectors/at/topics'),
]

/** Workers alone call these: whoever does not know the session key is refused. */
const INTERNAL: readonly Step[] = [
  request('internal: task configs', 'POST', '/connectors/a/tasks', []),
  request('internal: task configs, an object', 'POST', '/connectors/a/tasks', {}),
  request('internal: task configs of nobody', 'POST', '/connectors/nobody/tasks', []),
  request('internal: task configs, nothing', 'POST', '/connectors/a/tasks'),
  request('internal: fence', 'PUT', '/connectors/a/fence', {}),
  request('internal: fence, nothing', 'PUT', '/connectors/a/fence'),
  request('internal: fence of nobody', 'PUT', '/connectors/nobody/fence'),
  request('internal: GET fence', 'GET', '/connectors/a/fence'),
]

const ROOT: readonly Step[] = [
  request('root: query', 'GET', '/?x=1'),
  request('root: HEAD', 'HEAD', '/'),
  request('root: DELETE', 'DELETE', '/'),
  request('health: HEAD', 'HEAD', '/health'),
  request('health: query', 'GET', '/health?x=1'),
  request('health: DELETE', 'DELETE', '/health'),
  request('nothing: POST', 'POST', '/nope', {}),
  request('nothing: PUT', 'PUT', '/nope/nope', {}),
  request('nothing: metrics', 'GET', '/metrics'),
]

export const adminSteps: readonly Step[] = [...ROOT, ...LOGGERS, ...TOPICS, ...INTERNAL]
