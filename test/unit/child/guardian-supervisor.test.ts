import { setImmediate } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { GuardianProcessEvents } from '../../../src/child/guardian-process.ts'
import { type GuardianOptions, GuardianSupervisor, type StartShell } from '../../../src/child/guardian-supervisor.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

const GRACE_MS = 100

/** A guardian whose shells are none: what each of them was told, and how to have it end. */
function guardian(about: Partial<GuardianOptions> = {}, fault?: Error) {
  const clock = new VirtualClock()
  const said: string[] = []
  const shells: { readonly told: string[]; readonly events: GuardianProcessEvents; isSilenced: boolean }[] = []
  const start: StartShell = (_, events) => {
    if (fault) throw fault
    const shell = { told: [] as string[], events, isSilenced: false }
    shells.push(shell)
    return {
      write: (line) => void shell.told.push(line),
      silenceOrphans() {
        shell.isSilenced = true
      },
    }
  }
  const options = { graceMs: GRACE_MS, marker: undefined, release: ['release'], environment: {}, ...about }
  const one = new GuardianSupervisor(clock, { ...SILENT, warn: (line) => void said.push(line) }, options, start)
  onTestFinished(() => one.dismiss())
  const last = () => shells.at(-1)
  return { one, clock, said, shells, last, told: () => last()?.told, end: () => last()?.events.ended() }
}

/** One that has been told of its session. */
function begun(about?: Partial<GuardianOptions>) {
  const it = guardian(about)
  it.one.setSession('abc')
  it.last()?.events.ready()
  return it
}

const failure = (sentence: string) => expect.objectContaining({ code: 'usage', message: sentence })

describe('a guardian’s shell is started', () => {
  test('by itself, a little later', async () => {
    const { shells } = guardian()
    expect(shells).toHaveLength(0)
    await setImmediate()
    expect(shells).toHaveLength(1)
  })

  test('by the first thing that it is told, and once', async () => {
    const { one, shells } = guardian()
    one.setSession('abc')
    one.setSession('def')
    await setImmediate()
    expect(shells.map(({ told }) => told)).toEqual([['session abc', 'session def']])
  })

  test('by an order to guard, which it hears', async () => {
    const { one, shells } = guardian()
    one.arm(4711, 1000)
    await setImmediate()
    expect(shells.map(({ told }) => told)).toEqual([['arm 4711 100 10']])
  })

  test('never after it was dismissed', async () => {
    const { one, shells } = guardian()
    one.dismiss()
    await setImmediate()
    expect(shells).toHaveLength(0)
  })
})

describe('a guardian is ready', () => {
  test('when its shell reads, and stays so', async () => {
    const { one, clock, last } = guardian()
    let isReady = false
    const ready = one.ready().then(() => {
      isReady = true
    })
    await clock.advance(29_999)
    expect(isReady).toBe(false)
    last()?.events.ready()
    await ready
    await clock.advance(60_000)
    await one.ready()
    expect(one.failed.aborted).toBe(false)
  })

  test('within half a minute, or it has failed', async () => {
    const { one, clock } = guardian()
    const refused = expect(one.ready()).rejects.toEqual(failure('no guardian could be started: /bin/sh says nothing'))
    await clock.advance(30_000)
    await refused
    expect(one.failed.aborted).toBe(true)
  })
})

describe('a guardian is told', () => {
  test.each<[string, (one: GuardianSupervisor) => void, readonly string[]]>([
    ['of a group, in hundredths of a second', (one) => one.arm(4711, 1000, 200), ['arm 4711 100 20']],
    ['of no group', (one) => one.arm('none', 1000), ['arm none 100 10']],
    ['of a group that has no number yet', (one) => one.arm('STEP_1=1', 1000), ['arm STEP_1=1 100 10']],
    ['that the grace is what is left, by default', (one) => one.arm(5, 1000), ['arm 5 100 10']],
    ['what is left of the grace when the time is over', (one) => one.arm(5, -60), ['arm 5 0 4']],
    ['nothing less than nothing', (one) => one.arm(5, -600), ['arm 5 0 0']],
    ['of the command’s end', (one) => one.disarm(), ['disarm']],
    ['how it ended', (one) => one.disarm('ok'), ['disarm ok']],
    ['that the lock is its to give back', (one) => one.handOver(), ['handover']],
    ['that nothing is left to do', (one) => one.dismiss(), ['dismiss']],
  ])('%s', (_, tell, lines) => {
    const { one, told } = begun()
    tell(one)
    expect(told()).toEqual(['session abc', ...lines])
  })

  test.each<[string, (one: GuardianSupervisor) => void, string]>([
    ['the same time', (one) => one.arm(5, 1000), 'again'],
    ['a time that is hardly longer', (one) => one.arm(5, 1099), 'again'],
    ['a longer time', (one) => one.arm(5, 1100), 'arm 5 110 10'],
    ['a shorter time', (one) => one.arm(5, 999), 'arm 5 100 10'],
    ['another group', (one) => one.arm(6, 1000), 'arm 6 100 10'],
    ['another rest', (one) => one.arm(5, 1000, 50), 'arm 5 100 5'],
  ])('after one time, of %s', (_, tell, line) => {
    const { one, told } = begun()
    one.arm(5, 1000)
    tell(one)
    expect(told()?.slice(2)).toEqual([line])
  })

  test('of the same time as a new one, after an end', () => {
    const { one, told } = begun()
    one.arm(5, 1000)
    one.disarm()
    one.arm(5, 1000)
    expect(told()?.slice(2)).toEqual(['disarm', 'arm 5 100 10'])
  })

  test.each(['', 'a b', 'abc\ndismiss', '$(id)', '-n'])('no session such as %j', (session) => {
    expect(() => guardian().one.setSession(session)).toThrow('no line for a guardian')
  })

  test.each([0, -5, 1.5, Number.NaN])('no group such as %d', (group) => {
    expect(() => begun().one.arm(group, 1000)).toThrow('no line for a guardian')
  })
})

describe('a guardian whose shell is killed', () => {
  test('has another one take over what it was told, with the time that is left', async () => {
    const { one, clock, shells, told, end, said } = begun()
    one.arm(5, 1000, 50)
    await clock.advance(400)
    end()
    expect(shells.map(({ isSilenced }) => isSilenced)).toEqual([true, false])
    expect(told()).toEqual(['session abc', 'arm 5 60 5'])
    expect(said).toEqual(['the guardian was killed; started another'])
  })

  test('counts from when it was told last', async () => {
    const { one, clock, told, end } = begun()
    one.arm(5, 1000)
    await clock.advance(500)
    one.arm(5, 1050)
    await clock.advance(200)
    end()
    expect(told()).toEqual(['session abc', 'arm 5 80 10'])
  })

  test('has the next one know of the command’s end', () => {
    const { one, told, end } = begun()
    one.arm(5, 1000)
    one.disarm('ok')
    end()
    expect(told()).toEqual(['session abc', 'disarm ok'])
  })

  test('has nothing to tell when it was told nothing, and says nothing of what never was ready', () => {
    const { one, told, end, said } = guardian()
    void one.ready()
    end()
    expect(told()).toEqual([])
    expect(said).toEqual([])
  })

  test.each(['dismiss', 'handOver'] as const)('after %s needs no other one', (word) => {
    const { one, shells, end } = begun()
    one[word]()
    end()
    expect(shells).toHaveLength(1)
  })

  test('again and again within a second has failed, and is started no more', async () => {
    const { one, clock, shells, end } = begun()
    end()
    await clock.advance(999)
    end()
    expect(one.failed.aborted).toBe(false)
    end()
    expect(one.failed.reason).toEqual(failure('no guardian could be kept alive'))
    await expect(one.ready()).rejects.toBe(one.failed.reason)
    one.setSession('def')
    end()
    expect(shells).toHaveLength(3)
  })

  test('now and then goes on', async () => {
    const { one, clock, shells, end } = begun()
    for (let lives = 0; lives < 10; lives++) {
      end()
      end()
      await clock.advance(1000)
      end()
    }
    expect(one.failed.aborted).toBe(false)
    expect(shells).toHaveLength(31)
  })
})

describe('a guardian that can’t be started has failed', () => {
  const fault = (code: string) => Object.assign(new Error(`spawn ${code}`), { code })

  test('at once', async () => {
    const { one, shells } = guardian({ wayOut: 'do without' }, fault('E2BIG'))
    await expect(one.ready()).rejects.toMatchObject({
      code: 'usage',
      message: 'no guardian could be started: spawn E2BIG',
      hint: 'does /bin/sh work?; or do without',
    })
    expect(shells).toHaveLength(0)
  })

  test('later on', async () => {
    const { one, last } = guardian()
    const refused = expect(one.ready()).rejects.toEqual(failure('no guardian could be started: spawn ENOENT'))
    last()?.events.failed(fault('ENOENT'))
    await refused
  })

  test('for want of open files, which is said', async () => {
    await expect(guardian({}, fault('EMFILE')).one.ready()).rejects.toMatchObject({ code: 'exhausted' })
  })
})
