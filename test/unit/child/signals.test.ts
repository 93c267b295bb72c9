import { constants } from 'node:os'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { canBeContinued, processSignals, stopSelf, survivesHangUp } from '../../../src/child/signals.ts'
import { begun } from './begun.ts'

afterEach(() => vi.restoreAllMocks())

const NAMES = Object.keys(constants.signals) as NodeJS.Signals[]

/** A /proc with these files only. */
const procOf = (files: Readonly<Record<string, string>>) => (file: string) => {
  const text = files[file]
  if (text === undefined) throw new Error(`no ${file}`)
  return text
}

type Place = readonly [parent: number, group: number, session: number, terminal: number]

/** A /proc with the places of these processes only, whose names are odd. */
function placesOf(places: Readonly<Record<string, Place>>) {
  const stat = ([pid, place]: [string, Place]) => [`/proc/${pid}/stat`, `${pid} (a ) S 1) S ${place.join(' ')} 0 0\n`]
  return procOf(Object.fromEntries(Object.entries(places).map(stat)))
}

const TERMINAL = 34816

/** Has this process's signals taken over until the test ends; none is sent. */
function takenOver(environment: NodeJS.ProcessEnv, ...proc: [] | [ReturnType<typeof procOf>]) {
  const before = new Map(NAMES.map((name) => [name, process.listeners(name)]))
  const source = processSignals(environment, ...proc)
  const added = NAMES.flatMap((name) =>
    process
      .listeners(name)
      .filter((listener) => !before.get(name)?.includes(listener))
      .map((listener) => ({ name, listener: listener as (signal: NodeJS.Signals) => void })),
  )
  onTestFinished(() => added.forEach(({ name, listener }) => void process.off(name, listener)))
  const send = (signal: NodeJS.Signals) => {
    for (const { name, listener } of added) if (name === signal) listener(signal)
  }
  const heard: string[] = []
  return {
    source,
    send,
    heard,
    hear: (signal: string) => void heard.push(signal),
    taken: added.map(({ name }) => name),
  }
}

/** A parent of ours that survives a hang-up, or doesn't. */
async function withParent(script: string) {
  const { child } = await begun(`${script}; echo begun; exec sleep 600`)
  vi.spyOn(process, 'ppid', 'get').mockReturnValue(child.pid as number)
}

describe('our signals', () => {
  test('are heard, but for those that nobody can catch or that come of our own doing', async () => {
    await withParent('true')
    const { source, send, heard, hear, taken } = takenOver({})
    source.listen(hear)
    for (const name of NAMES) send(name)
    const unheard = ['KILL', 'STOP', 'SEGV', 'BUS', 'FPE', 'ILL', 'TRAP', 'SYS', 'CHLD', 'PIPE', 'XFSZ', 'IOT', 'POLL']
    const mayBeOurs = (name: string) => name !== 'SIGTTOU'
    const expected = NAMES.filter((name) => !unheard.includes(name.slice('SIG'.length)))
    expect(heard.filter(mayBeOurs).sort()).toEqual(expected.filter(mayBeOurs).sort())
    expect(taken).toEqual(expect.arrayContaining(['SIGIOT', 'SIGPOLL', 'SIGXFSZ']))
  })

  test('are the newest listener’s only, and nobody’s without one', () => {
    const { source, send, heard } = takenOver({})
    send('SIGTERM')
    const first = source.listen((signal) => void heard.push(`first ${signal}`))
    const second = source.listen((signal) => void heard.push(`second ${signal}`))
    send('SIGTERM')
    source.raise('SIGINT')
    second[Symbol.dispose]()
    send('SIGUSR1')
    first[Symbol.dispose]()
    send('SIGUSR2')
    expect(heard).toEqual(['second SIGTERM', 'second SIGINT', 'first SIGUSR1'])
  })

  test('may be let go of in any order', () => {
    const { source, send, heard, hear } = takenOver({})
    const first = source.listen(() => void heard.push('first'))
    source.listen(hear)
    first[Symbol.dispose]()
    send('SIGTERM')
    expect(heard).toEqual(['SIGTERM'])
  })

  test('are no hang-ups when we are to survive these', () => {
    const { source, send, heard, hear } = takenOver({ _: '/usr/bin/nohup' })
    source.listen(hear)
    send('SIGHUP')
    send('SIGTERM')
    expect(heard).toEqual(['SIGTERM'])
  })
})

test.each<[string, Record<string, Place>, boolean]>([
  ['heard without a terminal', { self: [1, 7, 7, 0] }, true],
  ['not heard on one', { self: [1, 7, 7, TERMINAL] }, false],
  ['not heard where nobody knows', {}, false],
])('who writes in the background of a terminal is stopped: TTOU is %s', (_, places, isTaken) => {
  const { taken } = takenOver({}, placesOf(places))
  expect(taken).toContain('SIGTTIN')
  expect(taken.includes('SIGTTOU')).toBe(isTaken)
})

describe('a hang-up is survived', () => {
  test.each([
    ['0100001', true],
    ['0102001', true],
    ['0100000', false],
    ['0100002', false],
    ['0100003', false],
    ['none', false],
  ])('by who was started with a standard input that can but be written to, as by nohup: %s', (flags, survives) => {
    const proc = procOf({ '/proc/self/fdinfo/0': `pos:\t0\nflags:\t${flags}\nmnt_id:\t1\n` })
    expect(survivesHangUp({}, proc)).toBe(survives)
  })

  test.each(['nohup', '/usr/bin/nohup'])('by what was started by %s', async (program) => {
    await withParent('true')
    expect(survivesHangUp({ _: program })).toBe(true)
  })

  test.each(['/usr/bin/nohup.sh', '/usr/bin/mynohup', '/bin/sh', undefined])(
    'not by what %s started',
    async (program) => {
      await withParent('trap "" INT USR1')
      expect(survivesHangUp({ _: program })).toBe(false)
    },
  )

  test('by who was started by a script that survives it', async () => {
    await withParent('trap "" HUP')
    expect(survivesHangUp({})).toBe(true)
    await withParent('trap "" HUP INT TERM')
    expect(survivesHangUp({})).toBe(true)
  })

  test('not by who knows nothing of a parent', () => {
    vi.spyOn(process, 'ppid', 'get').mockReturnValue(2 ** 30)
    expect(survivesHangUp({})).toBe(false)
  })
})

describe('a stop can be followed by a continuation', () => {
  const US: Place = [10, 7, 5, TERMINAL]

  test.each<[string, Record<string, Place>, boolean]>([
    ['without a terminal, whoever is above us', { self: [0, 7, 5, 0] }, true],
    ['by a shell above us', { self: US, 10: [9, 10, 5, TERMINAL] }, true],
    ['by a shell above who shares our job', { self: US, 10: [9, 7, 5, TERMINAL], 9: [8, 9, 5, TERMINAL] }, true],
    ['not by who is of another session', { self: US, 10: [9, 10, 4, TERMINAL] }, false],
    ['not by who is so above our job', { self: US, 10: [9, 7, 5, TERMINAL], 9: [8, 9, 4, 0] }, false],
    ['not where all above us are of our job', { self: US, 10: [0, 7, 5, TERMINAL] }, false],
    ['not where nobody is above us', { self: [0, 7, 5, TERMINAL] }, false],
    ['for all we know where nobody can be seen', {}, true],
    ['for all we know where nobody above us can be seen', { self: US }, true],
  ])('%s', (_, places, can) => {
    expect(canBeContinued(placesOf(places))).toBe(can)
  })
})

test.each<[boolean, Place]>([
  [true, [0, 7, 5, 0]],
  [false, [0, 7, 5, TERMINAL]],
])('we stop as an unhandled TSTP would have us do, if somebody can continue us: %s', (can, self) => {
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
  stopSelf(placesOf({ self }))
  expect(kill.mock.calls).toEqual(can ? [[process.pid, 'SIGSTOP']] : [])
})
