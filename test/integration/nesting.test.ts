import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { LOCKER, runLocker, startLocker } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'

describe('a run inside a run', () => {
  test.each([
    ['of the same name', [], []],
    ['of the same name, without waiting', [], ['--no-wait']],
    ['of the same name behind a shell', ['sh', '-c', '"$0" "$@"; exit $?'], []],
    ['of the same name behind a run of another', [LOCKER, uniqueName('between')], []],
  ])('is refused where waiting would never end: %s', async (_, between, options) => {
    const name = uniqueName('nested')
    const ended = await runLocker([name, ...between, LOCKER, ...options, name, 'echo', 'ran'])
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toMatch(/^consul-locker: error: .* already held by the run around this one.*\n$/)
    expect(ended.stderr).toContain(name)
    expect(await new ConsulClient().remains(name)).toEqual([])
  })

  test('is refused for another name that means the same key', async () => {
    const [name, other] = [uniqueName('outer'), uniqueName('inner')]
    const ended = await runLocker([name, LOCKER, '--key', `consul-locker-${name}`, other, 'echo', 'ran'])
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toContain('already held by the run around this one')
  })

  test('of another name holds both, and its own names win', async () => {
    const [name, other] = [uniqueName('outer'), uniqueName('inner')]
    const script =
      'echo "$CONSUL_LOCKER_NAME $CONSUL_LOCKER_KEY $CONSUL_LOCKER_SESSION|$CONSUL_LOCKER_SESSIONS|"; read x'
    const run = startLocker([name, '--', LOCKER, other, '--', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'pipe'] })
    const consul = new ConsulClient()
    const outer = await consul.holder(`consul-locker-${name}`)
    const inner = await consul.holder(`consul-locker-${other}`)
    await run.prints(/\|\n/)
    run.child.stdin?.end('\n')
    expect(await run.ends()).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toBe(`${other} consul-locker-${other} ${inner}|${outer} ${inner}|\n`)
    expect([...(await consul.remains(name)), ...(await consul.remains(other))]).toEqual([])
  })

  test('waits for a lock that somebody else holds, as ever', async () => {
    const [name, other] = [uniqueName('outer'), uniqueName('inner')]
    const holder = startLocker([other, 'cat'], { stdio: ['pipe', 'pipe', 'pipe'] })
    await new ConsulClient().holder(`consul-locker-${other}`)
    const run = startLocker([name, LOCKER, other, 'sh', '-c', 'exit 3'])
    await run.says(/waiting for/)
    holder.child.stdin?.end()
    expect((await run.ends()).code).toBe(3)
  })

  test('ends with the signal that the outer one gets', async () => {
    const [name, other] = [uniqueName('outer'), uniqueName('inner')]
    const run = startLocker([name, LOCKER, other, 'sh', '-c', 'echo ready; exec sleep 30'])
    await run.prints(/ready/)
    run.kill('SIGTERM')
    expect(await run.ends()).toMatchObject({ code: 143, stderr: '' })
    const consul = new ConsulClient()
    expect([...(await consul.remains(name)), ...(await consul.remains(other))]).toEqual([])
  })
})
