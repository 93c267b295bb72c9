import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { GuardianProcess } from '../../../src/child/guardian-process.ts'
import { kill, processesWith } from '../../kit/processes.ts'

/** A guardian’s shell with this way to give a lock back, its processes, and what is heard of it. */
function guardian(release: readonly string[]) {
  const id = crypto.randomUUID()
  const heard: string[] = []
  const options = { graceMs: 100, marker: undefined, release, environment: { ...process.env, GUARDIAN_ID: id } }
  const one = new GuardianProcess(options, {
    ready: () => heard.push('ready'),
    failed: () => heard.push('failed'),
    ended: () => heard.push('ended'),
  })
  const processes = () => processesWith(id)
  onTestFinished(() => processes().forEach(kill))
  return { one, heard, processes }
}

/** What the descriptors of a process lead to. */
function targets(pid: number | 'self'): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`]
    } catch {
      return []
    }
  })
}

describe('a guardian’s shell', () => {
  test('is heard to begin, and to end when it is told so, in a session of its own', async () => {
    const { one, heard, processes } = guardian(['true'])
    await expect.poll(() => heard).toEqual(['ready'])
    const [pid] = processes()
    const [, , , , group, session] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ').map(Number)
    expect([group, session]).toEqual([pid, pid])
    one.write('dismiss')
    await expect.poll(() => heard).toEqual(['ready', 'ended'])
  })

  test.each([true, false])('has a descriptor of our executable if that is what it starts: %s', async (isOurs) => {
    const { one, heard, processes } = guardian([isOurs ? process.execPath : 'true'])
    await expect.poll(() => heard).toEqual(['ready'])
    const executable = readlinkSync('/proc/self/exe')
    expect(targets(processes()[0] ?? 'self').includes(`3 ${executable}`)).toBe(isOurs)
    expect(targets('self').filter((target) => target.endsWith(` ${executable}`))).toEqual([])
    one.write('dismiss')
    await expect.poll(processes).toEqual([])
  })

  test('that is killed may leave a timer, which is ended with it; and once more is no fault', async () => {
    const { one, heard, processes } = guardian(['true'])
    one.write('session abc')
    one.write('arm none 600000 0')
    await expect.poll(() => processes().length).toBeGreaterThan(1)
    const shell = processes().find((pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[4] === String(pid))
    kill(shell as number)
    await expect.poll(() => heard).toContain('ended')
    expect(processes()).not.toEqual([])
    one.silenceOrphans()
    await expect.poll(processes).toEqual([])
    expect(() => one.silenceOrphans()).not.toThrow()
  })
})
