import { expect, test } from 'vitest'
import { stepDownCommand } from '../../../../../src/cli/commands/unlock/session-hold-lines.ts'
import type { SessionHold } from '../../../../../src/unlock/session-hold.ts'

test.for([
  { kind: 'leader', name: 'redis', command: [], called: 'redis' },
  { kind: 'leader', name: 'redis; reboot', command: [], called: 'NAME' },
  { kind: 'lock', name: 'site/redis', command: ['leader', 'redis'], called: 'redis' },
  { kind: 'lock', name: 'site/redis', command: ['leader', '$(reboot)'], called: 'NAME' },
  { kind: 'lock', name: 'site/redis', command: ['leader', '--force'], called: 'NAME' },
  { kind: 'lock', name: 'site/redis', command: undefined, called: 'NAME' },
] as const)('$kind $name of $command is to step down as $called', ({ kind, name, command, called }) => {
  const hold = { lock: { kind, name }, holder: { command } } as unknown as SessionHold
  expect(stepDownCommand(hold)).toBe(`consul-locker leader step-down ${called}`)
})
