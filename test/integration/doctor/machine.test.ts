import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { asOrdinaryUser } from '../../../scripts/provide/ordinary-user.ts'
import { diagnose } from '../../kit/doctor.ts'
import { LACKING, SUFFICIENT } from '../../kit/guardian-matrix.ts'
import { runLocker } from '../../kit/locker.ts'
import { makesRoots, type RootPlan, SmallRoot } from '../../kit/small-root.ts'
import { scratch, uniqueName } from '../../kit/unique.ts'

const agent = () => inject('consulAddress')
const shell = (script: string) => ['sh', '-c', `${script}; exec "$@"`, 'sh']

describe.concurrent('doctor, of this machine', () => {
  test('names a limit of open files that a run can just live with, and one that it can’t', async () => {
    const low = await diagnose(agent(), ['backup'], { through: shell('ulimit -n 40') })
    expect([low.exit, low.found]).toEqual([0, ['CL504 warning']])
    const lower = await diagnose(agent(), [], { through: shell('ulimit -n 31') })
    expect([lower.exit, lower.found]).toEqual([1, ['CL504 failure']])
  })

  test('names a library that is put before others', async () => {
    const { found } = await diagnose(agent(), [], { env: { LD_LIBRARY_PATH: scratch() } })
    expect(found).toEqual(['CL502 warning'])
  })

  test('names options that stand in the environment, and what cron would not have', async () => {
    const { found, said } = await diagnose(agent(), [], { env: { CONSUL_LOCKER_NO_WAIT: 'true', NODE_OPTIONS: '-x' } })
    expect(found).toEqual(['CL503 warning', 'CL508 warning'])
    expect(said('CL503')).toContain('in effect: CONSUL_LOCKER_NO_WAIT; not heeded: NODE_OPTIONS')
    const { stdout } = await runLocker(['doctor'])
    expect(stdout).toMatch(/CL508 cron sets no CONSUL_HTTP_ADDR/)
  })

  test('speaks ASCII where the language does not say UTF-8, and marks otherwise', async () => {
    const [plain, rich] = [
      await runLocker(['doctor', 'backup'], { env: { LANG: 'C' } }),
      await runLocker(['doctor', 'backup'], { env: { LANG: 'de_DE.UTF-8' } }),
    ]
    expect(plain.stdout).toMatch(/^\+ CL101 /m)
    expect(plain.stdout).toMatch(/^[ -~\n]*$/)
    expect(rich.stdout).toMatch(/^✓ CL101 /m)
    expect(rich.stdout).toMatch(/^ {8}→ /m)
    expect(Math.max(...rich.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  test('works as cron starts it, and without a Consul', async () => {
    const through = ['env', '-i', 'HOME=/', 'LOGNAME=root', 'PATH=/usr/bin:/bin']
    const ended = await runLocker(['doctor', '--http-addr', '127.0.0.1:1'], { through })
    expect(ended).toMatchObject({ code: 1, stderr: '' })
    expect(ended.stdout).toMatch(/^x CL102 nothing can be reached/m)
    expect(ended.stdout).toMatch(/^\+ CL508 /m)
  })

  test('ends with one sentence for a word too many', async () => {
    const ended = await runLocker(['doctor', 'backup', 'now'])
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('consul-locker doctor [NAME]') })
  })

  test('is quiet about a reader that has seen enough', async () => {
    const ended = await runLocker(['doctor'], { through: ['sh', '-c', '"$@" | head -1 >/dev/null', 'sh'] })
    expect(ended.stderr).toBe('')
  })

  test.runIf(makesRoots)('works as another user, whose token file it may not read', async () => {
    const { words } = await asOrdinaryUser()
    expect(await diagnose(agent(), ['backup'], { through: words })).toMatchObject({ exit: 0, found: [] })
    const file = join(scratch(), 'token')
    writeFileSync(file, 'secret', { mode: 0o600 })
    const { exit, found, said } = await diagnose(agent(), ['--token-file', file], { through: words })
    expect([exit, found]).toEqual([1, ['CL101 failure']])
    expect(said('CL101')).toMatch(/token file .* can't be read: permission denied/)
  })

  test.runIf(makesRoots)('names a root without sed, and a shell that is none', async () => {
    const [plan] = LACKING['without sed'] as readonly [RootPlan, string]
    const { through } = await SmallRoot.build(plan)
    const { exit, found, said } = await diagnose(agent(), [uniqueName('x')], { through })
    expect([exit, found]).toEqual([1, ['CL501 failure']])
    expect(said('CL501')).toContain('needs sed')
    const broken = await SmallRoot.build({ programs: ['sed', 'grep', 'sleep'], proc: 'whole', brokenShell: true })
    expect((await diagnose(agent(), [], { through: broken.through })).found).toEqual(['CL501 failure'])
  })

  test.runIf(makesRoots)('finds nothing in a root that has a busybox and nothing else', async () => {
    const { through } = await SmallRoot.build(SUFFICIENT['with a busybox and nothing else'] as RootPlan)
    expect(await diagnose(agent(), ['backup'], { through })).toMatchObject({ exit: 0, found: [] })
  })

  test.runIf(makesRoots)('names that we are process 1', async () => {
    const through = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']
    const { lines } = await diagnose(agent(), [], { through })
    expect(lines.find(({ code }) => code === 'CL507')).toMatchObject({ result: 'warning' })
  })
})
