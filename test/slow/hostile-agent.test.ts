import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { deceive } from '../kit/deceived.ts'
import { startLiar } from '../kit/liar.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { lyingAboutSessions } from '../kit/speaking-ids.ts'
import { Toy } from '../kit/toy-application.ts'
import { uniqueName } from '../kit/unique.ts'

describe('whoever answers as Consul', () => {
  test('nor to that of a rollout’s step', async () => {
    const { dir, ids, lie, harm } = lyingAboutSessions()
    const file = join(dir, 'rollout.yaml')
    mkdirSync(join(dir, 'tests'))
    writeFileSync(join(dir, 'current_version'), 'V1')
    const prefix = uniqueName('fleet')
    writeFileSync(
      file,
      `{host: web1, prefix: ${prefix}, version_file: ${dir}/current_version, validate: ${dir}/tests, upgrade: ['true']}`,
    )
    await runLocker(['rollout', 'trigger', 'V2', '--prefix', prefix])
    for (const id of ids) {
      const { address } = await startLiar(lie(id))
      const step = startLocker(['rollout', 'step', '-f', file], { address })
      await step.says(/a session without an ID/)
      step.kill('SIGTERM')
      await step.ends()
    }
    expect(harm()).toEqual([false, true])
  })

  test('nor to that of a leader’s agent', async () => {
    const { ids, lie, lies, harm } = lyingAboutSessions()
    const toy = await Toy.make()
    for (const id of ids) {
      const agent = toy.start((await startLiar(lie(id))).address)
      const before = lies()
      await patiently(
        // The session that was created is found by its name, or another is made.
        () => lies() > before + 1 || agent.stderr.includes('is master'),
        () => `it has neither asked for another session nor found its own: ${agent.stderr}`,
      )
      agent.kill('SIGTERM')
      await agent.ends()
    }
    expect(harm()).toEqual([false, true])
  })
})

test('two and a half thousand lies of an agent bring nothing about but sentences', { timeout: 1_800_000 }, () =>
  deceive(1, 2_500),
)
