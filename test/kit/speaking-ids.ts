import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Answer } from './liar.ts'
import { runs } from './processes.ts'
import { scratch } from './unique.ts'

/** Ids of sessions that would be more than one line, or more than a word, to whoever takes them for ids. */
function speakingIds(victim: number, trace: string): string[] {
  const commands = [`arm ${victim} 0 0`, `arm ${victim} 0 x[$(touch\${IFS}${trace})]`, 'dismiss']
  const uuid = 'adf4238a-882b-9ddc-4a9d-5b6758e4159e'
  return ['', '-x', '../../../agent/leave', `$(touch ${trace})`, ...commands.map((line) => `${uuid}\n${line}`)]
}

/** Whoever answers as Consul, and gives out ids that speak for those of sessions; and what these would bring about. */
export function lyingAboutSessions() {
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
