import { spawnSync } from 'node:child_process'
import { expect, test, vi } from 'vitest'
import { FreshMachine, mayHaveMachines } from '../kit/fresh-machine.ts'
import { LOCKER } from '../kit/locker.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 })

/** Words that a cron or its shell would make something else of; each is printed on a line of its own. */
const WORDS = [
  'two words',
  `it's "said"`,
  '$HOME $(id) `id`',
  'date +%Y-%m-%d %H %%',
  String.raw`a\nb\\c\'d\%e\\%f\\`,
  '%',
  '\\',
  '~ * ? [a-z] ! # & ; | < > ( )',
  'äöü €',
]

test.runIf(mayHaveMachines)('Debian’s cron runs the printed line with the words as they are', async () => {
  const machine = await FreshMachine.start()
  try {
    await machine.has({ cron: 'cron' })
    const job = [
      'job',
      '/bin/sh',
      '-c',
      `printf '%s\\n' "$@" >/var/words.new; mv /var/words.new /var/words`,
      'sh',
      ...WORDS,
    ]
    const words = ['crontab', '--schedule', '* * * * *', '--user', 'root', ...job]
    const { stdout: line, status } = spawnSync(LOCKER, words, { encoding: 'utf8' })
    expect(status).toBe(0)
    await machine.write('/etc/cron.d/job', line)
    await machine.does('chmod 644 /etc/cron.d/job; mkdir -p /var/spool/cron/crontabs')
    const cron = machine.run('cron -f')
    let written = ''
    const isWritten = async () => {
      const { code, stdout } = await machine.does('cat /var/words')
      written = stdout
      return code === 0
    }
    // It wakes at the next minute.
    await vi.waitUntil(isWritten, { timeout: 100_000, interval: 500 }).catch(() => {
      throw new Error(`cron has run nothing: ${cron.stdout}${cron.stderr}`)
    })
    expect(written).toBe(`${WORDS.join('\n')}\n`)
  } finally {
    await machine.stop()
  }
})
