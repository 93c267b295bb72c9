import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { initScript } from '../kit/init-script.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'

/** Writes without end, and counts the lines that it got rid of. */
const CHATTERS = `i=0; while echo line; do i=$((i + 1)); [ $((i % 10000)) -ne 0 ] || echo $i >"$DIR/count"; done
  echo hurt >"$DIR/count"`

/** The processes that have a file open of which this is a name. */
function processesAt(name: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === name)
    } catch {
      return false
    }
  })
}

test('a daemon that writes without end keeps no start from its end, fills no disk, and isn’t hurt', async () => {
  const start = `setsid sh -c "$CHATTERS" & echo $! >"$DIR/pid"; touch "$DIR/runs"`
  const { dir, script } = await initScript(start)
  // As on a machine whose disk has become read-only, which is why services are moved away from it.
  const env = { DIR: dir, CHATTERS, TMPDIR: '/proc' }
  expect(await runLocker(['init', script, 'start'], { env })).toMatchObject({
    code: 0,
    stdout: 'service.web: starting...SUCCESS\n',
  })
  const pid = Number(readFileSync(join(dir, 'pid'), 'utf8'))
  onTestFinished(() => {
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has ended in the test.
    }
  })
  const count = () => (existsSync(join(dir, 'count')) ? readFileSync(join(dir, 'count'), 'utf8').trim() : '')
  const before = Number(count())
  await patiently(
    () => Number(count()) >= before + 100_000 || count() === 'hurt',
    () => `the daemon is stuck at line ${count()}`,
  )
  expect(count()).not.toBe('hurt')
  const output = readlinkSync(`/proc/${pid}/fd/1`)
  expect(processesAt(output).length).toBeGreaterThan(1)
  process.kill(-pid, 'SIGKILL')
  await patiently(
    () => processesAt(output).length === 0,
    () => 'somebody still reads what nobody writes',
  )
})

test('a start goes on when its init is killed, though nobody listens to it any more', async () => {
  const start = `touch "$DIR/begun"; until [ -e "$DIR/killed" ]; do echo on its way; sleep 0.01; done
    head -c 500000 /dev/zero; echo done && touch "$DIR/done"`
  const { dir, script } = await initScript(start)
  const init = startLocker(['init', script, 'start'], { env: { DIR: dir } })
  await patiently(
    () => existsSync(join(dir, 'begun')),
    () => 'nothing has begun',
  )
  init.kill('SIGKILL')
  await init.ends()
  writeFileSync(join(dir, 'killed'), '')
  await patiently(
    () => existsSync(join(dir, 'done')),
    () => 'it is not done',
  )
})

test('a service command may open its standard streams by their names', async () => {
  const { script } = await initScript('set -e; echo one >/dev/stdout; echo two >/dev/stderr; exit 5')
  expect(await runLocker(['init', script, 'start'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/its start command failed with 5: one two\n$/),
  })
})
