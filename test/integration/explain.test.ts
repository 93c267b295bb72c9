import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Ended, runLocker } from '../kit/locker.ts'

const PICTURE = join(import.meta.dirname, '../../docs/pictures/timeline.svg')

/** Nothing listens there, and nothing is to be asked. */
const NOWHERE = { address: '127.0.0.1:1' }

const explain = (words: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  runLocker(['explain', ...words], { ...NOWHERE, env })

const wholeLines = ({ stdout }: Ended) => stdout.slice(0, -1).split('\n')

describe('consul-locker explain', () => {
  test('tells what a run promises in 80 columns, without a Consul', async () => {
    const ended = await explain([])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    const lines = wholeLines(ended)
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    expect(lines.slice(0, 14).join('\n')).toBe(`\
What a run promises, from the sending of the last renewal that Consul answers:
TTL 15s, renewed every 10s, grace 5s, lock-delay 24s

                    A          B    C     D   E      F                         G
command             ################~~~~~~
session destroyed   --------------------------
session expires     =================================--------------------------
                    # runs   ~ told to end   = lives   - closed (lock-delay)

A   0s  the last renewal that Consul answers is sent
B  10s  the next one gets no answer: trouble begins; again at 14s
C  15s  deadline: TERM to the command and all that it has started
D  20s  KILL: nothing of it is left
E  24s  earliest next holder of the lock, if the session was destroyed right`)
    expect(lines.filter((line) => line.startsWith('If ')).map((line) => line.replace(/ \(.*/, ''))).toEqual([
      'If the session is destroyed',
      'If Consul is silent',
      'If the key is deleted:',
      'If the machine dies:',
      'If the runner is killed',
      'If the runner hangs, or is stopped:',
      'If the machine sleeps, or is suspended:',
      "If the lock isn't free:",
      'If the runner gets INT or TERM:',
      'If the command ends:',
    ])
  })

  test('explains this run: its name, its options, those of the environment', async () => {
    const env = { CONSUL_LOCKER_TTL: '20s', CONSUL_LOCKER_NO_WAIT: 'true' }
    const { stdout } = await explain(['--kill-after', '1s', 'backup', 'sleep', '1'], env)
    expect(stdout).toContain('What a run of backup promises')
    expect(stdout).toContain('TTL 20s, renewed every 13.3s, grace 1s, lock-delay 25.1s')
    expect(stdout).toContain('The run gives up at once, with exit code 1 (--no-wait).')
  })

  test('prints all of it as JSON, in milliseconds', async () => {
    const { stdout } = await explain(['--json', '--max-runtime', '1h', 'backup', 'true'])
    const { cases, ...numbers } = JSON.parse(stdout)
    expect(numbers).toEqual({
      name: 'backup',
      timing: { ttlMs: 15_000, renewMs: 10_000, graceMs: 5000, lockDelayMs: 24_000 },
      timeline: {
        attemptsMs: [10_000, 14_000],
        deadlineMs: 15_000,
        killMs: 20_000,
        guardian: { actsMs: 15_250, killMs: 20_250 },
        expiryMs: 30_000,
        nextHolderMs: 24_000,
        nextAfterExpiryMs: 54_000,
      },
    })
    expect(cases).toContainEqual({
      when: 'the command runs for 1h',
      happens: expect.stringContaining('exit code 124'),
    })
  })

  test('draws the picture of docs/safety.md, which is that of today (npm run pictures)', async () => {
    expect(await explain(['--svg'])).toMatchObject({ code: 0, stderr: '', stdout: readFileSync(PICTURE, 'utf8') })
  })

  test.each([[['--json', '--svg']], [['--version']], [['--no-such']]])('refuses %j', async (words) => {
    expect(await explain(words)).toMatchObject({ code: 2, stdout: '' })
  })
})
