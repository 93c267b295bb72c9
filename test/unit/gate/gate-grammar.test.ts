import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { oneLine } from '../../../src/base/printable.ts'
import type { Instance } from '../../../src/consul/instances.ts'
import { judgeInstances, judgeValue } from '../../../src/gate/consul-gate.ts'
import type { GateOf } from '../../../src/gate/gate.ts'
import { parseGate } from '../../../src/gate/gate-grammar.ts'
import { SUCCESS } from '../../../src/probe/expectation.ts'

const service = { kind: 'service', tag: undefined, datacenter: undefined, least: 1 }
const http = { kind: 'http', expected: SUCCESS, follows: false, isInsecure: false }
const kv = { kind: 'kv', value: undefined }

describe('a gate', () => {
  test.for([
    ['service:db', { ...service, service: 'db' }],
    ['service:master.db', { ...service, service: 'db', tag: 'master' }],
    ['service:v1.2.db', { ...service, service: 'db', tag: 'v1.2' }],
    ['service:db@dc2', { ...service, service: 'db', datacenter: 'dc2' }],
    ['service:master.db@dc2=3', { ...service, service: 'db', tag: 'master', datacenter: 'dc2', least: 3 }],
    ['kv:ready', { ...kv, key: 'ready' }],
    ['kv:a/b c=x=y z', { ...kv, key: 'a/b c', value: 'x=y z' }],
    ['tcp:db:3306', { kind: 'tcp', host: 'db', port: 3306 }],
    ['tcp:[::1]:80', { kind: 'tcp', host: '::1', port: 80 }],
    ['http://db/ready?x=1', { ...http, url: 'http://db/ready?x=1' }],
    ['https://db:8443', { ...http, url: 'https://db:8443/' }],
    ['HTTP://DB/Ready', { ...http, url: 'http://db/Ready' }],
    [
      'http://db status=200,300-399  header=X-Role:a:b header=Server header~X-Age:^\\d+$ follow insecure body= it is up ',
      {
        url: 'http://db/',
        kind: 'http',
        expected: {
          statuses: [
            [200, 200],
            [300, 399],
          ],
          headers: [
            { name: 'X-Role', pattern: 'a:b' },
            { name: 'Server', pattern: undefined },
            { name: 'X-Age', pattern: /^\d+$/ },
          ],
          body: 'it is up',
        },
        follows: true,
        isInsecure: true,
      },
    ],
    ['https://db body~"up": *true', { ...http, url: 'https://db/', expected: { ...SUCCESS, body: /"up": *true/ } }],
    ['postgres:db', { kind: 'postgres', at: { host: 'db', port: 5432 } }],
    ['mysql:[::1]', { kind: 'mysql', at: { host: '::1', port: 3306 } }],
    ['redis:10.0.0.2:7000', { kind: 'redis', at: { host: '10.0.0.2', port: 7000 } }],
    ['mysql:/run/mysqld/mysqld.sock', { kind: 'mysql', at: { path: '/run/mysqld/mysqld.sock' } }],
    ['unix:/run/db.sock', { kind: 'unix', path: '/run/db.sock' }],
    ['dns:db.example.com', { kind: 'dns', name: 'db.example.com', server: undefined }],
    ['dns:db.service.consul@127.0.0.1:8600', { kind: 'dns', name: 'db.service.consul', server: '127.0.0.1:8600' }],
    ['dns:db@10.0.0.1', { kind: 'dns', name: 'db', server: '10.0.0.1:53' }],
    ['dns:db@[::1]:8600', { kind: 'dns', name: 'db', server: '[::1]:8600' }],
    ['file:/run/db.ready', { kind: 'file', path: '/run/db.ready' }],
    ['file:C:\\odd name', { kind: 'file', path: 'C:\\odd name' }],
    ['cmd:test -s /etc/x && true', { kind: 'cmd', command: 'test -s /etc/x && true' }],
  ] as const)('%s is read', ([text, expected]) => {
    expect(parseGate(text)).toEqual({ ...expected, isInverse: false, text: oneLine(text, 60) })
    expect(parseGate(`!${text}`)).toEqual({ ...expected, isInverse: true, text: oneLine(`!${text}`, 60) })
  })

  test.for([
    ['', /no gate/],
    ['db', /"db" is no gate/],
    ['servise:db', /"servise:db" is no gate/],
    ['constructor:x', /is no gate/],
    ['service:', /names no service/],
    ['service:a b', /"a b" names no service/],
    ['service:db/x', /names no service/],
    ['service:db@', /names no service/],
    ['service:db=passing', /names no service/],
    ['service:db=0', /no instance at all/],
    ['kv:', /which key/],
    ['kv:=x', /which key/],
    ['kv:/x', /begins with a slash/],
    ['kv:x=', /no value/],
    ['tcp:db', /no address/],
    ['tcp:db:0', /no address/],
    ['tcp:db:65536', /no address/],
    ['tcp:::1:80', /no address/],
    ['tcp:a b:80', /no address/],
    ['tcp:[x]:80', /no address/],
    ['postgres:', /no address/],
    ['postgres://root:secret@db/x', /no address/],
    ['redis:db:0', /no address/],
    ['http:', /no URL/],
    ['http:db', /no URL/],
    ['http:///x', /no URL/],
    ['https://a b/', /"b\/" is no option/],
    ['http://a status', /"status" is no option/],
    ['http://a follow=yes', /"follow=yes" is no option/],
    ['http://a status~2', /"status~2" is no option/],
    ['http://a status=20', /"20" is no HTTP status/],
    ['http://a status=299-200', /"299-200" is no HTTP status/],
    ['http://a header=', /no header/],
    ['http://a header=X:', /no header/],
    ['http://a header~X', /no header/],
    ['http://a body=', /no value/],
    ['http://a body~(', /Invalid regular expression/],
    ['http://a insecure', /no certificate/],
    ['dns:', /is no name/],
    ['dns:a/b', /is no name/],
    ['dns:db@ns.example.com', /no address of a name server/],
    ['dns:db@', /no address of a name server/],
    ['file:', /which file/],
    ['cmd: ', /which command/],
    ['cmd:a\0b', /NUL/],
  ] as const)('%s is refused in one sentence with a hint', ([text, sentence]) => {
    const failure = catchFailure(() => parseGate(text))
    expect(failure).toMatchObject({ code: 'usage', message: expect.stringMatching(sentence) })
    expect(failure.hint).toBeTruthy()
    expect(failure.message).not.toContain('\n')
  })

  test('of a database is refused without telling the password of its URL', () => {
    expect(catchFailure(() => parseGate('mysql://root:secret@db/x')).message).not.toContain('secret')
  })

  test('is shown on one line, not too long, and without a password', () => {
    expect(parseGate('https://root:secret@db/x').text).toBe('https://…@db/x')
    expect(parseGate('http://db body~a@b').text).toBe('http://db body~a@b')
    expect(parseGate('cmd:a\n\tb').text).toBe('cmd:a b')
    expect(parseGate(`file:/${'x'.repeat(100)}`).text).toHaveLength(60)
  })
})

test.for([
  ['kv:x', undefined, 'there is no such key'],
  ['kv:x', '', 'it is empty'],
  ['kv:x', 'a', undefined],
  ['kv:x=yes', 'yes', undefined],
  ['kv:x=yes', 'no', 'it has another value'],
  ['kv:x=yes', 'yes\n', 'it has blanks or a line break around it'],
] as const)('%s with the value %j stands right', ([text, value, why]) => {
  const state = judgeValue(parseGate(text) as GateOf<'kv'>, value)
  expect(state).toEqual(why === undefined ? { open: true } : { open: false, why })
})

test.for([
  ['service:x', [], 'none is registered'],
  ['service:x', ['critical', 'warning'], 'none of 2 is healthy'],
  ['service:x', ['critical', 'passing'], undefined],
  ['service:x=2', ['critical', 'passing'], '1 of 2 are healthy'],
  ['service:x=2', ['passing', 'passing', 'passing'], undefined],
] as const)('%s with instances %j stands right', ([text, states, why]) => {
  const instances = states.map((health) => ({ health }) as Instance)
  const state = judgeInstances(parseGate(text) as GateOf<'service'>, instances)
  expect(state).toEqual(why === undefined ? { open: true } : { open: false, why })
})

function catchFailure(task: () => unknown): Failure {
  try {
    task()
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown
    throw thrown
  }
  throw new Error('it was taken')
}
