import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { consulLock } from '../kit/consul-lock.ts'
import { LOCKER, piped, type Running, runLocker, startLocker } from '../kit/locker.ts'
import { runs } from '../kit/processes.ts'
import { Slots } from '../kit/slots.ts'
import { scratch } from '../kit/unique.ts'

describe('runs with slots', () => {
  test('run as many at a time as there are, each with a fence of its own, and leave nothing', async () => {
    const slots = new Slots()
    const fences: number[] = []
    const holders: Running[] = []
    for (let n = 1; n <= 2; n++) {
      const holder = slots.start(2, 'sh', '-c', 'echo "fence $CONSUL_LOCKER_FENCE."; exec cat')
      const [, fence] = await holder.prints(/^fence (\d+)\.$/m)
      fences.push(Number(fence))
      holders.push(holder)
    }
    expect(fences[1]).toBeGreaterThan(fences[0] as number)
    expect((await slots.list())?.Limit).toBe(2)
    expect(await slots.once(2, 'echo', 'ran')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/is busy: held by .*, and by 1 more\n$/),
    })
    const third = slots.start(2, 'echo', 'ran')
    await third.says(/waiting for .*: held by .*, and by 1 more/)
    holders[0]?.child.stdin?.end()
    expect(await third.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
    holders[1]?.child.stdin?.end()
    for (const holder of holders) expect(await holder.ends()).toMatchObject({ code: 0, stderr: '' })
    await slots.leavesNothing()
  })

  test('never are more than that, however many come at once, and all run', async () => {
    const slots = new Slots()
    // The first ones wait for each other, so that three are in at a time on the busiest machine.
    const script = `echo "+ $(date +%s%N)"; : >"$0/$$"
      for _ in $(seq 200); do
        [ "$(ls "$0" | wc -l)" -lt 3 ] || : >"$0.met"
        [ ! -e "$0.met" ] || break
        sleep 0.1
      done
      sleep 0.2; rm "$0/$$"; echo "- $(date +%s%N)"`
    const dir = join(scratch(), 'in')
    mkdirSync(dir)
    const all = Array.from({ length: 12 }, () => slots.start(3, 'sh', '-c', script, dir))
    const ended = await Promise.all(all.map((one) => one.ends()))
    expect(ended.map(({ code }) => code)).toEqual(Array(12).fill(0))
    const events = ended
      .flatMap(({ stdout }) => [...stdout.matchAll(/([+-]) (\d+)/g)])
      .map(([, sign, at]) => ({ step: sign === '+' ? 1 : -1, at: BigInt(at as string) }))
      .sort((one, other) => (one.at < other.at ? -1 : 1))
    let inside = 0
    expect(Math.max(...events.map(({ step }) => (inside += step)))).toBe(3)
    await slots.leavesNothing()
  })

  test('have verify, fenced put, a report and --wait-group as under a lock', async () => {
    const slots = new Slots()
    const key = `data/${slots.name}`
    const script = '"$0" verify && "$0" fenced put "$1" "$CONSUL_LOCKER_FENCE" && echo "$CONSUL_LOCKER_KEY"'
    const ran = await runLocker([
      '--slots',
      '2',
      '--wait-group',
      '--report-file',
      '/dev/stderr',
      slots.name,
      'sh',
      '-c',
      script,
      LOCKER,
      key,
    ])
    expect(ran.code).toBe(0)
    expect(ran.stdout).toMatch(new RegExp(`^${slots.prefix}/[0-9a-f-]{36}\\n$`))
    expect(Number(await slots.consul.value(key))).toBeGreaterThan(0)
    await slots.consul.deleteKey(key)
    await slots.leavesNothing()
  })

  test('inside one another need as many slots, and are refused where none would ever be free', async () => {
    const slots = new Slots()
    const nested = (limit: string) =>
      runLocker(['--slots', limit, slots.name, LOCKER, '--slots', limit, slots.name, 'echo', 'ran'])
    expect(await nested('2')).toMatchObject({ code: 0, stdout: 'ran\n' })
    expect(await nested('1')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('around this one') })
    await slots.leavesNothing()
  })

  test('are had without a command, too, until somebody asks for one', async () => {
    const slots = new Slots()
    const holder = startLocker(['hold', '--for', '60s', '--slots', '1', slots.name])
    const [line] = await holder.prints(/^\{.*\}$/m)
    const { key, runId, session } = JSON.parse(line)
    expect(key).toBe(`${slots.prefix}/${session}`)
    expect(await slots.once(1, 'echo', 'ran')).toMatchObject({ code: 1, stdout: '' })
    expect(await runLocker(['release', slots.name, '--key', key, '--run', runId])).toMatchObject({ code: 0 })
    expect(await holder.ends()).toMatchObject({ code: 0 })
    await slots.leavesNothing()
  })

  test('of one number are refused another one', async () => {
    const slots = new Slots()
    const holder = slots.start(2, 'cat')
    await slots.untilHeldBy(1)
    const other = await runLocker(['--slots', '3', slots.name, 'echo', 'ran'])
    expect(other).toMatchObject({ code: 2, stdout: '' })
    expect(other.stderr).toBe(
      `consul-locker: error: ${slots.name} has 2 slots, and --slots says 3 (change one of the two: consul-locker slots ${slots.name} 3)\n`,
    )
    holder.child.stdin?.end()
    await holder.ends()
    await slots.leavesNothing()
  })

  test('and a plain run of the same name refuse each other', async () => {
    const slots = new Slots()
    const holder = slots.start(2, 'cat')
    await slots.untilHeldBy(1)
    expect(await runLocker([slots.name, 'echo', 'ran'])).toMatchObject({ code: 2, stdout: '' })
    holder.child.stdin?.end()
    await holder.ends()
    const plain = startLocker([slots.name, 'cat'], piped)
    await slots.consul.holder(slots.prefix)
    expect(await slots.once(2, 'echo', 'ran')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('is held as a plain lock'),
    })
    plain.child.stdin?.end()
    await plain.ends()
    await slots.leavesNothing()
  })
})

describe('the holder of a slot', () => {
  test('that is killed is followed as soon as its command has ended', async () => {
    const slots = new Slots()
    const deaf = 'trap "" TERM; echo "pid $$."; while :; do sleep 0.1; done'
    const holder = startLocker(['--kill-after', '500ms', '--slots', '1', slots.name, 'sh', '-c', deaf])
    const [, child] = await holder.prints(/^pid (\d+)\.$/m)
    const next = slots.start(1, 'sh', '-c', 'echo ran')
    await next.says(/waiting for/)
    holder.kill('SIGKILL')
    expect(await next.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
    expect(runs(Number(child))).toBe(false)
    await slots.leavesNothing()
  })

  test('takes it again when somebody deletes all keys', async () => {
    const slots = new Slots()
    const holder = slots.start(1, 'cat')
    const [session] = await slots.untilHeldBy(1)
    await slots.consul.request('DELETE', `/kv/${slots.prefix}?recurse`)
    await holder.says(/took it again/)
    expect(await slots.holders()).toEqual([session])
    expect(await slots.once(1, 'echo', 'ran')).toMatchObject({ code: 1, stdout: '' })
    holder.child.stdin?.end()
    expect(await holder.ends()).toMatchObject({ code: 0 })
    await slots.leavesNothing()
  })

  test('that waits and is told to end leaves nothing', async () => {
    const slots = new Slots()
    const holder = slots.start(1, 'cat')
    await slots.untilHeldBy(1)
    const waiter = slots.start(1, 'echo', 'ran')
    await waiter.says(/waiting for/)
    waiter.kill('SIGTERM')
    expect(await waiter.ends()).toMatchObject({ code: 143, stdout: '' })
    holder.child.stdin?.end()
    await holder.ends()
    await slots.leavesNothing()
  })
})

describe('consul lock -n on the same prefix', () => {
  test.each([
    ['a name', (name: string) => [name]],
    ['a key', (name: string) => ['--key', `consul-locker-${name}/.lock`, 'ours']],
  ])('keeps us out while it holds all, lets us in beside it, and sees us leave, by %s', async (_, words) => {
    const slots = new Slots()
    const theirs = [
      await consulLock('-n=2', slots.prefix, 'echo ready; cat'),
      await consulLock('-n=2', slots.prefix, 'echo ready; cat'),
    ]
    for (const one of theirs) await one.prints(/ready/)
    const ours = ['--slots', '2', ...words(slots.name)]
    expect((await runLocker(['status', ...words(slots.name)])).stdout).toMatch(/^2 of 2 slots taken\n/)
    expect(await runLocker(['--no-wait', ...ours, 'echo', 'ran'])).toMatchObject({ code: 1, stdout: '' })
    const waiter = startLocker([...ours, 'sh', '-c', 'echo in; exec cat'], piped)
    await waiter.says(/waiting for/)
    theirs[0]?.child.stdin?.end()
    expect(await theirs[0]?.ends()).toMatchObject({ code: 0 })
    await waiter.prints(/in/)
    expect(await slots.holders()).toHaveLength(2)
    const shut = await consulLock('-n=2', '-try=500ms', slots.prefix, 'echo ran')
    expect(await shut.ends()).toMatchObject({ code: 1, stdout: '' })
    waiter.child.stdin?.end()
    expect(await waiter.ends()).toMatchObject({ code: 0 })
    const next = await consulLock('-n=2', slots.prefix, 'echo ran')
    expect(await next.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
    theirs[1]?.child.stdin?.end()
    expect(await theirs[1]?.ends()).toMatchObject({ code: 0 })
    // It knows nothing of what marks the name, and who comes next takes that away.
    expect(await slots.list()).toBeUndefined()
    expect(await runLocker([slots.name, 'echo', 'ran'])).toMatchObject({ code: 0, stdout: 'ran\n' })
    expect(await slots.consul.entry(slots.prefix)).toBeUndefined()
  })

  test('is kept out while we hold all, and gets in when one of us has done', async () => {
    const slots = new Slots()
    const ours = [slots.start(2, 'cat'), slots.start(2, 'cat')]
    await slots.untilHeldBy(2)
    const theirs = await consulLock('-n=2', slots.prefix, 'echo ran')
    await slots.consul.contender(slots.prefix, `${slots.prefix}/.lock`)
    expect(theirs.stdout).toBe('')
    ours[0]?.child.stdin?.end()
    expect(await theirs.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
    ours[1]?.child.stdin?.end()
    for (const one of ours) expect(await one.ends()).toMatchObject({ code: 0, stderr: '' })
    await slots.leavesNothing()
  })

  test('without -n is refused by us, and refuses ours', async () => {
    const slots = new Slots()
    const theirs = await consulLock(slots.prefix, 'echo ready; cat')
    await theirs.prints(/ready/)
    expect(await slots.once(2, 'echo', 'ran')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('plain lock'),
    })
    theirs.child.stdin?.end()
    await theirs.ends()
    const ours = slots.start(2, 'cat')
    await slots.untilHeldBy(1)
    expect(await (await consulLock('-try=1s', slots.prefix, 'echo ran')).ends()).toMatchObject({ code: 1, stdout: '' })
    ours.child.stdin?.end()
    await ours.ends()
    expect(await slots.list()).toBeUndefined()
  })
})

describe('consul-locker slots', () => {
  test('shows who has them, and that nobody does', async () => {
    const slots = new Slots()
    const empty = await runLocker(['slots', slots.name])
    expect(empty).toMatchObject({
      code: 0,
      stdout: `nobody has a slot of ${slots.name}; the next run says how many there are\n`,
    })
    const holders = [slots.start(2, 'cat'), slots.start(2, 'cat')]
    await slots.untilHeldBy(2)
    const waiter = slots.start(2, 'true')
    await waiter.says(/waiting for/)
    const shown = await runLocker(['slots', slots.name])
    expect(shown).toMatchObject({ code: 0, stderr: '' })
    expect(shown.stdout).toMatch(
      new RegExp(`^2 of 2 slots of ${slots.name} taken, 1 in line\n(held by \\S+ \\(pid \\d+, cat\\) for \\S+\n){2}$`),
    )
    for (const holder of holders) holder.child.stdin?.end()
    for (const one of [...holders, waiter]) expect(await one.ends()).toMatchObject({ code: 0 })
    await slots.leavesNothing()
  })

  test('makes more of them at once, for who waits and for consul lock, and fewer when enough have gone', async () => {
    const slots = new Slots()
    const holder = slots.start(1, 'cat')
    await slots.untilHeldBy(1)
    const waiter = slots.start(1, 'sh', '-c', 'echo in; exec cat')
    await waiter.says(/waiting for/)
    expect(await runLocker(['slots', slots.name, '2'])).toMatchObject({
      code: 0,
      stdout: `${slots.name} has 2 slots\n`,
    })
    await waiter.prints(/in/)
    expect((await slots.list())?.Limit).toBe(2)
    expect(await slots.once(1, 'echo', 'ran')).toMatchObject({ code: 2, stdout: '' })
    expect(await runLocker(['slots', slots.name, '1'])).toMatchObject({
      code: 0,
      stdout: `${slots.name} has 1 slot; 2 are taken, and nobody comes in before fewer than 1 are\n`,
    })
    holder.child.stdin?.end()
    await holder.ends()
    expect(await slots.once(1, 'echo', 'ran')).toMatchObject({ code: 1, stdout: '' })
    waiter.child.stdin?.end()
    expect(await waiter.ends()).toMatchObject({ code: 0 })
    expect(await slots.once(1, 'echo', 'ran')).toMatchObject({ code: 0, stdout: 'ran\n' })
    await slots.leavesNothing()
  })

  test('changes nothing where nobody has one, and says so', async () => {
    const { name } = new Slots()
    expect(await runLocker(['slots', name, '3'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(`nobody has a slot of ${name}, so nothing is changed`),
    })
    const holder = startLocker([name, 'sh', '-c', 'echo runs; exec sleep 60'])
    await holder.prints(/runs/)
    for (const words of [[], ['3']]) {
      expect(await runLocker(['slots', name, ...words])).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining('is held as a plain lock'),
      })
    }
    holder.kill('SIGTERM')
    await holder.ends()
  })

  test.each([
    [[], 'no lock was named'],
    [['a/'], 'empty part'],
    [['web', '0'], 'is no number of slots'],
    [['web', '1001'], 'is no number of slots'],
    [['web', '-1'], 'is no number of slots'],
    [['web', 'many'], 'is no number of slots'],
    [['web', '2', '3'], '3'],
    [['--key', 'foo', 'web'], '--slots can'],
  ])('with the words %j says what is wrong', async (words, sentence) => {
    const ended = await runLocker(['slots', ...words])
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(sentence) })
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test('leaves alone what is no list of slots', async () => {
    const slots = new Slots()
    await slots.consul.request('PUT', `/kv/${slots.prefix}/.lock`, 'data')
    for (const words of [[], ['3']]) {
      expect(await runLocker(['slots', slots.name, ...words])).toMatchObject({ code: 2, stdout: '' })
    }
    expect(await slots.consul.value(`${slots.prefix}/.lock`)).toBe('data')
    await slots.consul.deleteKey(`${slots.prefix}/.lock`)
  })
})

test.each([
  [['--slots', '0'], 'is no number from 1 to 1000'],
  [['--slots', 'two'], 'is no number from 1 to 1000'],
  [['--slots', '2', '--shared'], 'are two wishes'],
  [['--slots', '2', '--also', 'b'], 'are two wishes'],
  [['--shared', '--also', 'b'], 'are two wishes'],
  [['--slots', '2', '--key', 'foo'], 'end it in /.lock'],
  [['--also', 'b', '--also', 'b'], 'is named twice'],
  [['--also', 'a'], 'is named twice'],
  [['--also', ''], 'is empty'],
  [['--also', '../b'], 'in its path'],
  [Array.from({ length: 12 }, (_, n) => ['--also', `b${n}`]).flat(), '12 are the most'],
])('%j is refused in one sentence', async (options, sentence) => {
  const ended = await runLocker([...options, 'a', 'echo', 'ran'])
  expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(sentence) })
  expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1)
})
