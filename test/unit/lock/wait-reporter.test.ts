import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import type { Entry } from '../../../src/consul/kv.ts'
import { WaitReporter } from '../../../src/lock/wait-reporter.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

const entry = (host: string, session: string | undefined): Entry => ({
  key: 'k',
  value: host,
  flags: 0n,
  session,
  lockIndex: 1,
  createIndex: 1,
  modifyIndex: 1,
})

function reporter() {
  const { clock, ctx } = virtualLock()
  const said: string[] = []
  const told: string[] = []
  const heard: Context = { ...ctx, log: { ...SILENT, notice: (line) => void said.push(line) } }
  return { clock, said, told, report: new WaitReporter(heard, 'db', (sentence) => void told.push(sentence)) }
}

describe('a wait', () => {
  test('names the lock that is in the way, and how many more are', () => {
    const { said, report } = reporter()
    report.heldBy({ ...entry('web1', 'a'), name: 'other' })
    report.heldBy({ ...entry('web2', 'b'), others: 2 })
    report.queued(3, { ...entry('web2', 'b'), others: 1 })
    report.gaveUp('taken', { ...entry('web1', 'a'), name: 'other', others: 0 }, 0)
    expect(said).toEqual([
      'waiting for other: held by web1',
      'waiting for db: held by web2, and by 2 more',
      'waiting for db: 4th in line, held by web2, and by 1 more',
      'other is busy: held by web1',
    ])
  })

  test('is told of at once, when the holder changes, and once a minute', async () => {
    const { clock, said, report } = reporter()
    report.heldBy(entry('web1', 'a'))
    report.heldBy(entry('web1', 'a'))
    await clock.advance(59_999)
    report.heldBy(entry('web1', 'a'))
    expect(said).toEqual(['waiting for db: held by web1'])
    report.heldBy(entry('web2', 'b'))
    expect(said).toHaveLength(2)
    await clock.advance(60_000)
    report.heldBy(entry('web2', 'b'))
    report.heldBy(entry('web2', 'b'))
    expect(said.slice(1)).toEqual(['waiting for db: held by web2', 'waiting for db: held by web2'])
  })

  test('is told of to others in the same words, with what else is waited for', async () => {
    const { clock, said, told, report } = reporter()
    report.tell('waiting for db: paused')
    report.tell('waiting for db: paused')
    report.tell('waiting for db: not due')
    const since = new Date(clock.now().wallMs).toISOString()
    await clock.advance(5000)
    report.heldBy(entry(JSON.stringify({ host: 'web1', since }), 'a'))
    expect(said).toEqual(['waiting for db: paused', 'waiting for db: not due', 'waiting for db: held by web1 for 5s'])
    expect(told).toEqual(said)
  })

  test('for a lock-delay says for how long at most', () => {
    const { said, report } = reporter()
    report.lockDelayed(24_000)
    expect(said).toEqual(['waiting for db: its last holder was cut off, Consul keeps it closed for 24s at most'])
  })

  test('in the queue says the place and the holder, and again when it moves up', () => {
    const { said, report } = reporter()
    report.queued(2, entry('web1', 'a'))
    report.queued(2, entry('web1', 'a'))
    report.queued(1, entry('web1', undefined))
    report.queued(0, undefined)
    expect(said).toEqual([
      'waiting for db: 3rd in line, held by web1',
      'waiting for db: 2nd in line',
      'waiting for db: 1st in line',
    ])
  })

  test.each([
    [4, '4th'],
    [10, '10th'],
    [11, '11th'],
    [12, '12th'],
    [13, '13th'],
    [14, '14th'],
    [21, '21st'],
    [111, '111th'],
    [113, '113th'],
    [122, '122nd'],
  ])('of number %i is that of the %s', (place, word) => {
    const { said, report } = reporter()
    report.queued(place - 1, undefined)
    expect(said).toEqual([`waiting for db: ${word} in line`])
  })
})

describe('who does not wait', () => {
  test.each([
    ['it is held', 'taken', entry('web1', 'a'), 'db is busy: held by web1'],
    ['nobody holds it any more', 'taken', undefined, 'db is busy: it was held a moment ago'],
    ['others wait', 'queued', entry('web1', 'a'), 'db is busy: others stand in line for it'],
    ['it is closed', 'lock-delay', entry('web1', undefined), 'db is busy: its last holder was cut off, Consul keeps'],
  ] as const)('hears why: %s', (_, why, holder, sentence) => {
    const { said, report } = reporter()
    report.gaveUp(why, holder, 24_000)
    expect(said).toEqual([expect.stringContaining(sentence)])
  })
})
