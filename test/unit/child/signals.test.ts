import { constants } from 'node:os'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { canBeContinued, processSignals, stopSelf, survivesHangUp } from '../../../src/child/signals.ts'
import { begun } from './begun.ts'

afterEach(() => vi.restoreAllMocks())

const NAMES = Object.keys(constants.signals) as NodeJS.Signals[]

/** Has this process's signals taken over until the test ends; none is sent. */
function takenOver(environment: NodeJS.ProcessEnv) {
  const before = new Map(NAMES.map((name) => [name, process.listeners(name)]))
  const source = processSignals(environment)
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

describe('a hang-up is survived', () => {
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

test('we stop as an unhandled TSTP would have us do, if somebody can continue us', () => {
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
  stopSelf()
  expect(kill.mock.calls).toEqual(canBeContinued() ? [[process.pid, 'SIGSTOP']] : [])
})
