import { expect } from 'vitest'
import type { Healthchecks } from './healthchecks.ts'
import { runLocker, startLocker } from './locker.ts'
import { uniqueName } from './unique.ts'

export const sh = (line: string) => ['sh', '-c', line]

/** A run that ends with 5 though its pings don't arrive; a signal is enough for it not to wait. */
export async function endsInSpite({ url }: Healthchecks, complaint: RegExp): Promise<void> {
  const name = uniqueName('ping')
  const runner = startLocker(['--ping', url, name, ...sh('read go; exit 5')], { stdio: 'pipe' })
  await runner.says(complaint)
  runner.child.stdin?.end('go\n')
  expect((await runLocker([name, 'true'])).code).toBe(0)
  runner.kill('SIGTERM')
  const { code, stderr } = await runner.ends()
  expect(code).toBe(5)
  expect(stderr).toMatch(/the ping of the run's end doesn't reach/)
}
