import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { deceive } from '../kit/deceived.ts'
import { type Answer, startLiar } from '../kit/liar.ts'
import { runLocker } from '../kit/locker.ts'
import { runs } from '../kit/processes.ts'
import { speakingIds } from '../kit/speaking-ids.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

describe('whoever answers as Consul', () => {
  async function scene() {
    const dir = scratch()
    const trace = join(dir, 'trace')
    const victim = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
    onTestFinished(() => void victim.kill('SIGKILL'))
    const pid = victim.pid as number
    let lies = 0
    const lie = (id: string) => (answer: Answer) => {
      if (answer.path.startsWith('/v1/session/list')) {
        const listed = JSON.parse(answer.body) as object[]
        answer.body = JSON.stringify(listed.map((session) => ({ ...session, ID: id })))
      }
      if (!answer.path.startsWith('/v1/session/create')) return
      answer.body = JSON.stringify({ ID: id })
      lies++
    }
    return { dir, lie, lies: () => lies, ids: speakingIds(pid, trace), harm: () => [existsSync(trace), runs(pid)] }
  }

  test('gets no words to the guardian of a run in place of a session’s id', async () => {
    const { ids, lie, harm } = await scene()
    for (const id of ids) {
      const { address } = await startLiar(lie(id))
      const { code, stdout, stderr } = await runLocker([uniqueName('lied-to'), 'echo', 'ran'], { address })
      expect([code, stdout], id).toEqual([4, ''])
      expect(stderr, id).toMatch(/^consul-locker: error: .* is not Consul: a session without an ID \(.*\)\n$/)
    }
    expect(harm()).toEqual([false, true])
  })

  test('brings nothing about but sentences, whichever field of an answer is a lie', { timeout: 180_000 }, () =>
    deceive(20_000, 60),
  )
})
