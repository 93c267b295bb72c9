import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { runLocker, startLocker } from '../kit/locker.ts'
import { startProxy } from '../kit/proxy.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

const freshFile = () => join(scratch(), 'report.json')
const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'))
const anyUuid = expect.stringMatching(/^[0-9a-f-]{36}$/)

describe('the report file tells', () => {
  test('that the command ran, and how it ended', async () => {
    const [file, name] = [freshFile(), uniqueName('report')]
    await runLocker(['--report-file', file, name, 'sh', '-c', 'exit 6'])
    expect(read(file)).toEqual({
      name,
      key: `consul-locker-${name}`,
      command: ['sh'],
      runId: anyUuid,
      outcome: 'ran',
      childExit: 6,
      code: 6,
      fence: expect.any(Number),
      waitedMs: expect.any(Number),
      ranMs: expect.any(Number),
    })
    expect(readdirSync(join(file, '..'))).toEqual(['report.json'])
  })

  test('which signal killed the command', async () => {
    const file = freshFile()
    await runLocker(['--report-file', file, uniqueName('report'), 'sh', '-c', 'kill -KILL $$'])
    expect(read(file)).toMatchObject({ outcome: 'ran', childExit: 137, signal: 'SIGKILL' })
  })

  test('that the lock was busy', async () => {
    const [file, name] = [freshFile(), uniqueName('report')]
    startLocker([name, 'sleep', '60'])
    await new ConsulClient().holder(`consul-locker-${name}`)
    expect((await runLocker(['--no-wait', '--report-file', file, name, 'true'])).code).toBe(1)
    expect(read(file)).toMatchObject({ name, outcome: 'busy' })
    expect(read(file)).not.toHaveProperty('childExit')
  })

  test('that the lock was lost', async () => {
    const [file, name] = [freshFile(), uniqueName('report')]
    const consul = new ConsulClient()
    const runner = startLocker([name, 'sleep', '60'], { env: { CONSUL_LOCKER_REPORT_FILE: file } })
    await consul.destroySession(await consul.holder(`consul-locker-${name}`))
    expect((await runner.ends()).code).toBe(6)
    expect(read(file)).toMatchObject({
      outcome: 'lost',
      loss: expect.stringMatching(/^(session-gone|key-released)$/),
      fence: expect.any(Number),
    })
  })

  test('that the wait was interrupted', async () => {
    const [file, name] = [freshFile(), uniqueName('report')]
    startLocker([name, 'sleep', '60'])
    await new ConsulClient().holder(`consul-locker-${name}`)
    const waiter = startLocker(['--report-file', file, name, 'true'])
    await waiter.says(/waiting for/)
    waiter.kill('SIGTERM')
    expect((await waiter.ends()).code).toBe(143)
    expect(read(file)).toMatchObject({ outcome: 'interrupted', signal: 'SIGTERM' })
  })

  test('what failed', async () => {
    const file = freshFile()
    const args = ['--no-wait', '--report-file', file, uniqueName('report'), 'true']
    expect((await runLocker(args, { address: 'http://127.0.0.1:1' })).code).toBe(3)
    expect(read(file)).toMatchObject({ outcome: 'unreachable', message: expect.stringContaining("can't be reached") })
  })
})

describe('a report file that can’t be written', () => {
  test('is refused before any traffic', async () => {
    const proxy = await startProxy()
    const file = join(scratch(), 'no', 'such', 'folder')
    const ended = await runLocker(['--report-file', file, uniqueName('report'), 'true'], { address: proxy.address })
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toContain(file)
    expect(proxy.requests).toEqual([])
  })

  test('at the end costs a warning; the command’s code passes', async () => {
    const dir = scratch()
    const file = join(dir, 'report.json')
    const script = `rm -rf '${dir}'; exit 5`
    const ended = await runLocker(['--report-file', file, uniqueName('report'), 'sh', '-c', script])
    expect(ended).toMatchObject({ code: 5 })
    expect(ended.stderr).toMatch(/warn: the report could not be written/)
    expect(existsSync(file)).toBe(false)
  })
})
