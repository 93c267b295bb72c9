import { execFileSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ConsulClient } from '../../../kit/consul-client.ts'
import { runLocker, startLocker } from '../../../kit/locker.ts'
import { scratch, uniqueName } from '../../../kit/unique.ts'

const PROJECT = join(import.meta.dirname, '../../../..')

/** A commit of 0.1.0, from before runs had a history. */
const OLD = 'f0e2839'

/** That program, run from its source: it has the dependencies that we have. */
function oldProgram() {
  const dir = scratch()
  execFileSync('sh', ['-c', `git -C '${PROJECT}' archive ${OLD} src | tar -x -C '${dir}'`])
  symlinkSync(join(PROJECT, 'node_modules'), join(dir, 'node_modules'))
  // Its guardian would have its executable give the lock back.
  return { locker: join(dir, 'src/main.ts'), through: [process.execPath], env: { CONSUL_LOCKER_NO_GUARDIAN: 'true' } }
}

test('the program of 0.1.0 and this one exclude each other, and stand in one line', async () => {
  const [name, old] = [uniqueName('old'), oldProgram()]
  const holder = startLocker([name, 'cat'], { ...old, stdio: ['pipe', 'pipe', 'pipe'] })
  await new ConsulClient().holder(`consul-locker-${name}`)
  expect((await runLocker(['--no-wait', name, 'true'])).code).toBe(1)
  const second = startLocker([name, 'sh', '-c', 'date +%s.%N; sleep 0.5'])
  await second.says(/held by/)
  const third = startLocker([name, 'sh', '-c', 'date +%s.%N; sleep 0.5'], old)
  await third.says(/2nd in line/)
  const fourth = startLocker([name, 'date', '+%s.%N'])
  await fourth.says(/3rd in line/)
  holder.child.stdin?.end()
  const ends = await Promise.all([holder, second, third, fourth].map((runner) => runner.ends()))
  expect(ends.map(({ code }) => code)).toEqual([0, 0, 0, 0])
  const starts = ends.slice(1).map(({ stdout }) => Number(stdout))
  expect(starts).toEqual(starts.toSorted((one, other) => one - other))
  expect(await new ConsulClient().remains(name)).toEqual([])
})
