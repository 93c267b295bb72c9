import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { isMissing, listening, ran, register, turns, wait } from '../kit/gate-waits.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { processesWith } from '../kit/processes.ts'
import { makeCertificates } from '../kit/secure-agent.ts'
import { client, put } from '../kit/shared-consul.ts'
import { Terminal } from '../kit/terminal.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

describe('a gate turned round is waited for', () => {
  test('until a port is free, a socket gone, a key deleted, and a service out of health', async () => {
    const [service, key] = [uniqueName('db'), uniqueName('stop')]
    const path = join(scratch(), 'db.sock')
    const server = createServer()
    const port = await listening(server)
    const local = createServer()
    await new Promise<void>((resolve) => local.listen(path, resolve))
    onTestFinished(() => void local.close())
    await put(key, '1')
    await register(service, 'passing')
    expect(await runLocker(['wait', '--once', `unix:${path}`, `tcp:127.0.0.1:${port}`])).toMatchObject({ code: 0 })
    const gates = [`!tcp:127.0.0.1:${port}`, `!unix:${path}`, `!kv:${key}`, `!service:${service}`]
    for (const gate of gates) expect(await runLocker(['wait', '--once', gate])).toMatchObject({ code: 1 })
    const waiter = wait(...gates)
    await isMissing(waiter, /it takes connections/)
    server.close()
    local.close()
    await client.deleteKey(key)
    expect(waiter.hasEnded).toBe(false)
    await turns(service, 'critical')
    expect(await waiter.ends()).toMatchObject(ran)
  })
})

describe('a service is waited for', () => {
  test('in another datacenter, which may not be there yet', async () => {
    const waiter = startLocker(['wait', '--timeout', '1s', 'service:consul@elsewhere'])
    expect(await waiter.ends()).toMatchObject({ code: 1, stderr: expect.stringContaining('No path to datacenter') })
    expect(await runLocker(['wait', '--once', 'service:consul@dc1'])).toMatchObject({ code: 0 })
  })
})

describe('elsewhere', () => {
  test('a URL that hangs is shut, and so is one that speaks no HTTP', async () => {
    const silent = await listening(createServer(() => {}))
    const noise = await listening(createServer((socket) => socket.end('220 mail.example.com ready\r\n')))
    const gates = [silent, noise].map((port) => `http://127.0.0.1:${port}/`)
    const { code, stderr } = await runLocker(['wait', '--once', ...gates])
    expect(code).toBe(1)
    expect(stderr).toMatch(/\(no answer within 5s\), .*\(it speaks no HTTP\)/)
  })

  test('a URL with TLS is open when its certificate is trusted, and why it is not is told', async () => {
    const { dir, ca } = await makeCertificates()
    onTestFinished(() => rmSync(dir, { recursive: true }))
    const serving = async (name: string) => {
      const pem = (suffix: string) => readFileSync(join(dir, `${name}${suffix}.pem`))
      const server = createHttpsServer({ cert: pem(''), key: pem('-key') }, (_, response) => void response.end('well'))
      return `https://127.0.0.1:${await listening(server)}/`
    }
    const [signed, byItself] = [await serving('dc1-server-consul-0'), await serving('consul-agent-ca')]
    const plain = await listening(createHttpServer((_, response) => void response.end()))
    const gates = [signed, byItself, `https://127.0.0.1:${plain}/`]
    const { code, stderr } = await runLocker(['wait', '--once', ...gates])
    expect(code).toBe(1)
    expect(stderr).toContain(`${signed} (its certificate's authority is not trusted here)`)
    expect(stderr).toContain(`${byItself} (its certificate is signed by itself, and not trusted here)`)
    expect(stderr).toContain(`:${plain}/ (it speaks no TLS)`)
    const trusting = await runLocker(['wait', '--once', signed], { env: { SSL_CERT_FILE: ca } })
    expect(trusting).toMatchObject({ code: 0, stderr: '' })
  })
})

test('--interval is how long a gate is not looked at, and Consul still tells at once', async () => {
  const dir = scratch()
  const key = uniqueName('key')
  const lazy = startLocker(['wait', '--interval', '1h', '--timeout', '3s', 'file:made', `kv:${key}`], { cwd: dir })
  await isMissing(lazy, /file:made \(it is not there\), kv/)
  writeFileSync(join(dir, 'made'), '')
  await put(key, '1')
  const gaveUp = 'gave up after 3s: file:made (it is not there)\n'
  expect(await lazy.ends()).toMatchObject({ code: 1, stderr: expect.stringContaining(gaveUp) })
})

describe('the command behind the gates', () => {
  const openThree = ['sh', '-c', 'exec "$@" 3>&1', 'sh']
  test.for([
    ['that is to have another descriptor', 'echo ready >&3', { through: openThree }],
    ['that is to survive a hang-up', 'echo ready', { env: { _: '/usr/bin/nohup' } }],
  ] as const)('%s runs below us, and is killed with us, however that comes about', async ([, hello, how]) => {
    const marker = uniqueName('marker')
    const words = ['wait', 'file:/', '--', 'sh', '-c', `echo $$; ${hello}; sleep 60; echo survived`]
    const waiter = startLocker(words, { ...how, env: { ...('env' in how && how.env), MARKER: marker } })
    await waiter.prints(/ready/)
    expect(waiter.stdout).not.toContain(`${waiter.pid}\n`)
    waiter.kill('SIGKILL')
    await waiter.ends()
    await patiently(
      () => processesWith(marker).length === 0,
      () => `left behind: ${processesWith(marker)}`,
    )
  })
})

test.for([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s ends a wait with %i: no command, and no gate’s command is left', async ([signal, code]) => {
  const marker = uniqueName('marker')
  const dir = scratch()
  const script = `echo x >>began; exec sleep 60`
  const waiter = startLocker(['wait', `cmd:${script}`, 'kv:none/y', '--', 'touch', 'ran'], {
    cwd: dir,
    env: { MARKER: marker },
  })
  await patiently(
    () => existsSync(join(dir, 'began')),
    () => `the gate's command did not start: ${waiter.stderr}`,
  )
  waiter.kill(signal)
  expect(await waiter.ends()).toMatchObject({ code })
  expect(processesWith(marker)).toEqual([])
  expect(existsSync(join(dir, 'ran'))).toBe(false)
})

describe('on a terminal of 80 columns', () => {
  test('one line says what is missing, is rewritten, and vanishes', async () => {
    const terminal = await Terminal.open()
    const names = ['one', 'two', 'three', 'four'].map((name) => uniqueName(name))
    await terminal.enter(`$L wait ${names.map((name) => `kv:${name}`).join(' ')} -- echo ran`)
    await terminal.shows(/waiting [0-9ms]+ for 4 of 4: kv:one-.*\.\.\./)
    await terminal.shows(/waiting [2-9]s for 4 of 4: kv:one-.*\.\.\./)
    await put(names[0] as string, '1')
    const [line] = await terminal.shows(/waiting [0-9ms]+ for 3 of 4: kv:two-.*\.\.\./)
    expect(line.length).toBeLessThanOrEqual(79)
    expect((await terminal.screen()).match(/waiting/g)).toHaveLength(1)
    for (const name of names) await put(name, '1')
    await terminal.prompts(0)
    expect(await terminal.screen()).toMatch(/^ran$/m)
    expect(await terminal.screen()).not.toContain('waiting')
  })

  test('in the background it says so in a line of its own, and writes over nobody', async () => {
    const terminal = await Terminal.open()
    await terminal.enter('$L wait file:none & $L wait file:other & wait')
    for (const name of ['none', 'other']) await terminal.shows(new RegExp(`consul-locker: waiting for file:${name} .*`))
    await terminal.press('C-c')
    await terminal.prompts(130)
    await terminal.enter('touch none other; wait')
    await terminal.prompts(0)
    expect(await terminal.screen()).not.toMatch(/waiting [0-9ms]+ for/)
  })

  test('Ctrl-C ends the wait: 130, and the line vanishes', async () => {
    const terminal = await Terminal.open()
    await terminal.enter('$L wait file:/none -- echo ran')
    await terminal.shows(/waiting .*file:\/none \(it is not there\)/)
    await terminal.press('C-c')
    await terminal.prompts(130)
    expect(await terminal.screen()).not.toMatch(/^ran|not there/m)
  })

  test('the command is the foreground job there', async () => {
    const terminal = await Terminal.open()
    await terminal.enter(`$L wait file:/ -- sh -c 'echo $$ >pid; exec sleep 60'`)
    await patiently(
      () => existsSync(join(terminal.dir, 'pid')) && readFileSync(join(terminal.dir, 'pid'), 'utf8') !== '',
      () => 'the command did not start',
    )
    await terminal.press('C-c')
    await terminal.prompts(130)
  })
})
