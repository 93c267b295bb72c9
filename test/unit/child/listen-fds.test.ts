import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { passedSockets } from '../../../src/child/listen-fds.ts'

const US = String(process.pid)

test.each<[string, NodeJS.ProcessEnv, readonly number[]]>([
  ['all of them', { LISTEN_PID: US, LISTEN_FDS: '2' }, [3, 4]],
  ['none, when they are for somebody else', { LISTEN_PID: '1', LISTEN_FDS: '2' }, []],
  ['none, when it is said of nobody', { LISTEN_FDS: '2' }, []],
  ['none, when no number is told', { LISTEN_PID: US }, []],
  ['none, when it is no number', { LISTEN_PID: US, LISTEN_FDS: 'two' }, []],
])('of the sockets that systemd passes are ours %s', (_, environment, fds) => {
  expect(passedSockets(environment).fds).toEqual(fds)
})

test('a command with sockets finds its own id with them, and its words as they are', () => {
  const { wrap } = passedSockets({ LISTEN_PID: US, LISTEN_FDS: '1' })
  const words = ['sh', '-c', 'echo "$LISTEN_PID $$ $*"', 'me', 'a  b', '$c'] as const
  const [program, argv0, args] = wrap({ file: '/bin/sh', words })
  const { stdout } = spawnSync(program, args, { argv0, encoding: 'utf8', env: { LISTEN_PID: US } })
  expect(stdout).toMatch(/^(\d+) \1 a {2}b \$c\n$/)
})
