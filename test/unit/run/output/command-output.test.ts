import { closeSync, openSync, readdirSync, readlinkSync, writeSync } from 'node:fs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { OutputStreams } from '../../../../src/child/child.ts'
import { CommandOutput } from '../../../../src/run/output/command-output.ts'
import { LastOutput } from '../../../../src/run/output/last-output.ts'
import type { RunOutcome } from '../../../../src/run/run-outcome.ts'
import { SILENT } from '../../../virtual/silent-log.ts'
import { virtualLock } from '../../../virtual/virtual-lock.ts'

/** Nothing of a success is shown, so that tests may have some. */
const QUIET = { quietUnlessFail: true, timestamps: false }
const SUCCESS: RunOutcome = { kind: 'ran', status: { code: 0 } }

/** The output of a command that is this process, and what a listener keeps of it. */
async function opened() {
  const lock = virtualLock()
  const notices: string[] = []
  const leaving = new AbortController()
  const ctx = {
    ...lock.ctx,
    signal: leaving.signal,
    log: { ...SILENT, notice: (line: string) => void notices.push(line) },
  }
  const last = new LastOutput(1000)
  const output = await CommandOutput.open(ctx, process.env, QUIET, last)
  return {
    ...lock,
    ctx,
    output,
    notices,
    leaving,
    heard: () => lock.clock.run(last.text(ctx)),
    succeed: () => output.finished({ outcome: SUCCESS, waitedMs: 0 }),
  }
}

/** As a command has them: descriptors of its own. */
function keptOpen({ stdout, stderr }: OutputStreams) {
  const own = [stdout, stderr].map((fd) => openSync(`/proc/self/fd/${fd}`, 'w'))
  const close = () => own.splice(0).forEach((fd) => void closeSync(fd))
  onTestFinished(close)
  return { say: (text: string) => writeSync(own[0] as number, text), close }
}

/** How many ends of pipes this process has. */
function pipeEnds(): number {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return links.filter((link) => link.includes('.output')).length
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
    await vi.waitFor(() => expect(pipeEnds()).toBe(before))
  })

  test('of a command that wasn’t started is none', async () => {
    const before = pipeEnds()
    const { ctx, output, heard, succeed } = await opened()
    succeed()
    await output.settled(ctx)
    expect(await heard()).toBe('')
    await vi.waitFor(() => expect(pipeEnds()).toBe(before))
  })

  test('goes on to be taken, and dropped, when a daemon has it open still', async () => {
    const { ctx, clock, output, heard, succeed, notices } = await opened()
    const daemon = await output.launch(async (streams) => keptOpen(streams))
    daemon.say('begun')
    succeed()
    const settled = output.settled(ctx)
    await clock.advance(1000)
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
})
