import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { startHostAgent } from '../kit/host-agent.ts'
import { type Ended, patiently, startLocker } from '../kit/locker.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

vi.setConfig({ testTimeout: 180_000 })

/** Long enough for others to hold the agent's node for dead, and its session with it if that depended on it. */
const AWAY_S = [5, 7, 10, 15, 20]

/** Upgrades a host, and takes its agent away for a while in the middle. */
async function upgradeWithout(server: ConsulAgent, awayS: number): Promise<Ended & { readonly dir: string }> {
  const name = `web${awayS}`
  const dir = scratch()
  const prefix = uniqueName('fleet')
  const agent = await startHostAgent(server, name)
  mkdirSync(join(dir, 'tests'))
  writeFileSync(join(dir, 'tests', 'smoke'), '#!/bin/sh\n', { mode: 0o755 })
  writeFileSync(
    join(dir, 'rollout.yaml'),
    `host: ${name}
prefix: ${prefix}
version_file: ${dir}/current_version
validate: ${dir}/tests
upgrade: ['echo >"$DIR/begun"; while [ ! -e "$DIR/end" ]; do sleep 0.1; done']
`,
  )
  await new ConsulClient(server.address).request('PUT', `/kv/${prefix}/current_version`, 'V2')
  const step = startLocker(['rollout', 'step', '-f', join(dir, 'rollout.yaml')], {
    address: agent.address,
    env: { DIR: dir },
  })
  await patiently(
    () => existsSync(join(dir, 'begun')),
    () => `${name} does not begin: ${step.stderr}`,
  )
  agent.kill('SIGKILL')
  await agent.exited()
  // How long it is away is the case itself.
  await pause(awayS * 1000)
  await agent.restart()
  writeFileSync(join(dir, 'end'), '')
  return { ...(await step.ends()), dir }
}

test(`an upgrade goes on while its agent is killed and away, for ${AWAY_S.join(', ')} seconds`, async () => {
  const server = await startConsul({ mode: 'server', node: 'server' })
  onTestFinished(() => server.stop())
  for (const { code, stderr, dir } of await Promise.all(AWAY_S.map((awayS) => upgradeWithout(server, awayS)))) {
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('runs V2') })
    expect(readFileSync(join(dir, 'current_version'), 'utf8')).toBe('V2\n')
  }
})
