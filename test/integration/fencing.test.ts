import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { LOCKER, runLocker, startLocker } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'

const key = (name: string) => `consul-locker-${name}`

/** Runs one of our own commands inside a run that goes on, between its operator's doings. */
const INSIDE = `while read -r line; do eval "$line"; echo "exit $?"; done`

function startInside(name: string) {
  const runner = startLocker([name, 'sh', '-c', INSIDE], { env: { L: LOCKER }, stdio: ['pipe', 'pipe', 'pipe'] })
  return {
    runner,
    async does(line: string, ends: RegExp) {
      runner.child.stdin?.write(`${line}\n`)
      await runner.prints(ends)
    },
  }
}

describe('fenced put', () => {
  test('writes while the lock is ours, and not after it was lost', async () => {
    const name = uniqueName('fenced')
    const consul = new ConsulClient()
    const stale = await runLocker([name, 'sh', '-c', 'echo $CONSUL_LOCKER_SESSION'])
    const { runner, does } = startInside(name)
    await does(`$L fenced put ${name}/fresh "two words"`, /exit 0\n/)
    expect(await consul.value(`${name}/fresh`)).toBe('two words')
    await does(`CONSUL_LOCKER_SESSION=${stale.stdout.trim()} $L fenced put ${name}/stale no`, /exit 6\n/)
    expect(await consul.entry(`${name}/stale`)).toBeUndefined()
    runner.child.stdin?.end()
    expect((await runner.ends()).stderr).toContain('is no longer ours')
  })

  test.each([
    [['fenced', 'put', 'a', 'b'], /only inside a run/],
    [['fenced', 'put', 'a'], /what is to be written/],
    [['fenced', 'take', 'a', 'b'], /what is to be written/],
    [['verify'], /only inside a run/],
  ])('%j outside of a run is a mistake', async (words, complaint) => {
    expect(await runLocker(words)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(complaint) })
  })
})

describe('verify', () => {
  test('is answered by the runner, for how long the lock is surely ours', async () => {
    const name = uniqueName('verify')
    const { runner, does } = startInside(name)
    // Nothing listens there: the runner must have answered.
    const alone = 'CONSUL_HTTP_ADDR=127.0.0.1:1 $L verify'
    await does(`until ${alone} 2>/dev/null; do sleep 0.05; done`, /exit 0\n/)
    await does(`${alone} --remaining 1s`, /exit 0\nexit 0\n/)
    await does(`${alone} --remaining 1h`, /exit 6\n/)
    runner.child.stdin?.end()
    expect((await runner.ends()).stderr).toMatch(/surely ours for only/)
  })

  test('asks Consul when the runner is stopped', async () => {
    const name = uniqueName('stopped')
    const { runner, does } = startInside(name)
    await does('kill -STOP $PPID; $L verify', /exit 0\n/)
    await does('$L verify --remaining 1s', /exit 6\n/)
    await does('kill -CONT $PPID', /exit 6\nexit 0\n/)
    runner.child.stdin?.end()
    expect((await runner.ends()).code).toBe(0)
  })
})

describe('the fencing token', () => {
  test('grows from holder to holder, though the key is deleted in between', async () => {
    const name = uniqueName('fence')
    const consul = new ConsulClient()
    const fences: number[] = []
    for (let holder = 0; holder < 3; holder++) {
      fences.push(Number((await runLocker([name, 'sh', '-c', 'echo $CONSUL_LOCKER_FENCE'])).stdout))
      await consul.request('PUT', `/kv/${key(name)}`, 'somebody writes')
      await consul.request('DELETE', `/kv/${key(name)}`)
    }
    expect(fences).toEqual(fences.toSorted((a, b) => a - b))
    expect(new Set(fences).size).toBe(3)
    expect(fences[0]).toBeGreaterThan(0)
  })
})
