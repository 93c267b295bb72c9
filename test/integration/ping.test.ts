import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { Healthchecks } from '../kit/healthchecks.ts'
import { LOCKER, runLocker, startLocker } from '../kit/locker.ts'
import { endsInSpite, sh } from '../kit/pings.ts'
import { makeCertificates } from '../kit/secure-agent.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

describe('--ping', () => {
  test('tells the start and the success of a run, by the id that the command knows, too', async () => {
    const check = await Healthchecks.start()
    const ended = await runLocker(['--ping', check.url, uniqueName('ping'), ...sh('echo "$CONSUL_LOCKER_RUN_ID"')])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    const rid = ended.stdout.trim()
    expect(check.pings).toMatchObject([
      { action: 'start', rid },
      { action: 'success', exitStatus: 0, rid },
    ])
  })

  test.each([
    ['exit 3', 3],
    ['kill -KILL $$', 137],
    ['exit 255', 255],
  ])('tells the exit code of %s', async (line, code) => {
    const check = await Healthchecks.start()
    expect((await runLocker(['--ping', check.url, uniqueName('ping'), ...sh(line)])).code).toBe(code)
    expect(check.pings.at(-1)).toMatchObject({ action: 'fail', exitStatus: code })
  })

  test('sends the last of the output along, of both streams, which go on as they would', async () => {
    const check = await Healthchecks.start()
    const line = 'echo first; echo second >&2; printf third; exit 3'
    const ended = await runLocker(['--ping', check.url, uniqueName('ping'), ...sh(line)])
    expect(ended).toMatchObject({ code: 3, stdout: 'first\nthird', stderr: 'second\n' })
    const { body = '' } = check.pings.at(-1) ?? {}
    for (const word of ['first\n', 'second\n', 'third']) expect(body).toContain(word)
  })

  test.each([
    [10_000, 'whole characters of at most 10,000 bytes', 9996],
    [100, 'what the server takes', 96],
  ])('of a long output it sends the end: with a limit of %d, %s', async (bodyLimit, _, least) => {
    const check = await Healthchecks.start({ bodyLimit })
    // 400 kB, of characters with two, three and four bytes.
    const line = `seq -f 'ä€😀%.0f' 40000 | tr -d '\\n'`
    const run = startLocker(['--ping', check.url, uniqueName('ping'), ...sh(`read go; ${line}`)], { stdio: 'pipe' })
    await check.has(1)
    run.child.stdin?.end('go\n')
    const { stdout } = await run.ends()
    const { body = '' } = check.pings.at(-1) ?? {}
    expect(stdout.endsWith(body)).toBe(true)
    expect(Buffer.byteLength(body)).toBeGreaterThanOrEqual(least)
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(bodyLimit)
  })

  test('output that is no text arrives as text', async () => {
    const check = await Healthchecks.start()
    await runLocker(['--ping', check.url, uniqueName('ping'), ...sh(String.raw`printf 'a\0\377\300b'`)])
    expect(check.pings.at(-1)?.body).toMatch(/^a\0\ufffd+b$/)
  })

  test('a daemon that goes on writing doesn’t hold the ping up', async () => {
    const check = await Healthchecks.start()
    const runner = startLocker(['--ping', check.url, uniqueName('ping'), ...sh('echo said; sleep 300 & echo $!')])
    const [, pid] = await runner.prints(/^(\d+)$/m)
    await check.has(2)
    process.kill(Number(pid), 'SIGKILL')
    expect((await runner.ends()).code).toBe(0)
    expect(check.pings.at(-1)?.body).toContain('said')
  })

  test('tells that a command which has the lock can’t be started', async () => {
    const check = await Healthchecks.start()
    const script = join(scratch(), 'script')
    writeFileSync(script, '#!/no/such/interpreter\n', { mode: 0o755 })
    expect((await runLocker(['--ping', check.url, uniqueName('ping'), script])).code).toBe(127)
    expect(check.pings.at(-1)).toMatchObject({ exitStatus: 127, body: expect.stringContaining("can't be started") })
  })

  test('tells that the lock was lost, and why', async () => {
    const [check, name, consul] = [await Healthchecks.start(), uniqueName('ping'), new ConsulClient()]
    const runner = startLocker(['--ping', check.url, name, 'sleep', '60'])
    await consul.destroySession(await consul.holder(`consul-locker-${name}`))
    expect((await runner.ends()).code).toBe(6)
    expect(check.pings.at(-1)).toMatchObject({ exitStatus: 6, body: expect.stringMatching(/the lock was lost: .+/) })
  })

  test('says nothing of a run whose turn it never is: who has the lock pings', async () => {
    const [check, name] = [await Healthchecks.start(), uniqueName('ping')]
    startLocker([name, 'sleep', '60'])
    await new ConsulClient().holder(`consul-locker-${name}`)
    expect((await runLocker(['--ping', check.url, '--no-wait', name, 'true'])).code).toBe(1)
    expect(
      (await runLocker(['--ping', check.url, '--gate', 'file:/nowhere', '-n', uniqueName('p'), 'true'])).code,
    ).toBe(1)
    const waiter = startLocker(['--ping', check.url, name, 'true'])
    await waiter.says(/waiting for/)
    waiter.kill('SIGTERM')
    expect((await waiter.ends()).code).toBe(143)
    expect((await runLocker(['--ping', check.url, '-n', name, 'true'], { address: '127.0.0.1:1' })).code).toBe(3)
    expect(check.tries).toBe(0)
  })

  test('is tried again until it arrives', async () => {
    const check = await Healthchecks.start({
      instead: (_, response, tries) => {
        if (tries % 3 === 0) return false
        if (tries % 3 === 1) response.writeHead(503).end()
        else response.destroy()
        return true
      },
    })
    const run = startLocker(['--ping', check.url, uniqueName('ping'), ...sh('read go')], { stdio: 'pipe' })
    await check.has(1)
    run.child.stdin?.end('go\n')
    expect((await run.ends()).code).toBe(0)
    expect(check.pings.map(({ action }) => action)).toEqual(['start', 'success'])
    expect(check.tries).toBe(6)
  })

  test('a start that is still tried doesn’t arrive behind the end', async () => {
    const check = await Healthchecks.start({
      instead: (request, response) => {
        const isStart = request.url?.includes('/start') ?? false
        if (isStart) response.writeHead(500).end()
        return isStart
      },
    })
    const ended = await runLocker(['--ping', check.url, uniqueName('ping'), 'true'])
    expect(ended.code).toBe(0)
    expect(check.pings.map(({ action }) => action)).toEqual(['success'])
  })

  test('goes over TLS to whom the machine trusts, and to nobody else', async () => {
    const { dir } = await makeCertificates()
    onTestFinished(() => rmSync(dir, { recursive: true }))
    const pem = (ending: string) => readFileSync(join(dir, `dc1-server-consul-0${ending}.pem`), 'utf8')
    const check = await Healthchecks.start({ secure: { key: pem('-key'), cert: pem('') } })
    const trusting = { SSL_CERT_FILE: join(dir, 'consul-agent-ca.pem') }
    const bare = { ...trusting, SSL_CERT_DIR: '/nowhere' }
    const run = (env: NodeJS.ProcessEnv) =>
      runLocker(['--ping', check.url, uniqueName('ping'), ...sh('exit 4')], { env })
    for (const env of [trusting, bare]) expect(await run(env)).toMatchObject({ code: 4, stderr: '' })
    expect(check.pings.at(-1)).toMatchObject({ exitStatus: 4 })
    await endsInSpite(check, /start doesn't reach https:\/\/localhost:\d+: .*not trusted here/)
    expect(check.pings).toHaveLength(4)
  })

  test.each<[how: string, answer: string, complaint: RegExp]>([
    [
      'redirects',
      'HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n',
      /301, and redirects/,
    ],
    ['knows no such check', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', /it answers 404/],
    [
      'says so in words',
      'HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nOK (not found)',
      /it answers "OK \(not found\)"/,
    ],
  ])('a server that %s costs two warnings, without the URL’s secret', async (_, answer, complaint) => {
    const check = await Healthchecks.start({
      instead: (request) => {
        request.socket.end(answer)
        return true
      },
    })
    const words = ['--ping', check.url.replace('//', '//user:password@'), uniqueName('ping'), ...sh('exit 5')]
    const { code, stderr } = await runLocker(words, { env: { DEBUG: 'true' } })
    expect(code).toBe(5)
    expect(stderr.match(/warn: the ping of the run's (start|end) doesn't reach http:\/\/127[\d.:]+: it/g)).toHaveLength(
      2,
    )
    expect(stderr).toMatch(complaint)
    expect(stderr).not.toContain(check.uuid)
    expect(stderr).not.toContain('password')
    expect(check.tries).toBe(2)
  })

  test('an answer without end is cut off', async () => {
    const check = await Healthchecks.start({
      instead: (_, response) => {
        response.writeHead(200)
        const more = () => {
          while (!response.destroyed && response.write('x'.repeat(65_536)));
          response.once('drain', more)
        }
        more()
        return true
      },
    })
    expect(await runLocker(['--ping', check.url, uniqueName('ping'), 'true'])).toMatchObject({ code: 0, stderr: '' })
  })

  test('the lock is given back before the ping of the end', async () => {
    const check = await Healthchecks.start({ instead: (request) => !request.url?.includes('/start') })
    const name = uniqueName('ping')
    const runner = startLocker(['--ping', check.url, name, 'true'])
    await check.has(1)
    expect((await runLocker([name, 'true'])).code).toBe(0)
    runner.kill('SIGTERM')
    expect((await runner.ends()).code).toBe(0)
  })

  test('from the environment is for this run, and not for one inside of it', async () => {
    const check = await Healthchecks.start()
    const inner = `${LOCKER} ${uniqueName('inner')} true; env | grep -c CONSUL_LOCKER_PING`
    const env = { CONSUL_LOCKER_PING: check.url }
    const ended = await runLocker([uniqueName('ping'), ...sh(inner)], { env })
    expect(ended).toMatchObject({ stdout: '0\n', stderr: '' })
    expect(check.pings.map(({ action }) => action)).toEqual(['start', 'fail'])
  })

  test.each(['hc-ping.com/secret', 'ftp://x/secret', 'https://', '/secret'])('refuses %s', async (url) => {
    const ended = await runLocker(['--ping', url, uniqueName('ping'), 'true'])
    expect(ended).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--ping is given no URL of a web server ('),
    })
    expect(ended.stderr).not.toContain('secret')
  })
})
