import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { runLocker, startLocker } from '../kit/locker.ts'
import { processesWith } from '../kit/processes.ts'
import { uniqueName } from '../kit/unique.ts'

const filterOf = (pid: number | 'self') => readFileSync(`/proc/${pid}/coredump_filter`, 'latin1').trim()

test('a runner and its guardian keep their memory out of core files, and the command has cores of its own', async () => {
  const name = uniqueName('cores')
  const run = startLocker([name, 'sh', '-c', 'cat /proc/$$/coredump_filter; ulimit -c; echo ready; read -r _'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  await run.prints(/ready/)
  const { stdout } = await runLocker(['-c', 'ulimit -c'], { through: ['sh', '-c', 'ulimit -c; exit', 'sh'] })
  expect(run.stdout).toBe(`${filterOf('self')}\n${stdout}ready\n`)
  const guardians = processesWith(`consul-locker-${name}`).filter((pid) => pid !== run.pid)
  const ours = guardians.filter((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('consul-locker-guardian'),
  )
  expect(ours.length).toBeGreaterThan(0)
  expect([run.pid, ...ours].map(filterOf)).toEqual([run.pid, ...ours].map(() => '00000000'))
  const limits = ours.map(
    (pid) => /^Max core file size +(\w+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'latin1'))?.[1],
  )
  expect(limits).toEqual(ours.map(() => '0'))
  run.child.stdin?.end('\n')
  expect((await run.ends()).code).toBe(0)
})
