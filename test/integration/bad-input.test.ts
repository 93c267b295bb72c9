import { lstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { RUN_SYNTAX } from '../../src/cli/commands/run/syntax.ts'
import { type Options, variableOf } from '../../src/cli/syntax/option.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { LOCKER, runLocker } from '../kit/locker.ts'
import { startProxy } from '../kit/proxy.ts'
import { expectSentence, serveTcp } from '../kit/refusals.ts'
import { makeCertificates } from '../kit/secure-agent.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

/** Runs against an agent that must not hear of it. */
async function refuse(words: readonly string[], sentence: RegExp, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const { address, requests } = await startProxy()
  expectSentence(await runLocker(words, { address, env }), 2, sentence)
  expect(requests).toEqual([])
}

describe('a name', () => {
  test.for([
    ['', /name "" is empty/],
    ['..', /"\.\."/],
    ['a/../b', /'\.\.'/],
    ['a b', /"a b" has the character " " in it/],
    ['?x', /has the character "\?" in it/],
    ['/x', /begins with a slash/],
    ['a//b', /empty part/],
    ['a/', /empty part/],
    ['ümlaut', /has the character "ü" in it/],
    ['two\nlines', /has the character "\\n" in it/],
    ['n'.repeat(600), /has 600 characters; 498 are the most/],
  ] as const)('like %j is refused', ([name, sentence]) => refuse([name, 'true'], sentence))

  test('is missing', () => refuse([], /no lock was named/))

  test('may have 498 characters, and all that is listed', async () => {
    const name = `${uniqueName('long')}/a.b_c,d-${'n'.repeat(600)}`.slice(0, 498)
    expect(await runLocker([name, 'echo', 'ran'])).toMatchObject({ code: 0, stdout: 'ran\n', stderr: '' })
    expect(await new ConsulClient().remains(name)).toEqual([])
  })

  test.for([
    ['', /--key "" is empty/],
    ['/x/.lock', /begins with a slash/],
    ['k'.repeat(513), /has 513 characters; 512 are the most/],
  ] as const)('of a key like %j is refused', ([key, sentence]) => refuse([`--key=${key}`, 'name', 'true'], sentence))
})

describe('a folder that was removed', () => {
  const through = ['sh', '-c', 'rmdir "$PWD" && exec "$@"', 'sh']

  test('keeps a run from nothing that needs no name of it', async () => {
    const ended = await runLocker([uniqueName('gone'), 'echo', 'ran'], { through, cwd: scratch() })
    expect(ended).toMatchObject({ code: 0, stdout: 'ran\n' })
  })

  test('is named by what a relative path stands on', async () => {
    const ended = await runLocker(['--tee', 'log', uniqueName('gone'), 'echo', 'ran'], { through, cwd: scratch() })
    expectSentence(ended, 2, /the current folder can't be named: no such file or directory \(was it removed/)
  })
})

describe('words', () => {
  test('without a command', () => refuse(['name'], /no command was given to run under name/))

  test('without a command behind --', () => refuse(['name', '--'], /no command was given to run under name/))

  test.for([
    ['--no-wiat', /no option --no-wiat \(did you mean --no-wait\?/],
    ['--tll=20s', /no option --tll \(did you mean --ttl\?/],
    ['-x', /no option -x /],
    ['--', /no lock was named/],
  ] as const)('that are no option: %s', ([word, sentence]) => refuse([word], sentence))

  test('an option of another spelling is not taken for a name', () =>
    refuse(['--Wait', '5s', 'name', 'true'], /no option --Wait \(did you mean --wait\?/))

  const options: Options = RUN_SYNTAX.options
  const takers = Object.entries(options).filter(([, { value, isOptional }]) => value !== undefined && !isOptional)
  test.for(takers.map(([name]) => name))('an option without its value: --%s', (option) =>
    refuse([`--${option}`], /has no value/i),
  )

  test('an option twice: the last one counts', async () => {
    const ended = await runLocker(['--report-file', '/nowhere/x', '--report-file', '/dev/null/x', 'name', 'true'])
    expectSentence(ended, 2, /\/dev\/null\/x/)
  })
})

describe('a duration', () => {
  test.for(['--wait', '--ttl', '--renew', '--lock-delay', '--kill-after'])('for %s that is none', async (option) => {
    for (const text of ['soon', '-1s', '5 s', '1e3']) {
      await refuse([`${option}=${text}`, 'name', 'true'], /is not a duration \(write it as 90s,/)
    }
  })

  test.for([
    [['--ttl', '5s'], /TTL of 5s .*at least 10s/],
    [['--ttl', '25h'], /TTL 1d1h \+ grace 5s .*longest lock-delay, 1m \(make --ttl/],
    [['--renew', '15s'], /every 15s .* TTL of 15s \(--renew must lie between 1s and 14s\)/],
    [['--renew', '0'], /every 0ms /],
    [['--ttl', '30s', '--renew', '40s'], /every 40s .* TTL of 30s/],
    [['--lock-delay', '3m'], /lock-delay of 3m .* 1m /],
    [['--ttl', '60s'], /TTL 1m \+ grace 5s \+ a tenth 6.5s \+ margin 2s = 1m13s, .* 1m /],
    [['--lock-delay', '22s'], /lock-delay of 22s .*TTL 15s \+ grace 5s \+ a tenth 2s \+ margin 2s = 24s/],
    [
      ['--lock-delay', '24s', '--kill-after', '10s'],
      /lock-delay of 24s .*TTL 15s \+ grace 10s \+ a tenth 2.5s \+ margin 2s = 29.5s/,
    ],
  ] as const)('that is not safe: %j', ([words, sentence]) => refuse([...words, 'name', 'true'], sentence))
})

describe('other values', () => {
  test.for(['300', '-1', 'x', '1.5', ''])('an exit code of %j', (code) =>
    refuse(
      [`--conflict-exit-code=${code}`, 'name', 'true'],
      /--conflict-exit-code .* is not an exit code \(0 to 255\)/,
    ),
  )

  test('a log format', () => refuse(['--log-format', 'xml', 'name', 'true'], /log-format.*xml.*text.*json/))

  test('a token beside a token file that is not there', () =>
    refuse(['--token', 't', '--token-file', '/nowhere/token', 'name', 'true'], /token file.*\/nowhere\/token/))

  test('a token that no header can carry', async () => {
    const file = join(scratch(), 'token')
    writeFileSync(file, 'two\nlines\n')
    await refuse(['--token-file', file, 'name', 'true'], /token/)
  })

  test.for(['::', 'http://', 'ftp://x', 'localhost:port', 'http://x:99999', 'unix://relative', 'http://u:p@x', 'a b'])(
    'an address: %s',
    (address) => refuse([`--http-addr=${address}`, 'name', 'true'], /is not the address of a Consul agent/),
  )

  test('a certificate without its key', async () => {
    const { cert, key } = await makeCertificates()
    await refuse(['--client-cert', cert, 'name', 'true'], /a client certificate needs its key/)
    await refuse(['--client-key', key, 'name', 'true'], /a client certificate needs its key/)
  })

  test('a report file in a directory that is not there', () =>
    refuse(['--report-file', '/nowhere/report', 'name', 'true'], /report file.*\/nowhere\/report/))

  test('a report file that is a directory', () =>
    refuse(['--report-file', scratch(), 'name', 'true'], /report file.*directory/))

  test.for(['CONSUL_LOCKER_NO_WAIT', 'CONSUL_HTTP_SSL', 'CONSUL_HTTP_SSL_VERIFY'])(
    'a yes or no in %s that is neither',
    (variable) =>
      refuse(['name', 'true'], new RegExp(`${variable} is "maybe", which is neither`), { [variable]: 'maybe' }),
  )

  test('an option in the environment is named by its variable', () =>
    refuse(['name', 'true'], /CONSUL_LOCKER_WAIT "soon" is not a duration/, { CONSUL_LOCKER_WAIT: 'soon' }))

  test('of every command, below its options, too', async () => {
    const sentence = /CONSUL_LOCKER_TTL "soon" is not a duration/
    const verified = await runLocker([uniqueName('inside'), LOCKER, 'verify'], {
      env: { CONSUL_LOCKER_REMAINING: 'soon' },
    })
    expectSentence(verified, 2, /CONSUL_LOCKER_REMAINING "soon" is not a duration/)
    await refuse(['hold', 'name'], sentence, { CONSUL_LOCKER_TTL: 'soon' })
    await refuse(['explain', 'name', 'true'], sentence, { CONSUL_LOCKER_TTL: 'soon' })
    await refuse(['name', 'true'], /CONSUL_HTTP_ADDR "foo:bar" is not the address/, { CONSUL_HTTP_ADDR: 'foo:bar' })
  })
})

describe('a command', () => {
  test('that is not there', async () => {
    const { address, requests } = await startProxy()
    expectSentence(await runLocker(['name', 'no-such-command'], { address }), 127, /"no-such-command" was not found/)
    expect(requests).toEqual([])
  })

  test.for(['./no/such/file', ''])('%j is not there, and the sentence has a hint', async (word) => {
    const { address, requests } = await startProxy()
    expectSentence(await runLocker(['name', word], { address }), 127, /was not found/)
    expect(requests).toEqual([])
  })

  test('that may not be executed', async () => {
    const { address, requests } = await startProxy()
    const file = join(scratch(), 'plain')
    writeFileSync(file, 'true\n', { mode: 0o644 })
    for (const word of [file, scratch()]) {
      expectSentence(await runLocker(['name', word], { address }), 126, /can't be executed/)
    }
    expect(requests).toEqual([])
  })
})

describe('what answers is not Consul:', () => {
  const http = (status: string, type: string, body: string) =>
    `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  const page = `<!DOCTYPE html>\n<html><body>${'<p>It works!</p>\n'.repeat(50)}</body></html>`

  test.for([
    ['a web page', http('200 OK', 'text/html', page)],
    ['a web page for what is not found', http('404 Not Found', 'text/html', page)],
    ['a web page that asks to go elsewhere', http('302 Found', 'text/html', page)],
    ['truncated JSON', http('200 OK', 'application/json', '{"ID":"8f3b')],
    ['other JSON', http('200 OK', 'application/json', '{"hello":"world"}')],
    ['JSON of another kind', http('200 OK', 'application/json', 'null')],
    ['the banner of SSH', 'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n'],
    ['10 MB of zeros', '\0'.repeat(10 << 20)],
    ['10 MB of HTTP', http('200 OK', 'text/plain', 'noise '.repeat((10 << 20) / 6))],
    ['endless headers', `HTTP/1.1 200 OK\r\n${'X-Noise: noise\r\n'.repeat(100_000)}`],
  ] as const)('%s', async ([, answer]) => {
    const address = await serveTcp((socket) => socket.once('data', () => socket.end(answer)))
    const ended = await runLocker(['name', 'echo', 'ran'], { address })
    expectSentence(ended, 4, /is not Consul.*\(.*CONSUL_HTTP_ADDR.*\)/)
  })

  test('a web page that is elsewhere is told with its address, without what does not belong there', async () => {
    const location = 'https://me:s3cret@login.example/?\x9b31mto=consul'
    const answer = `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`
    const address = await serveTcp((socket) => socket.once('data', () => socket.end(answer, 'latin1')))
    const ended = await runLocker(['name', 'echo', 'ran'], { address })
    expectSentence(ended, 4, /gives 302 and leads to https:\/\/\*\*\*@login\.example\/\?31mto=consul \(/)
  })
})

describe('--help', () => {
  test('fits 80 columns, names every option, and tells the exit codes', async () => {
    const { code, stdout, stderr } = await runLocker(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
    const named = (option: string) => new RegExp(`(^|\\s)--?${option}[\\s[]`, 'm').test(stdout)
    expect(Object.keys(RUN_SYNTAX.options).filter((option) => !named(option))).toEqual([])
    expect(stdout).toMatch(/Exit codes:/)
    expect(stdout).toContain(`${variableOf('no-wait')}=true`)
  })

  test('is the same whatever stands behind it, and needs no Consul', async () => {
    const { stdout } = await runLocker(['--help'])
    expect((await runLocker(['--help', 'name'], { address: 'nowhere:1' })).stdout).toBe(stdout)
    expect((await runLocker(['run', '--help'])).stdout).toBe(stdout)
  })
})

test('a report file may be a link (as /dev/stderr is one), and stays one', async () => {
  const dir = scratch()
  writeFileSync(join(dir, 'file'), '')
  symlinkSync('file', join(dir, 'link'))
  const words = ['--report-file', join(dir, 'link'), uniqueName('link'), 'true']
  expect(await runLocker(words)).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(readFileSync(join(dir, 'file'), 'utf8'))).toMatchObject({ outcome: 'ran', childExit: 0 })
  expect(lstatSync(join(dir, 'link')).isSymbolicLink()).toBe(true)
})

const TOO_MANY = /^consul-locker: error: .*: too many open files \(raise the limit: ulimit -n\)\n$/

test.each<[string, RegExp, ...string[]]>([
  ['for a run', TOO_MANY],
  ['for one whose output takes a way through us', /^consul-locker: error: .*\n$/, '--timestamps'],
])(
  'too few file descriptors %s are told in one sentence, before the command starts and without a second try',
  async (_, sentence, ...options) => {
    const runs = [22, 24, 26, 28, 30].map(async (limit) => {
      const through = ['sh', '-c', `ulimit -n ${limit}; exec "$0" "$@"`]
      const { code, stdout, stderr } = await runLocker([...options, uniqueName('few'), 'echo', 'runs'], { through })
      if (code === 0) expect([stdout, stderr]).toEqual([expect.stringMatching(/runs\n$/), ''])
      else expect([code, stdout]).toEqual([2, ''])
      return stderr
    })
    const sentences = (await Promise.all(runs)).filter((stderr) => stderr !== '')
    for (const stderr of sentences) {
      expect(stderr).toMatch(sentence)
    }
    expect(sentences).not.toEqual([])
  },
)

test('--version tells version, commit, Node and platform on one line', async () => {
  const ended = await runLocker(['--version'])
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  expect(ended.stdout).toMatch(
    /^consul-locker \d+\.\d+\.\d+ \(commit ([0-9a-f]{12}\+?|unknown), Node v\d+\.\d+\.\d+, linux-\w+\)\n$/,
  )
})
