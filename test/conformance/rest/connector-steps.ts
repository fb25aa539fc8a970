import type { Step } from '../rest-replay.ts'
import { raw, request, runningSource, settled, SINK, sinkConfig, SOURCE, TRANSFORMS, until } from './steps.ts'

const created = (id: string, body: unknown) => request(`connectors: ${id}`, 'POST', '/connectors', body)
const put = (id: string, name: string, body: unknown) =>
  request(`connectors: ${id}`, 'PUT', `/connectors/${name}/config`, body)
const patch = (id: string, name: string, body: unknown) =>
  request(`connectors: ${id}`, 'PATCH', `/connectors/${name}/config`, body)
const get = (path: string) => request(`connectors: GET ${path}`, 'GET', path)

/** A source from creation to deletion, each read after each change. */
const SOURCE_LIFE: readonly Step[] = [
  created('a source', { name: 'src', config: runningSource({ 'tasks.max': '2' }) }),
  settled('src', 'RUNNING', ['RUNNING']),
  get('/connectors/src'),
  get('/connectors/src/config'),
  get('/connectors/src/status'),
  get('/connectors/src/tasks'),
  get('/connectors/src/tasks/0/status'),
  get('/connectors/src/tasks/1/status'),
  get('/connectors?expand=info&expand=status'),
  request('source: pause', 'PUT', '/connectors/src/pause'),
  settled('src', 'PAUSED', ['PAUSED']),
  request('source: paused', 'GET', '/connectors/src/status'),
  request('source: restart while paused', 'POST', '/connectors/src/restart?includeTasks=true'),
  settled('src', 'PAUSED', ['PAUSED']),
  request('source: restart a task while paused', 'POST', '/connectors/src/tasks/0/restart'),
  settled('src', 'PAUSED', ['PAUSED']),
  request('source: resume', 'PUT', '/connectors/src/resume'),
  settled('src', 'RUNNING', ['RUNNING']),
  request('source: stop', 'PUT', '/connectors/src/stop'),
  settled('src', 'STOPPED', []),
  request('source: stop again', 'PUT', '/connectors/src/stop'),
  request('source: stopped', 'GET', '/connectors/src/status'),
  request('source: stopped, tasks', 'GET', '/connectors/src/tasks'),
  request('source: stopped, a task', 'GET', '/connectors/src/tasks/0/status'),
  request('source: stopped, restart a task', 'POST', '/connectors/src/tasks/0/restart'),
  request('source: stopped, restart', 'POST', '/connectors/src/restart'),
  settled('src', 'STOPPED', []),
  request('source: stopped, pause', 'PUT', '/connectors/src/pause'),
  settled('src', 'PAUSED', []),
  put('a source with another file', 'src', runningSource({ file: '{folder}/none.txt' })),
  settled('src', 'PAUSED', []),
  request('source: resume after a change', 'PUT', '/connectors/src/resume'),
  settled('src', 'RUNNING', ['RUNNING']),
  get('/connectors/src/tasks?'),
  put('a source becomes a sink', 'src', sinkConfig()),
  settled('src', 'RUNNING', ['RUNNING']),
  request('source: delete', 'DELETE', '/connectors/src'),
  until('/connectors/src/status', '"error_code"'),
  request('source: deleted', 'GET', '/connectors/src/status'),
  request('source: deleted, tasks', 'GET', '/connectors/src/tasks'),
]

const PATCHES: readonly Step[] = [
  created('for patches', { name: 'pat', config: sinkConfig({ note: 'x', 'tasks.max': '2' }) }),
  settled('pat', 'RUNNING', ['RUNNING', 'RUNNING']),
  patch('patch a value', 'pat', { 'tasks.max': '1' }),
  settled('pat', 'RUNNING', ['RUNNING']),
  get('/connectors/pat/config'),
  patch('patch a number', 'pat', { 'tasks.max': 2, 'errors.log.enable': true }),
  settled('pat', 'RUNNING', ['RUNNING', 'RUNNING']),
  patch('patch removes', 'pat', { note: null, 'errors.log.enable': null }),
  patch('patch removes what is not there', 'pat', { none: null }),
  patch('patch nothing', 'pat', {}),
  patch('patch a wrong value', 'pat', { 'tasks.max': '0' }),
  patch('patch removes what is required', 'pat', { topics: null }),
  patch('patch removes the class', 'pat', { 'connector.class': null }),
  patch('patch the name', 'pat', { name: 'other' }),
  patch('patch removes the name', 'pat', { name: null }),
  patch('patch a list', 'pat', { note: ['x'] }),
  patch('patch an unknown connector', 'none', { note: 'x' }),
  raw('connectors: patch, a list', 'PATCH', '/connectors/pat/config', '[]'),
  raw('connectors: patch, not JSON', 'PATCH', '/connectors/pat/config', '{'),
  raw('connectors: patch, null', 'PATCH', '/connectors/pat/config', 'null'),
  raw('connectors: patch, nothing', 'PATCH', '/connectors/pat/config', ''),
  raw('connectors: patch, text/plain', 'PATCH', '/connectors/pat/config', '{}', 'text/plain'),
  raw(
    'connectors: patch, merge-patch',
    'PATCH',
    '/connectors/pat/config',
    '{}',
    'application/merge-patch+json',
  ),
  request('connectors: patched', 'GET', '/connectors/pat/config'),
  request('connectors: delete the patched', 'DELETE', '/connectors/pat'),
]

const STATES: readonly Step[] = [
  ...['stopped', 'Paused', 'RUNNING', ' running', 'FAILED', '', 1, true, null, ['RUNNING']].map((state, i) =>
    created(`initial_state ${JSON.stringify(state)}`, {
      name: `st${i}`,
      config: sinkConfig(),
      initial_state: state,
    }),
  ),
  settled('st0', 'STOPPED', []),
  settled('st1', 'PAUSED', []),
  settled('st2', 'RUNNING', ['RUNNING']),
  settled('st8', 'RUNNING', ['RUNNING']),
  ...['st0', 'st1', 'st2', 'st8'].flatMap((name) => [
    request(`initial states: status of ${name}`, 'GET', `/connectors/${name}/status`),
    request(`initial states: delete ${name}`, 'DELETE', `/connectors/${name}`),
  ]),
  created('initial_state of a source', { name: 'sts', config: runningSource(), initial_state: 'STOPPED' }),
  settled('sts', 'STOPPED', []),
  request(
    'initial states: put keeps it',
    'PUT',
    '/connectors/sts/config',
    runningSource({ 'batch.size': '7' }),
  ),
  settled('sts', 'STOPPED', []),
  request('initial states: resume', 'PUT', '/connectors/sts/resume'),
  settled('sts', 'RUNNING', ['RUNNING']),
  request('initial states: delete sts', 'DELETE', '/connectors/sts'),
]

const WRONG: readonly Step[] = [
  created('name with 300 characters', {
    name: 'x'.repeat(300),
    config: sinkConfig(),
    initial_state: 'STOPPED',
  }),
  request('connectors: get a name with 300 characters', 'GET', `/connectors/${'x'.repeat(300)}`),
  request('connectors: delete a name with 300 characters', 'DELETE', `/connectors/${'x'.repeat(300)}`),
  created('name with a control character', { name: 'a\u0001b', config: sinkConfig() }),
  created('name of blanks', { name: '   ', config: sinkConfig() }),
  created('name that is a number', { name: 7, config: sinkConfig(), initial_state: 'STOPPED' }),
  request('connectors: delete 7', 'DELETE', '/connectors/7'),
  created('name that is null', { name: null, config: sinkConfig() }),
  created('name in the config alone', { config: sinkConfig({ name: 'inside' }) }),
  created('name in a list', { name: ['x'], config: sinkConfig() }),
  created('a source without a topic', { name: 'w', config: runningSource({ topic: undefined }) }),
  created('three errors', {
    name: 'w',
    config: sinkConfig({ 'tasks.max': 'x', 'errors.tolerance': 'some' }),
  }),
  created('a transform that is not there', {
    name: 'w',
    config: sinkConfig({ transforms: 't', 'transforms.t.type': 'None' }),
  }),
  created('a transform without a type', { name: 'w', config: sinkConfig({ transforms: 't' }) }),
  created('a transform’s wrong key', {
    name: 'w',
    config: sinkConfig({
      transforms: 't',
      'transforms.t.type': `${TRANSFORMS}.RegexRouter`,
      'transforms.t.regex': '(',
    }),
  }),
  created('a converter that is not there', { name: 'w', config: sinkConfig({ 'value.converter': 'None' }) }),
  created('a version that is not there', {
    name: 'w',
    config: sinkConfig({ 'connector.plugin.version': '99' }),
  }),
  created('class that is no connector', {
    name: 'w',
    config: sinkConfig({ 'connector.class': `${TRANSFORMS}.Cast$Value` }),
  }),
  created('an empty class', { name: 'w', config: sinkConfig({ 'connector.class': '' }) }),
  created('topics twice', { name: 'w', config: sinkConfig({ 'topics.regex': 'x' }) }),
  created('dead letters are read', {
    name: 'w',
    config: sinkConfig({ 'errors.deadletterqueue.topic.name': '{topic}' }),
  }),
  created('a config that is a text', { name: 'w', config: 'x' }),
  created('tasks in the body', { name: 'w', config: sinkConfig(), tasks: [] }),
  put('wrong values', 'w', sinkConfig({ 'tasks.max': 'x' })),
  put('no topics', 'w', sinkConfig({ topics: undefined })),
  put('an unknown class', 'w', sinkConfig({ 'connector.class': 'None' })),
  raw('connectors: put, a text', 'PUT', '/connectors/w/config', '"x"'),
  raw('connectors: put, null', 'PUT', '/connectors/w/config', 'null'),
  raw('connectors: put, a number', 'PUT', '/connectors/w/config', '1'),
  raw('connectors: put, two objects', 'PUT', '/connectors/w/config', '{"a":1}{'),
  raw('connectors: post, a text', 'POST', '/connectors', '"x"'),
  raw('connectors: post, a number', 'POST', '/connectors', '1'),
  raw('connectors: post, truncated', 'POST', '/connectors', '{"name":"w","config":{"a":'),
  raw(
    'connectors: post, with charset',
    'POST',
    '/connectors',
    '{"name":"w"}',
    'application/json; charset=utf-8',
  ),
  raw('connectors: post, xml', 'POST', '/connectors', '<x/>', 'application/xml'),
  raw('connectors: post, json of a vendor', 'POST', '/connectors', '{}', 'application/vnd.x+json'),
  get('/connectors/w'),
]

/** Every action at a connector that is not there, and with a method that is wrong. */
const NOBODY: readonly Step[] = [
  ...(['config', 'status', 'tasks', 'tasks/0/status', 'offsets', 'topics'] as const).map((path) =>
    request(`nobody: GET ${path}`, 'GET', `/connectors/nobody/${path}`),
  ),
  ...(['pause', 'resume', 'stop', 'topics/reset'] as const).map((path) =>
    request(`nobody: PUT ${path}`, 'PUT', `/connectors/nobody/${path}`),
  ),
  request('nobody: restart', 'POST', '/connectors/nobody/restart?includeTasks=true&onlyFailed=true'),
  request('nobody: restart a task', 'POST', '/connectors/nobody/tasks/0/restart'),
  request('nobody: delete', 'DELETE', '/connectors/nobody'),
  request('nobody: patch', 'PATCH', '/connectors/nobody/config', {}),
  request('nobody: alter offsets', 'PATCH', '/connectors/nobody/offsets', {
    offsets: [{ partition: { filename: 'x' }, offset: { position: 1 } }],
  }),
  request('nobody: reset offsets', 'DELETE', '/connectors/nobody/offsets'),
  ...(
    [
      ['DELETE', 'status'],
      ['PUT', 'status'],
      ['DELETE', 'tasks'],
      ['PUT', 'tasks/0/status'],
      ['DELETE', 'tasks/0/status'],
      ['PUT', 'restart'],
      ['POST', 'pause'],
      ['POST', 'stop'],
      ['GET', 'stop'],
      ['DELETE', 'resume'],
      ['POST', 'config'],
      ['PUT', 'offsets'],
      ['POST', 'offsets'],
      ['POST', 'topics'],
      ['PUT', 'topics'],
      ['GET', 'topics/reset'],
      ['DELETE', 'topics/reset'],
      ['GET', 'tasks-config'],
    ] as const
  ).map(([method, path]) => request(`wrong way: ${method} ${path}`, method, `/connectors/nobody/${path}`)),
]

const LISTS: readonly Step[] = [
  ...['status', 'info']
    .flatMap((what) => [`expand=${what}`, `expand=${what}&expand=${what}`, `expand=${what.toUpperCase()}`])
    .map((query) => get(`/connectors?${query}`)),
  get('/connectors?expand='),
  get('/connectors?expand=info,status'),
  get('/connectors?other=1'),
  get('/connectors//'),
  get('/connectors/?expand=info'),
  get('/Connectors'),
]

const RESTARTS: readonly Step[] = [
  created('to restart', { name: 're', config: sinkConfig({ 'tasks.max': '2' }) }),
  settled('re', 'RUNNING', ['RUNNING', 'RUNNING']),
  ...[
    '',
    '?includeTasks=true',
    '?includeTasks=TRUE',
    '?onlyFailed=true',
    '?includeTasks=1',
    '?forward=true',
    '?includeTasks=',
  ].flatMap((query) => [
    request(`restart${query}`, 'POST', `/connectors/re/restart${query}`),
    settled('re', 'RUNNING', ['RUNNING', 'RUNNING']),
  ]),
  request('restart a task that is not there', 'POST', '/connectors/re/tasks/2/restart'),
  request('restart a task with a slash', 'POST', '/connectors/re/tasks/0/restart/'),
  settled('re', 'RUNNING', ['RUNNING', 'RUNNING']),
  request('restart a task: a number too large', 'POST', '/connectors/re/tasks/99999999999/restart'),
  request('status of a task: +1', 'GET', '/connectors/re/tasks/+1/status'),
  request('restart with a body', 'POST', '/connectors/re/restart', { x: 1 }),
  settled('re', 'RUNNING', ['RUNNING', 'RUNNING']),
  raw('pause with a broken body', 'PUT', '/connectors/re/pause', '{'),
  settled('re', 'PAUSED', ['PAUSED', 'PAUSED']),
  request('restart: delete', 'DELETE', '/connectors/re'),
]

const PLUGIN_SINK = request(
  'connectors: by alias',
  'PUT',
  '/connectors/al/config',
  sinkConfig({ 'connector.class': 'FileStreamSink' }),
)

export const connectorSteps: readonly Step[] = [
  ...SOURCE_LIFE,
  ...PATCHES,
  ...STATES,
  ...WRONG,
  ...NOBODY,
  ...LISTS,
  ...RESTARTS,
  PLUGIN_SINK,
  settled('al', 'RUNNING', ['RUNNING']),
  get('/connectors/al'),
  get('/connectors/al/tasks'),
  request('connectors: delete the alias', 'DELETE', '/connectors/al'),
  created('class of a source, keys of a sink', {
    name: 'mix',
    config: { ...sinkConfig(), 'connector.class': SOURCE },
  }),
  created('class of a sink, keys of a source', {
    name: 'mix',
    config: { ...runningSource(), 'connector.class': SINK },
  }),
]
