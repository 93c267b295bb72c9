import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { initScript } from '../kit/init-script.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { carry } from '../kit/other-user.ts'
import { runs } from '../kit/processes.ts'
import { uniqueName } from '../kit/unique.ts'

/** Has a command in a world of mounts of its own, after these lines. */
const inWorld = (...lines: string[]) => ['unshare', '--mount', 'sh', '-ec', `${lines.join('\n')}\nexec "$@"`, 'sh']

const tmpfs = (folder: string, options = 'mode=1777') => `mount -t tmpfs -o ${options} none ${folder}`

const READ_ONLY_RUN = tmpfs('/run', 'ro')

describe('a stranger who carries all that can be learnt of a run', () => {
  test('neither holds its release up nor is signalled by its guardian', async () => {
    const name = uniqueName('carried')
    const holder = startLocker(['--kill-after', '1s', name, 'sh', '-c', 'echo begins; exec sleep 60'])
    await holder.prints(/begins/)
    const carrier = await carry(name)
    const waiter = startLocker([name, 'true'])
    await waiter.says(/waiting for/)
    holder.kill('SIGKILL')
    const { code, stderr } = await waiter.ends()
    expect([code, stderr.includes('was cut off')]).toEqual([0, false])
    expect([runs(carrier.pid), carrier.stdout]).toEqual([true, 'carries\n'])
  })
})

describe('a start that is under way', () => {
  test('keeps another one away until it is killed, though what it has started lives on', async () => {
    const { dir, script } = await initScript(`echo $$ >$(dirname $0)/pid; exec sleep 60`, 'step_timeout: 1s\n')
    const first = startLocker(['init', script, 'start'])
    const pid = Number(
      await patiently(
        () => existsSync(join(dir, 'pid')) && readFileSync(join(dir, 'pid'), 'utf8'),
        () => 'nothing started',
      ),
    )
    symlinkSync('web', join(dir, 'S01web'))
    expect(await runLocker(['init', join(dir, 'S01web'), 'start'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/another start or stop by .*S01web has not ended within 1s/),
    })
    // Who can't see all of our folders is kept away as well.
    const blind = await runLocker(['init', script, 'start'], { through: inWorld(READ_ONLY_RUN) })
    expect(blind).toMatchObject({ code: 1, stderr: expect.stringMatching(/another start or stop/) })
    first.kill('SIGKILL')
    await first.ends()
    expect(runs(pid)).toBe(true)
    writeFileSync(join(dir, 'web.sh'), `[ "$1" = start ] || [ -f ${dir}/runs ] || exit 3; touch ${dir}/runs\n`)
    expect(await runLocker(['init', script, 'start'])).toMatchObject({ code: 0 })
    process.kill(pid, 'SIGKILL')
  })
})
