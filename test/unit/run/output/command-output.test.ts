import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { isWritePending } from '../../../../src/base/nonblocking-output.ts'
import type { OutputStreams } from '../../../../src/child/child.ts'
import { inheritanceIn } from '../../../../src/child/internal-command.ts'
import { openPipe } from '../../../../src/child/pipe.ts'
import { CommandOutput, streamOf, unlessReaderGone } from '../../../../src/run/output/command-output.ts'
import { LastOutput } from '../../../../src/run/output/last-output.ts'
import type { Descriptors } from '../../../../src/run/output/output-path.ts'
import type { OutputPlan, OutputSink } from '../../../../src/run/output/output-plan.ts'
import type { RunOutcome } from '../../../../src/run/run-outcome.ts'
import { processesWith } from '../../../kit/processes.ts'
import { SILENT } from '../../../virtual/silent-log.ts'
import { virtualLock } from '../../../virtual/virtual-lock.ts'

const PLAIN: OutputPlan = { quietUnlessFail: false, timestamps: false }
const QUIET: OutputPlan = { ...PLAIN, quietUnlessFail: true }
const SUCCESS: RunOutcome = { kind: 'ran', status: { code: 0 } }

const WHILE = { timeout: 20_000 }

function folderOfTest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'command-output-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

function opening(path: string): number {
  const fd = openSync(path, 'w')
  onTestFinished(() => closeSync(fd))
  return fd
}

/** A pipe whose write end stands for a stream of ours; its readers can go away. */
async function ownPipe() {
  const pipe = await openPipe(virtualLock().ctx, process.env)
  if (!pipe) throw new Error('no pipe')
  const readers = [pipe.readEnd, pipe.secondReadEnd]
  const readersGo = () => readers.splice(0).forEach((fd) => void closeSync(fd))
  onTestFinished(() => {
    readersGo()
    closeSync(pipe.writeEnd)
  })
  return { fd: pipe.writeEnd, readersGo }
}

interface About {
  readonly plan?: OutputPlan
  readonly own?: (files: Descriptors) => Descriptors
  readonly environment?: NodeJS.ProcessEnv
  readonly listener?: OutputSink
}

/** The output of a command that is this process, files that stand for our own streams, and what a listener keeps. */
async function opened({ plan = QUIET, own = (files) => files, environment = process.env, listener }: About = {}) {
  const lock = virtualLock()
  const notices: string[] = []
  const leaving = new AbortController()
  const ctx = {
    ...lock.ctx,
    signal: leaving.signal,
    log: { ...SILENT, notice: (line: string) => void notices.push(line) },
  }
  const folder = folderOfTest()
  const files = { stdout: opening(join(folder, 'stdout')), stderr: opening(join(folder, 'stderr')) }
  const last = new LastOutput(1000)
  const output = await CommandOutput.open(ctx, environment, plan, listener ?? last, own(files))
  return {
    ...lock,
    ctx,
    output,
    notices,
    leaving,
    heard: () => lock.clock.run(last.text(ctx)),
    shown: () => ['stdout', 'stderr'].map((name) => readFileSync(join(folder, name), 'utf8')),
    succeed: () => output.finished({ outcome: SUCCESS, waitedMs: 0 }),
  }
}

/** A command that says something to each stream, and ends. */
const speaks = async ({ stdout, stderr }: OutputStreams) => {
  writeSync(stdout, 'out')
  writeSync(stderr, 'err')
}

/** As a command has them: descriptors of its own. */
function keptOpen({ stdout, stderr }: OutputStreams) {
  const own = [stdout, stderr].map((fd) => openSync(`/proc/self/fd/${fd}`, 'w'))
  const close = () => own.splice(0).forEach((fd) => void closeSync(fd))
  onTestFinished(close)
  const say = (text: string, to = 0) => writeSync(own[to] as number, text)
  return {
    say,
    close,
    /** Waits until whoever writes there learns that nobody reads any more. */
    isShut: (to: number) => vi.waitFor(() => expect(() => say('x', to)).toThrow('EPIPE'), WHILE),
  }
}

/** How many ends of pipes this process has. */
function pipeEnds(): number {
  return readdirSync('/proc/self/fd').filter((fd) => linkOf(`/proc/self/fd/${fd}`).includes('.output')).length
}

/** What a descriptor is of; empty when there is none. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(fd)
  } catch {
    return ''
  }
}

describe('a command’s output', () => {
  test('is carried to its end, and nothing is left of it', async () => {
    const before = pipeEnds()
    const { ctx, output, heard, succeed, notices } = await opened()
    expect(pipeEnds()).toBeGreaterThan(before)
    await output.launch(async ({ stdout, stderr }) => {
      writeSync(stdout, 'out ')
      writeSync(stderr, 'err')
    })
    succeed()
    await output.settled(ctx)
    expect([...(await heard())].sort()).toEqual([...'out err'].sort())
    expect(notices).toEqual([])
    await vi.waitFor(() => expect(pipeEnds()).toBe(before), WHILE)
  })

  test('of a command that wasn’t started is none', async () => {
    const before = pipeEnds()
    const { ctx, output, heard, succeed, notices } = await opened()
    succeed()
    await output.settled(ctx)
    expect(await heard()).toBe('')
    expect(notices).toEqual([])
    await vi.waitFor(() => expect(pipeEnds()).toBe(before), WHILE)
  })

  test('of one that can’t be started is none, and nothing is left of it', async () => {
    const before = pipeEnds()
    const { ctx, output, notices } = await opened()
    await expect(output.launch(() => Promise.reject(new Error('no such file')))).rejects.toThrow('no such file')
    await output.settled(ctx)
    expect(notices).toEqual([])
    await vi.waitFor(() => expect(pipeEnds()).toBe(before), WHILE)
  })

  test('goes on to be taken, and dropped, when a daemon has it open still', async () => {
    const { ctx, clock, output, heard, succeed, notices } = await opened()
    const daemon = await output.launch(async (streams) => keptOpen(streams))
    daemon.say('begun')
    succeed()
    const settled = output.settled(ctx)
    await clock.advance(999)
    expect(notices).toEqual([])
    await clock.advance(1)
    await settled
    expect(await heard()).toBe('begun')
    expect(notices).toEqual([expect.stringContaining('what it writes from now on is dropped')])
    expect(() => daemon.say('more')).not.toThrow()
  })

  test('isn’t waited for when a signal comes', async () => {
    const { ctx, output, leaving, succeed } = await opened()
    const daemon = await output.launch(async (streams) => keptOpen(streams))
    succeed()
    const settled = output.settled(ctx)
    leaving.abort(new Error('a signal'))
    await settled
    expect(() => daemon.say('more')).not.toThrow()
  })

  test('fails as who listens to it', async () => {
    const write = () => Promise.reject(new Error('nobody listens'))
    const { ctx, output } = await opened({ listener: { write } })
    await output.launch(speaks)
    await expect(output.settled(ctx)).rejects.toThrow('nobody listens')
  })

  test('can’t be carried without a pipe', async () => {
    const folder = folderOfTest()
    for (const name of ['mkfifo', 'sh']) writeFileSync(join(folder, name), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    const environment = { ...process.env, PATH: `${folder}:${process.env.PATH}` }
    await expect(opened({ environment })).rejects.toMatchObject({
      code: 'usage',
      hint: expect.stringContaining('mkfifo'),
    })
  })
})

describe('where a command’s output is shown', () => {
  test('each stream has a pipe, and is shown at once', async () => {
    const listener = { write: async () => {}, close: vi.fn() }
    const { ctx, clock, output, shown } = await opened({ plan: PLAIN, listener })
    await output.launch(async (streams) => {
      expect(streams.stdout).not.toBe(streams.stderr)
      await speaks(streams)
    })
    await vi.waitFor(() => expect(shown()).toEqual(['out', 'err']), WHILE)
    expect(listener.close).not.toHaveBeenCalled()
    await output.settled(ctx)
    expect(shown()).toEqual(['out', 'err'])
    expect(listener.close).toHaveBeenCalledOnce()
    expect(clock.pending).toBe(0)
  })

  test('both streams have one where both lead to the same', async () => {
    const { ctx, output, shown } = await opened({ plan: PLAIN, own: ({ stderr }) => ({ stdout: stderr, stderr }) })
    await output.launch(async (streams) => {
      expect(streams.stdout).toBe(streams.stderr)
      for (const _ of [1, 2]) await speaks(streams)
    })
    await output.settled(ctx)
    expect(shown()).toEqual(['', 'outerrouterr'])
  })

  test.each<[string, RunOutcome | undefined, string[]]>([
    ['not of a success', SUCCESS, ['', '']],
    ['of a command that fails', { kind: 'ran', status: { code: 1 } }, ['out', 'err']],
    ['of one that a signal ends', { kind: 'ran', status: { signal: 'SIGTERM' } }, ['out', 'err']],
    ['of one that had no more time, whatever it says', { kind: 'timed-out', status: { code: 0 } }, ['out', 'err']],
    ['of a run that nobody knows the end of', undefined, ['out', 'err']],
  ])('%s, when it is held back', async (_, outcome, expected) => {
    const { ctx, output, shown } = await opened()
    await output.launch(speaks)
    if (outcome) output.finished({ outcome, waitedMs: 0 })
    await output.settled(ctx)
    expect(shown()).toEqual(expected)
  })

  test.each([
    ['stdout', 0],
    ['stderr', 1],
  ] as const)('the command learns that nobody reads our %s any more, and of no other stream', async (name, n) => {
    const gone = await ownPipe()
    gone.readersGo()
    const { ctx, output, shown, notices } = await opened({
      plan: PLAIN,
      own: (files) => ({ ...files, [name]: gone.fd }),
    })
    const command = await output.launch(async (streams) => keptOpen(streams))
    await command.isShut(n)
    command.say('y', 1 - n)
    command.close()
    await output.settled(ctx)
    expect(shown()[1 - n]).toBe('y')
    expect(notices).toEqual([])
  })

  test('what was held back is shown to nobody when our reader has gone', async () => {
    const gone = await ownPipe()
    gone.readersGo()
    const { ctx, output, shown } = await opened({ own: ({ stderr }) => ({ stdout: gone.fd, stderr }) })
    await output.launch(speaks)
    await output.settled(ctx)
    expect(shown()).toEqual(['', ''])
  })

  test('a reader that doesn’t read is waited for until a signal comes', async () => {
    let bytesHeard = 0
    const listener: OutputSink = {
      async write(_, { length }) {
        bytesHeard += length
      },
    }
    const unread = await ownPipe()
    const { ctx, output, leaving } = await opened({
      listener,
      own: ({ stderr }) => ({ stdout: unread.fd, stderr }),
    })
    const command = await output.launch(async (streams) => keptOpen(streams))
    const piece = 'x'.repeat(32 * 1024)
    // More than a pipe holds.
    for (let n = 1; n <= 4; n++) {
      command.say(piece)
      await vi.waitUntil(() => bytesHeard === n * piece.length, WHILE)
    }
    command.close()
    let isSettled = false
    const settled = output.settled(ctx).then(() => {
      isSettled = true
    })
    await vi.waitUntil(isWritePending, WHILE)
    expect(isSettled).toBe(false)
    leaving.abort(new Error('a signal'))
    await settled
    unread.readersGo()
    await vi.waitUntil(() => !isWritePending(), WHILE)
  })
})

describe('who carries on when we are killed, and is gone when we leave', () => {
  const PIPE = expect.stringContaining('.output')

  /** The shell, by what only its environment has. */
  async function fallback(plan: OutputPlan, environment: NodeJS.ProcessEnv = {}) {
    const mark = `COMMAND_OUTPUT_TEST=${Math.random()}`
    const [name, value] = mark.split('=') as [string, string]
    const { output, ctx } = await opened({ plan, environment: { ...process.env, ...environment, [name]: value } })
    const [pid] = await vi.waitUntil(() => {
      const found = processesWith(mark)
      return found.length > 0 && found
    }, WHILE)
    const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    const variables = Object.fromEntries(entries.map((entry) => entry.split(/=(.*)/s)))
    const links = [4, 5, 6].map((fd) => linkOf(`/proc/${pid}/fd/${fd}`))
    await output.settled(ctx)
    await vi.waitUntil(() => processesWith(mark).length === 0, WHILE)
    return { told: inheritanceIn(variables), links }
  }

  test('knows the way of the output, and has the pipes', async () => {
    const plan = { ...PLAIN, timestamps: true }
    const { told, links } = await fallback(plan)
    expect(told).toEqual({ plan, pipes: 2, isSpooled: false })
    expect(links).toEqual([PIPE, PIPE, expect.not.stringContaining('/.consul-locker-')])
  })

  test('has what is held back, too', async () => {
    const { told, links } = await fallback(QUIET)
    expect(told).toEqual({ plan: QUIET, pipes: 2, isSpooled: true })
    expect(links).toEqual([PIPE, PIPE, expect.stringContaining('/.consul-locker-')])
  })
})

test('the first pipe is that of the standard output', () => {
  expect([0, 1].map(streamOf)).toEqual(['stdout', 'stderr'])
})

test('only a reader that has gone is no fault', () => {
  expect(() => unlessReaderGone(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))).not.toThrow()
  expect(() => unlessReaderGone(new Error('something else'))).toThrow('something else')
})
