import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RUN_SYNTAX } from '../../../../src/cli/commands/run/syntax.ts'
import { readConsulSettings } from '../../../../src/cli/connection/read-consul-settings.ts'
import { parse } from '../../../../src/cli/syntax/parse.ts'

let dir: string
const file = (name: string) => join(dir, name)

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'settings-test-'))
  writeFileSync(file('token'), '  from-file\n')
  writeFileSync(file('other'), 'from-other-file')
  writeFileSync(file('empty'), '\n')
  writeFileSync(file('lines'), 'two\nlines')
})

afterAll(() => rmSync(dir, { recursive: true, force: true }))

function settings(words: string[], environment: NodeJS.ProcessEnv = {}) {
  return readConsulSettings(parse(RUN_SYNTAX, [...words, 'name', 'cmd'], environment).options, environment)
}

describe('without any setting', () => {
  test('it is the local agent, without rights', () => {
    expect(settings([])).toMatchObject({
      address: { origin: 'http://127.0.0.1:8500' },
      token: undefined,
      basicAuth: undefined,
      datacenter: undefined,
      namespace: undefined,
      partition: undefined,
      tls: { verify: true, caFile: undefined, caPath: undefined, clientCert: undefined, serverName: undefined },
    })
  })

  test('a variable that is empty is none', () => {
    const empty = { CONSUL_HTTP_ADDR: '', CONSUL_HTTP_TOKEN: '', CONSUL_HTTP_SSL: '', CONSUL_HTTP_SSL_VERIFY: '' }
    expect(settings([], empty)).toEqual(settings([]))
  })
})

describe('precedence', () => {
  // The option, our own variable for it, and the one of consul itself.
  test.each([
    ['http-addr', 'CONSUL_HTTP_ADDR', ['a:1', 'b:1', 'c:1'], ['address', 'text']],
    ['token', 'CONSUL_HTTP_TOKEN', ['a', 'b', 'c'], ['token']],
    ['namespace', 'CONSUL_NAMESPACE', ['a', 'b', 'c'], ['namespace']],
    ['partition', 'CONSUL_PARTITION', ['a', 'b', 'c'], ['partition']],
    ['ca-file', 'CONSUL_CACERT', ['a', 'b', 'c'], ['tls', 'caFile']],
    ['ca-path', 'CONSUL_CAPATH', ['a', 'b', 'c'], ['tls', 'caPath']],
    ['tls-server-name', 'CONSUL_TLS_SERVER_NAME', ['a', 'b', 'c'], ['tls', 'serverName']],
  ] as const)('of --%s, its variable, and %s', (option, theirs, [first, second, third], path) => {
    const ours = `CONSUL_LOCKER_${option.replaceAll('-', '_').toUpperCase()}`
    const value = (words: string[], environment: NodeJS.ProcessEnv) =>
      path.reduce<unknown>((part, key) => (part as Record<string, unknown>)[key], settings(words, environment))
    expect(value([`--${option}`, first], { [ours]: second, [theirs]: third })).toBe(first)
    expect(value([], { [ours]: second, [theirs]: third })).toBe(second)
    expect(value([], { [theirs]: third })).toBe(third)
  })

  test('of a client certificate and its key', () => {
    const theirs = { CONSUL_CLIENT_CERT: 'c', CONSUL_CLIENT_KEY: 'k' }
    expect(settings([], theirs).tls).toMatchObject({ clientCert: 'c', clientKey: 'k' })
    const mixed = settings(['--client-cert', 'a'], { ...theirs, CONSUL_LOCKER_CLIENT_KEY: 'b' })
    expect(mixed.tls).toMatchObject({ clientCert: 'a', clientKey: 'b' })
  })

  test('a datacenter has no variable of consul', () => {
    expect(settings([], { CONSUL_LOCKER_DATACENTER: 'b', CONSUL_DATACENTER: 'c' }).datacenter).toBe('b')
    expect(settings([], { CONSUL_DATACENTER: 'c' }).datacenter).toBeUndefined()
  })
})

test.each([
  [['--http-addr', 'foo:bar'], {}, '--http-addr "foo:bar" is not the address of a Consul agent'],
  [[], { CONSUL_HTTP_ADDR: 'foo:bar' }, 'CONSUL_HTTP_ADDR "foo:bar" is not the address of a Consul agent'],
])('an address that is none, by %j and %j, is told with who gave it', (words, environment, sentence) => {
  expect(() => settings(words, environment)).toThrow(sentence)
})

describe('a token', () => {
  test.each<[string, () => [string[], NodeJS.ProcessEnv], string | undefined]>([
    ['in a file goes before one given', () => [['--token', 't', '--token-file', file('token')], {}], 'from-file'],
    [
      'in a file, by variables',
      () => [[], { CONSUL_HTTP_TOKEN: 't', CONSUL_HTTP_TOKEN_FILE: file('token') }],
      'from-file',
    ],
    [
      'given, beside a file by variable',
      () => [['--token', 't'], { CONSUL_HTTP_TOKEN_FILE: file('token') }],
      'from-file',
    ],
    [
      'in a file, beside another',
      () => [['--token-file', file('token')], { CONSUL_HTTP_TOKEN_FILE: file('other') }],
      'from-file',
    ],
    ['in an empty file is none', () => [['--token-file', file('empty')], {}], undefined],
    ['given, beside an empty file', () => [['--token', 't', '--token-file', file('empty')], {}], 't'],
  ])('%s', (_, given, token) => {
    const [words, environment] = given()
    expect(settings(words, environment).token).toBe(token)
  })

  test('in a file that is not there is refused, even beside one given', () => {
    expect(() => settings(['--token', 't', '--token-file', file('nothing')])).toThrow(
      /token file .*nothing can't be read: no such file or directory/,
    )
  })

  test('that no header can carry is refused without repeating it', () => {
    expect(() => settings(['--token-file', file('lines')])).toThrow(/^the token has a character in it/)
    expect(() => settings(['--token', 'tökén'])).toThrow(/^the token has a character in it/)
  })
})

describe('TLS', () => {
  test.each([
    ['x:1', undefined, false],
    ['x:1', 'true', true],
    ['x:1', '0', false],
    ['http://x:1', '1', true],
    ['https://x:1', 'false', true],
  ])('for %s and CONSUL_HTTP_SSL=%s: %s', (address, ssl, secure) => {
    expect(settings(['--http-addr', address], { CONSUL_HTTP_SSL: ssl }).address.secure).toBe(secure)
  })

  test.each([
    ['false', false],
    ['0', false],
    ['F', false],
    ['true', true],
    ['', true],
  ])('is verified under CONSUL_HTTP_SSL_VERIFY=%j: %s', (value, verify) => {
    expect(settings([], { CONSUL_HTTP_SSL_VERIFY: value }).tls.verify).toBe(verify)
  })

  test.each([
    [['--client-cert', 'c'], {}],
    [['--client-key', 'k'], {}],
    [[], { CONSUL_CLIENT_CERT: 'c' }],
  ])('with half of a client identity is refused: %j %j', (words, environment) => {
    expect(() => settings(words, environment)).toThrow('a client certificate needs its key')
  })

  test.each(['CONSUL_HTTP_SSL', 'CONSUL_HTTP_SSL_VERIFY'])('%s that is neither yes nor no is refused', (variable) => {
    expect(() => settings([], { [variable]: 'maybe' })).toThrow(`${variable} is "maybe"`)
  })
})

test('CONSUL_HTTP_AUTH is user and password', () => {
  expect(settings([], { CONSUL_HTTP_AUTH: 'user:pass' }).basicAuth).toBe('user:pass')
})

describe('what is unwise is told:', () => {
  const token = { CONSUL_HTTP_TOKEN: 't' }
  const unverified = { CONSUL_HTTP_SSL_VERIFY: 'false' }

  test.each<[string, string[], NodeJS.ProcessEnv, RegExp[]]>([
    ['a token in the arguments', ['--token', 't'], {}, [/in our arguments \(ps\); give --token-file/]],
    ['a token to another machine', ['--http-addr', 'consul.example:8500'], token, [/consul\.example:8500 in clear/]],
    ['TLS that is not verified', ['--http-addr', 'https://x:1'], unverified, [/SSL_VERIFY is off.*https:\/\/x:1/]],
    ['all of it', ['--http-addr', 'http://x:1', '--token', 't'], unverified, [/arguments/, /in clear/]],
    ['nothing of a token that our own variable gives', [], { CONSUL_LOCKER_TOKEN: 't' }, []],
    ['nothing of a token to this machine', ['--http-addr', 'localhost:8500'], token, []],
    ['nothing of a token to a socket', ['--http-addr', 'unix:///run/consul.sock'], token, []],
    ['nothing of a token over TLS', ['--http-addr', 'https://x:1'], token, []],
    ['nothing of an address without a token', ['--http-addr', 'consul.example:8500'], {}, []],
    ['nothing of TLS that is not used', [], unverified, []],
  ])('%s', (_, words, environment, worries) => {
    expect(settings(words, environment).warnings).toEqual(worries.map((worry) => expect.stringMatching(worry)))
  })
})

test.each([
  [[], 300_000],
  [['--consul-timeout', '90s'], 90_000],
  [['--consul-timeout', '0'], Number.POSITIVE_INFINITY],
])('Consul may be out of reach, by %j, for %s ms', (words, ms) => {
  expect(settings(words).patienceMs).toBe(ms)
})
