import { describe, expect, test } from 'vitest'
import { checkLabel, checkServiceId } from '../../../src/discovery/label.ts'
import { silenceMs } from '../../../src/discovery/monitor.ts'
import { targetText, tcpTarget, urlTarget } from '../../../src/discovery/monitor-target.ts'
import { parseServiceInfo } from '../../../src/discovery/service-info.ts'

describe('service info', () => {
  test.each([
    ['{}', undefined, {}],
    ['{"http_port": 9200, "transport_port": 9300}', 9200, { http_port: '9200', transport_port: '9300' }],
    ['{"transport_port": 9300}', 9300, { transport_port: '9300' }],
    ['{"http_port": 9200, "port": "80"}', 80, { http_port: '9200', port: '80' }],
    ['{"up": true, "load": 0.5, "note": "größer"}', undefined, { up: 'true', load: '0.5', note: 'größer' }],
  ])('%s', (text, port, meta) => expect(parseServiceInfo(text)).toEqual({ port, meta }))

  const pairs = (count: number) => JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, n) => [n, n])))

  test('may have as many keys as Consul keeps, but for those of the monitor', () => {
    expect(Object.keys(parseServiceInfo(pairs(61)).meta)).toHaveLength(61)
  })

  test.each([
    ['no JSON', 'port=1', 'is not JSON'],
    ['a text', '"x"', 'is not a JSON object'],
    ['nothing', 'null', 'is not a JSON object'],
    ['a megabyte', JSON.stringify({ a: 'x'.repeat(1024 * 1024) }), 'has 1048576 bytes at "a"'],
    ['a megabyte that is no JSON', 'x'.repeat(1024 * 1024), 'is not JSON'],
    ['a value of 513 bytes', JSON.stringify({ a: `${'x'.repeat(511)}ö` }), 'has 513 bytes at "a"'],
    ['62 keys', pairs(62), 'has 62 keys'],
    ['a key with a blank', '{"a b": 1}', 'has the key "a b"'],
    ['an endless key', JSON.stringify({ ['x'.repeat(129)]: 1 }), `has the key "${'x'.repeat(40)}…"`],
    ["a key of Consul's own", '{"consul-x": 1}', 'has the key "consul-x"'],
    ['a list', '{"a": [1]}', 'has a value at "a" that is no text, number or boolean'],
    ['a port of words', '{"port": "http"}', 'has the port "http"'],
    ['a port that is none', '{"http_port": 65536}', 'has the http_port "65536"'],
  ])('that is %s is refused in one sentence', (_, text, sentence) => {
    expect(() => parseServiceInfo(text)).toThrow(`--service-info ${sentence}`)
  })
})

describe('a label', () => {
  test('is lower case, as in the original', () =>
    expect(checkLabel('ElasticSearch_Logging')).toBe('elasticsearch_logging'))
  test.each(['', 'a/b', 'a b', '-a', 'a-', 'a.b', 'ä', '..', 'x'.repeat(64)])('is not %j', (text) => {
    expect(() => checkLabel(text)).toThrow(/can't be the name of a service/)
  })
  test('and an id are two things', () => {
    expect(checkServiceId('elasticsearch@1.node3:9200')).toBe('elasticsearch@1.node3:9200')
    for (const id of ['', 'a/b', 'a b', 'x'.repeat(129)]) expect(() => checkServiceId(id)).toThrow(/can't be the id/)
  })
})

describe('what is watched', () => {
  test('is shown without its password and its query', () => {
    expect(targetText(urlTarget('https://me:secret@web:8443/health?key=secret'))).toBe('https://web:8443/health')
  })
  test.each(['', 'web', 'web:80', '/health', 'ftp://web/', 'http:///health', 'http://', 'javascript:1'])(
    'is not the URL %j',
    (text) => expect(() => urlTarget(text)).toThrow(/is not the address of a web server/),
  )
  test('may be an IPv6 address', () => {
    expect(tcpTarget('[::1]:5432')).toEqual({ kind: 'tcp', host: '::1', port: 5432 })
  })
  test.each(['', 'db', ':1', 'db:', 'db:0', 'db:65536', 'db:1x', '::1:5432', 'a b:1'])(
    'is not the address %j',
    (text) => expect(() => tcpTarget(text)).toThrow(/is not an address/),
  )
})

test.each([
  [5000, 3000, 10_000],
  [1000, 1000, 4000],
  [60_000, 3000, 120_000],
  [5000, 30_000, 37_000],
])('with an interval of %i ms and a timeout of %i ms, a monitor is dead after a silence of %i ms', (i, t, ms) => {
  expect(silenceMs(i, t)).toBe(ms)
})
