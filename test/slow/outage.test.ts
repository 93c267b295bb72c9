import { describe, expect, test } from 'vitest'
import { startConsul } from '../../scripts/provide/agent.ts'
import { afterTest } from '../kit/after-test.ts'
import { startLocker } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'

const piped = { stdio: ['pipe', 'pipe', 'pipe'] as ('pipe' | 'ignore')[] }

describe.concurrent('an agent that is gone at the end', () => {
  test('costs a warning; the command’s code passes', async () => {
    const agent = await startConsul()
    afterTest(() => agent.stop())
    const options = { ...piped, address: agent.address }
    const script = 'echo ready; read -r line; exit 5'
    const runner = startLocker(['--ttl', '10s', uniqueName('gone'), 'sh', '-c', script], options)
    await runner.prints(/ready/)
    agent.kill('SIGKILL')
    await agent.exited()
    runner.child.stdin?.end('\n')
    const ended = await runner.ends()
    expect(ended).toMatchObject({ code: 5 })
    expect(ended.stderr).toMatch(/warn: the lock could not be given back in time/)
  })
})
