import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { type Ended, patiently, runLocker, startLocker } from '../kit/locker.ts'
import { counts, startOncePerHour } from '../kit/once-per-hour.ts'
import { settableClock } from '../kit/settable-clock.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

const consul = () => new ConsulClient()

const runsOf = async (name: string) => JSON.parse((await consul().value(`consul-locker-${name}=runs`)) || '{}')

/** A command that writes a line to a file each time that it runs, and then does what the script says. */
function job(script = 'exit 0') {
  const file = join(scratch(), 'ran')
  writeFileSync(file, '')
  return {
    command: ['sh', '-c', `echo ran >>"$0"; ${script}`, file],
    times: () => readFileSync(file, 'utf8').split('\n').length - 1,
    lines: () => readFileSync(file, 'utf8'),
    file,
  }
}

describe('a command that is to run once in a period', () => {
  test.each([
    ['--once-per', '1h'],
    ['--slot', '%Y'],
    ['--min-interval', '1h'],
    ['--once-per', '1h', '--on-success'],
  ])('runs once when twenty start it at once: %s %s %s', async (...rule) => {
    const name = uniqueName('once')
    const { command, times } = job('sleep 0.3')
    const ends = await Promise.all(Array.from({ length: 20 }, () => runLocker([...rule, name, ...command])))
    expect(times()).toBe(1)
    expect(ends.map(({ code }) => code)).toEqual(Array.from({ length: 20 }, () => 0))
    const skipped = ends.filter(({ stderr }) => stderr.includes(`${name} is skipped: `))
    expect(skipped).toHaveLength(19)
    for (const { stderr } of skipped) {
      expect(stderr.trim().split('\n').at(-1)).toMatch(/is skipped: \S+ started it .* \((?:it still runs|exit 0)\); /)
    }
    expect(await consul().remains(name)).toEqual([])
  })

  test('is skipped with one line that says who ran it, when, and how it ended', async () => {
    const name = uniqueName('once')
    expect(await runLocker(['--once-per', '1h', name, 'sh', '-c', 'exit 3'])).toMatchObject({ code: 3 })
    const skipped = await runLocker(['--once-per', '1h', name, 'echo', 'ran'])
    expect(skipped).toMatchObject({ code: 0, stdout: '' })
    expect(skipped.stderr).toMatch(
      /^consul-locker: once-\w+ is skipped: \S+ started it (?:just now|[\d.]+m?s ago) \(exit 3\); once per 1h\n$/,
    )
  })

  test('is skipped with the code that was asked for, in the report, too', async () => {
    const name = uniqueName('once')
    const report = join(scratch(), 'report')
    await runLocker(['--once-per', '1h', name, 'true'])
    const args = ['--once-per', '1h', '--skip-code', '77', '--report-file', report, name, 'echo', 'ran']
    expect(await runLocker(args)).toMatchObject({ code: 77, stdout: '' })
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ name, outcome: 'skipped' })
  })

  test('is skipped at once, without a session and though it still runs, with --no-wait or not', async () => {
    const name = uniqueName('once')
    const holder = startLocker(['--once-per', '1h', name, 'sh', '-c', 'echo begun; sleep 60'])
    await holder.prints(/begun/)
    for (const words of [[], ['--no-wait']]) {
      const skipped = await runLocker(['--once-per', '1h', ...words, name, 'echo', 'ran'], { env: { DEBUG: '1' } })
      expect(skipped).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('(it still runs)') })
      expect(skipped.stderr).not.toContain('/v1/session/create')
    }
    holder.kill('SIGTERM')
    await holder.ends()
  })

  test('looks again when it gets the lock for which it waited', async () => {
    const name = uniqueName('once')
    const { command, times } = job('read -r _')
    const rule = ['--once-per', '1h', '--on-success', name]
    const first = startLocker([...rule, ...command], { stdio: ['pipe', 'pipe', 'pipe'] })
    await patiently(times, () => 'it does not run')
    const second = startLocker([...rule, ...command])
    await second.says(/waiting for/)
    first.child.stdin?.end('\n')
    expect(await first.ends()).toMatchObject({ code: 0 })
    expect(await second.ends()).toMatchObject({ code: 0, stderr: expect.stringContaining('is skipped') })
    expect(times()).toBe(1)
  })

  test('runs again in the next period', async () => {
    const name = uniqueName('once')
    const { command, times } = job()
    await runLocker(['--once-per', '1s', name, ...command])
    const again = async () => {
      await runLocker(['--once-per', '1s', name, ...command])
      return times() === 2
    }
    await patiently(again, () => 'it never ran again')
  })

  test('runs though somebody ran it by hand, without a period', async () => {
    const name = uniqueName('once')
    await runLocker([name, 'true'])
    expect(await runLocker(['--once-per', '1h', name, 'echo', 'ran'])).toMatchObject({ stdout: 'ran\n' })
    expect(await runLocker([name, 'echo', 'by hand'])).toMatchObject({ stdout: 'by hand\n' })
  })
})

/** How a run ends, and whether the next one in the period runs then, and if only successes count. */
describe('what counts', () => {
  test('is a success, in both ways', async () => {
    const name = uniqueName('counts')
    expect(await startOncePerHour(name, ['true']).ends()).toMatchObject({ code: 0 })
    await counts(name, { all: true, success: true }, /\(exit 0\)/)
  })

  test('is a failure, if starts count', async () => {
    const name = uniqueName('counts')
    expect(await startOncePerHour(name, ['false']).ends()).toMatchObject({ code: 1 })
    await counts(name, { all: true, success: false }, /\(exit 1\)/)
  })

  test('is a command that was killed, if starts count', async () => {
    const name = uniqueName('counts')
    expect(await startOncePerHour(name, ['sh', '-c', 'kill -9 $$']).ends()).toMatchObject({ code: 137 })
    await counts(name, { all: true, success: false }, /\(SIGKILL\)/)
  })

  test('is a run whose runner was killed, if starts count', async () => {
    const name = uniqueName('counts')
    const runner = startOncePerHour(name, ['sh', '-c', 'echo begun; sleep 60'])
    await runner.prints(/begun/)
    runner.kill('SIGKILL')
    await runner.ends()
    const back = async () => (await consul().entry(`consul-locker-${name}`)) === undefined
    await patiently(back, () => 'the guardian has not given the lock back')
    await counts(name, { all: true, success: false }, /\(runner killed\)/)
  })

  test('is a success that --release-when did not follow, if starts count', async () => {
    const name = uniqueName('counts')
    const words = ['--release-when', 'kv:never/there', '--release-timeout', '200ms']
    expect(await startOncePerHour(name, ['true'], {}, words).ends()).toMatchObject({ code: 7 })
    await counts(name, { all: true, success: false }, /\(exit 0, not settled\)/)
  })

  test('is a success that a signal kept from settling, if starts count', async () => {
    const name = uniqueName('counts')
    const runner = startOncePerHour(name, ['true'], {}, ['--release-when', 'kv:never/there'])
    await runner.says(/keeping the lock until/)
    runner.kill('SIGTERM')
    expect(await runner.ends()).toMatchObject({ code: 143 })
    await counts(name, { all: true, success: false }, /\(exit 0, not settled\)/)
  })

  test('is a command that ran for too long, if starts count', async () => {
    const name = uniqueName('counts')
    expect(await startOncePerHour(name, ['sleep', '60'], {}, ['--max-runtime', '100ms']).ends()).toMatchObject({
      code: 124,
    })
    await counts(name, { all: true, success: false }, /\(timed out\)/)
  })

  test('is no run that --on-acquire kept from starting', async () => {
    const name = uniqueName('counts')
    expect(await startOncePerHour(name, ['true'], {}, ['--on-acquire', 'false']).ends()).toMatchObject({ code: 8 })
    expect(await runsOf(name)).toEqual({ runs: [] })
    await counts(name, { all: false, success: false }, /./)
  })

  test('is no run whose gate shut', async () => {
    const name = uniqueName('counts')
    const ended = await startOncePerHour(name, ['true'], {}, ['--no-wait', '--gate', 'kv:never/there']).ends()
    expect(ended).toMatchObject({ code: 1 })
    await counts(name, { all: false, success: false }, /./)
  })

  test('is no run whose command could not be found', async () => {
    const name = uniqueName('counts')
    expect(await startOncePerHour(name, ['/no/such/program']).ends()).toMatchObject({ code: 127 })
    await counts(name, { all: false, success: false }, /./)
  })

  test('is no run that had the lock, and whose command could not be started', async () => {
    const name = uniqueName('counts')
    // A file that somebody writes to can't be executed: https://man7.org/linux/man-pages/man2/execve.2.html, ETXTBSY.
    const binary = join(scratch(), 'sleep')
    writeFileSync(binary, readFileSync('/bin/sleep'), { mode: 0o755 })
    const fd = openSync(binary, 'r+')
    onTestFinished(() => closeSync(fd))
    const ended = await startOncePerHour(name, [binary, '0']).ends()
    expect(ended.code, ended.stderr).toBe(126)
    expect(await runsOf(name)).toEqual({ runs: [] })
    await counts(name, { all: false, success: false }, /./)
  })

  test('is no run that a signal ended while it waited', async () => {
    const name = uniqueName('counts')
    const holder = startLocker([name, 'sh', '-c', 'echo begun; sleep 60'])
    await holder.prints(/begun/)
    const waiter = startOncePerHour(name, ['true'])
    await waiter.says(/waiting for/)
    waiter.kill('SIGTERM')
    expect(await waiter.ends()).toMatchObject({ code: 143 })
    holder.kill('SIGTERM')
    await holder.ends()
    await counts(name, { all: false, success: false }, /./)
  })
})

describe('a record that can’t be believed', () => {
  test.each(['rubbish', '{"runs":[]', '{"runs":[{}]}', '{"period":7,"runs":[]}'])(
    'is refused with 2 by who must know when it ran, and left as it is: %s',
    async (rubbish) => {
      const name = uniqueName('rubbish')
      const key = `consul-locker-${name}=runs`
      await consul().transact({ Verb: 'set', Key: key, Value: Buffer.from(rubbish).toString('base64') })
      const refused = await runLocker(['--once-per', '1h', name, 'echo', 'ran'])
      expect(refused).toMatchObject({ code: 2, stdout: '' })
      expect(refused.stderr).toMatch(/^consul-locker: error: what stands at \S+ is no record of runs.*\n$/)
      expect(await runLocker([name, 'echo', 'ran'])).toMatchObject({ code: 0, stdout: 'ran\n', stderr: '' })
      expect(await consul().value(key)).toBe(rubbish)
    },
  )

  test('comes from a clock that is far ahead: refused with 2; a little ahead: skipped', async () => {
    const clock = await settableClock()
    const name = uniqueName('skew')
    clock.set(1)
    expect(await runLocker(['--slot', '%FT%H', name, 'true'], { env: clock.environment })).toMatchObject({ code: 0 })
    const refused = await runLocker(['--slot', '%FT%H', name, 'echo', 'ran'])
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toMatch(/error: \S+ ran .* from now: a clock is wrong \(set it right; .*kv delete/)
  })
})

describe('options about periods', () => {
  test.each<[string, string[]]>([
    ['--once-per "0" is no time from 1s', ['--once-per', '0']],
    ['--once-per "hourly" is not a duration', ['--once-per', 'hourly']],
    ['--once-per and --slot', ['--once-per', '1h', '--slot', '%F']],
    ['--slot "%Q" has "%Q" in it', ['--slot', '%Q']],
    ['--tz "Mars" is no time zone', ['--slot', '%F', '--tz', 'Mars']],
    ['--tz is the time zone of --slot', ['--tz', 'UTC']],
    ['--on-success is about runs that are skipped', ['--on-success']],
    ['--skip-code is about runs that are skipped', ['--skip-code', '3']],
    ['--skip-code "256" is not an exit code', ['--once-per', '1h', '--skip-code', '256']],
    ['--min-interval "x" is not a duration', ['--min-interval', 'x']],
    ['--slot is empty', ['--slot', '']],
    ['--hold-at-least "x" is not a duration', ['--hold-at-least', 'x']],
  ])('end with 2: %s', async (sentence, words) => {
    const ended: Ended = await runLocker([...words, uniqueName('usage'), 'echo', 'ran'])
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toContain(sentence)
    expect(ended.stderr.trim().split('\n')).toHaveLength(1)
  })

  test.each([
    ['nightly', 'never changes'],
    ['%T', 'changes every second'],
    ['%H', 'comes back'],
  ])('warn of a slot like %s, and run the command', async (slot, warning) => {
    const ended = await runLocker(['--slot', slot, uniqueName('slot'), 'echo', 'ran'])
    expect(ended).toMatchObject({ code: 0, stdout: 'ran\n' })
    expect(ended.stderr).toMatch(new RegExp(`^consul-locker: warn: --slot "${slot}" ${warning}.*\n$`))
  })
})

describe('--hold-at-least', () => {
  test('keeps the lock of a quick command, and passes its code on', async () => {
    const name = uniqueName('hold')
    const log = join(scratch(), 'log')
    writeFileSync(log, '')
    const say = (word: string, end: string) => ['sh', '-c', `echo ${word} $(date +%s%3N) >>"$0"; ${end}`, log]
    const first = startLocker(['--hold-at-least', '2s', name, ...say('first', 'exit 4')])
    await patiently(
      () => readFileSync(log, 'utf8'),
      () => 'it does not run',
    )
    const second = await runLocker([name, ...say('second', 'exit 0')])
    expect(second).toMatchObject({ code: 0 })
    expect(await first.ends()).toMatchObject({ code: 4 })
    const [one = 0, other = 0] = readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => Number(line.split(' ')[1]))
    // The promise is a time.
    expect(other - one).toBeGreaterThan(1900)
  })

  test('ends at a signal, with the command’s own code', async () => {
    const name = uniqueName('hold')
    const holder = startLocker(['--hold-at-least', '1h', name, 'sh', '-c', 'echo ran; exit 4'], { env: { DEBUG: '1' } })
    await holder.says(/keeping the lock/)
    holder.kill('SIGTERM')
    expect(await holder.ends()).toMatchObject({ code: 4, stdout: 'ran\n' })
    expect(await consul().remains(name)).toEqual([])
  })
})
