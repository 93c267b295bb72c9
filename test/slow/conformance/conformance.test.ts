import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { freePorts } from '../../../scripts/provide/ports.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { createLog } from '../../../src/base/log.ts'
import { HandlerApplication } from '../../../src/leader/application/handler-application.ts'
import type { Check } from '../../../src/leader/conformance/conformance-check.ts'
import { checkGroups, type Finding, testApplication } from '../../../src/leader/conformance/conformance-test.ts'
import { MemoryNotes } from '../../../src/leader/conformance/memory-notes.ts'
import { StrayProcesses } from '../../../src/leader/conformance/stray-processes.ts'
import { Subject } from '../../../src/leader/conformance/subject.ts'
import { parseLeaderFile } from '../../../src/leader/leader-file.ts'
import { afterTest } from '../../kit/after-test.ts'
import { scratch, uniqueName } from '../../kit/unique.ts'
import { type BrokenPromise, ToyHandler } from './toy-handler.ts'

const LIMITS = 'timeouts: { health: 5s, ensure: 10s, demote: 5s, fence: 10s }'

/** What the test finds, until it finds a promise broken. */
async function findings(checks: readonly Check[], fault?: BrokenPromise): Promise<Finding[]> {
  const { http: port } = await freePorts()
  const name = uniqueName('toy')
  const text = `name: ${name}\nport: ${port}\nmodule: ./none.js\n${LIMITS}\n`
  const file = { ...parseLeaderFile('toy.yaml', text), application: 'toy' }
  const notes = new MemoryNotes()
  const setting = { file, node: 'n1', notes, environment: { PATH: process.env.PATH, TOY: name } }
  const handler = new ToyHandler(setting, join(scratch(), 'role'), fault)
  afterTest(() => handler.end())
  const log = createLog({ format: 'text', quiet: true, debug: false, write: () => {} })
  const ctx = { clock: systemClock, log, signal: AbortSignal.timeout(100_000), random: Math.random }
  const subject = new Subject(file, new HandlerApplication(file, handler), notes)
  const found: Finding[] = []
  for await (const finding of testApplication(ctx, subject, new StrayProcesses(`TOY=${name}`), checks)) {
    found.push(finding)
    if (finding.kind === 'failed') break
  }
  return found
}

/** What is broken, where the test must say so first, and in which words. */
const BROKEN: readonly [BrokenPromise, string, string][] = [
  ['stand-by-opens-it', 'stand_by has it run, and take no writes', 'it says that it is master'],
  ['never-ready', 'ready_to_lead agrees when nobody has led before', 'not today'],
  ['promotes-in-words-only', 'it is master then', 'it says that it is slave (it is slave)'],
  ['promotes-once', 'ensure_master again changes nothing', 'it is master already'],
  ['demote-hangs', 'demote succeeds', 'no end within 5s'],
  ['demotes-in-words-only', 'it is no master then', 'it says that it is master'],
  ['demotes-once', 'demote again succeeds', 'it is demoted already'],
  [
    'slave-becomes-master',
    'ensure_slave of a master that is gone ends in time, and leaves no master',
    'it says that it is master',
  ],
  [
    'waits-for-its-master',
    'ensure_slave of a master that hangs ends in time, and leaves no master',
    'no end within 10s',
  ],
  ['ready-though-behind', 'ready_to_lead refuses when somebody else had more', 'it agrees'],
  ['notes-though-not-last', "demote of who isn't the last master leaves the note of that one", 'it has noted its own'],
  ['deaf', 'ensure_master that is cut short is over, and demote succeeds after it', 'it went on for'],
  ['goes-on-behind', 'ensure_master that is cut short is over, and demote succeeds after it', 'is master'],
  ['healthy-though-hung', 'health of a hung master says no, in time', 'it says: it listens'],
  ['demotes-the-hung', 'demote of a hung master fails in time, or it is dead then', 'it says that it has succeeded'],
  ['fences-nobody', 'fence kills a hung master', 'it lives: process'],
  ['fence-fails-of-the-dead', 'fence again succeeds', 'there is no such process'],
  ['healthy-though-dead', 'health of a dead application says no', 'it says: it is down'],
  ['ready-though-dead', 'ready_to_lead of a dead application says no', 'it agrees'],
  ['comes-back-as-master', 'it comes back as no master', 'it is master'],
  ['leaves-a-process', 'no call leaves a process behind', 'there is sleep (pid'],
]

// Most of their time is that of limits that must run out.
describe.concurrent('a handler', () => {
  test('that keeps its promises passes, and nothing stays untold', { timeout: 120_000 }, async () => {
    const found = await findings(checkGroups().flat())
    expect(found.filter(({ kind }) => kind !== 'ok')).toEqual([])
    expect(found.length).toBeGreaterThan(20)
  })

  test.for(BROKEN)('that breaks one fails there › %s', { timeout: 120_000 }, async ([fault, title, why]) => {
    const [roles = [], ...others] = checkGroups()
    const group = others.find((group) => group.some((check) => check.title === title)) ?? []
    expect((await findings([...roles, ...group], fault)).at(-1)).toMatchObject({
      title,
      why: expect.stringContaining(why),
    })
  })
})
