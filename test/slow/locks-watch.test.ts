import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { startDevServer } from '../kit/dev-server.ts'
import { runLocker, startLocker } from '../kit/locker.ts'
import { Terminal } from '../kit/terminal.ts'
import { uniqueName } from '../kit/unique.ts'

const holds = (name: string) => new ConsulClient().holder(`consul-locker-${name}`)

describe('locks --watch on a terminal', () => {
  test('says when Consul is away, and goes on when it is back', async () => {
    const server = await startDevServer()
    const terminal = await Terminal.open({ address: server.address })
    await terminal.enter('$L locks --watch')
    await terminal.shows(/there is no lock/)
    await server.stop()
    await terminal.shows(/trying again: Consul at .*/)
    const again = await startDevServer('--listen', new URL(server.address).host)
    try {
      const holder = startLocker(['back', 'sleep', '60'], { address: again.address })
      await terminal.shows(/back +held .*/)
      await terminal.shows(/Enter one lock .*/)
      await terminal.type('q')
      await terminal.prompts(0)
      holder.kill('SIGTERM')
      await holder.ends()
    } finally {
      await again.stop()
    }
  })
})

describe('locks --watch elsewhere', () => {
  test('ends at a change when nobody reads any more, and at once when nothing can be written', async () => {
    const name = uniqueName('gone')
    const holder = startLocker([name, 'sleep', '60'])
    await holds(name)
    const full = await runLocker(['locks', '--watch', name], { through: ['sh', '-c', '"$0" "$@" >/dev/full'] })
    expect(full).toMatchObject({
      code: 74,
      stderr: expect.stringContaining("the standard output can't be written: no space left on device"),
    })
    const through = ['bash', '-c', '"$0" "$@" | head -n 1; echo "$PIPESTATUS"']
    const watch = startLocker(['locks', '--watch', name], { through })
    await watch.prints(/held by/)
    holder.kill('SIGTERM')
    await holder.ends()
    await runLocker([name, 'true'])
    expect((await watch.ends()).stdout).toMatch(/held by .*\n141\n$/)
  })
})
