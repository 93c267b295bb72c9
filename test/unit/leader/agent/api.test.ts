import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../../src/base/clock.ts'
import { createLog } from '../../../../src/base/log.ts'
import type { AgentStatus } from '../../../../src/leader/agent/agent-status.ts'
import { openApi } from '../../../../src/leader/agent/api.ts'

test.each(['/health', '/status'])('%s tells what the application says as JSON, and moves no terminal', async (path) => {
  const message = 'up\x1b[2J\x9b31m\u202e\u2028\n'
  const status: Partial<AgentStatus> = { role: 'slave', healthy: true, message }
  const log = createLog({ format: 'text', quiet: true, debug: false, write: () => {} })
  const ctx = { clock: systemClock, log, signal: new AbortController().signal, random: Math.random }
  const api = await openApi(ctx, '127.0.0.1:0', () => status as AgentStatus)
  onTestFinished(() => api.close(0))
  const text = await (await fetch(`http://${api.address}${path}`)).text()
  expect(text.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  expect(JSON.stringify(JSON.parse(text))).toContain(JSON.stringify(message))
})
