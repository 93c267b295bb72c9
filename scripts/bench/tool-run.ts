import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { execute } from '../provide/execute.ts'
import { cpuMsOf, treeOf, wordsOf } from './process-tree.ts'
import type { Running, Testbed } from './testbed.ts'
import type { Tool } from './tool.ts'

/** The command: says when it began, waits to be told to go on, and says when it ended, with the last thing it does. */
const COMMAND = ['/bin/sh', '-c', 'date +%s%N; read -r _ <"$1"; exec date +%s%N', 'bench-command'] as const

/** A shell around a tool. */
const REAPER = ['bash', '-c', '"$@"; exit', 'reaper'] as const

const GLANCE_MS = 60
const ASLEEP_MS = 0.2
const JITTER_MS = 100

/** A run of a tool, whose command has the lock until it is released. Instants are in ms since 1970, by `date`. */
export class ToolRun {
  readonly pid: number
  /** When its command began; rejects when it never does. */
  readonly begun: Promise<number>
  /** When its command ended. */
  readonly finished: Promise<number>
  /** When all is cleaned up. */
  readonly ended: Promise<unknown>
  #fifo: number | undefined

  private constructor(running: Running, stamps: readonly [Promise<number>, Promise<number>], fifo: number) {
    this.pid = running.pid
    ;[this.begun, this.finished] = stamps
    this.ended = running.ended
    this.#fifo = fifo
    const close = () => this.#close()
    running.ended.then(close, close)
  }

  /** The tool tries for the lock. `reaped`: under a shell that inherits and awaits orphans, where that is allowed. */
  static async start(testbed: Testbed, tool: Tool, lock: string, reaped = false): Promise<ToolRun> {
    const path = testbed.file('fifo')
    await execute('mkfifo', [path])
    // Open for both, so that neither end ever waits for the other.
    const fifo = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    const begun = Promise.withResolvers<number>()
    const finished = Promise.withResolvers<number>()
    let output = ''
    const onOutput = (text: string) => {
      output += text
      const [first, second] = stampsIn(output)
      if (first !== undefined) begun.resolve(first)
      if (second !== undefined) finished.resolve(second)
    }
    const words = [...tool.words(lock), ...COMMAND, path]
    const running = testbed.start(reaped ? [...testbed.reaper, ...REAPER, ...words] : words, onOutput)
    for (const { promise, reject } of [begun, finished]) {
      promise.catch(() => {})
      running.ended.then(() => reject(new Error(`${words.join(' ')} ran no command.`)), reject)
    }
    return new ToolRun(running, [begun.promise, finished.promise], fifo)
  }

  /** Lets the command end. */
  release(): void {
    if (this.#fifo !== undefined) writeSync(this.#fifo, '\n')
  }

  /** All processes of the tool's, without the command and what is around the tool. */
  processes(): number[] {
    return treeOf(this.pid).filter((pid) => {
      const words = wordsOf(pid)
      return words[0] !== 'unshare' && !beginsWith(words, REAPER) && !beginsWith(words, COMMAND)
    })
  }

  /** Resolves when it does nothing any more but wait, or after `limitMs` milliseconds. */
  async asleep(limitMs = 2000): Promise<void> {
    await asleep([this.pid], limitMs)
  }

  #close(): void {
    if (this.#fifo !== undefined) closeSync(this.#fifo)
    this.#fifo = undefined
  }
}

/** Resolves when these processes, and what they started, do nothing any more, or after `limitMs` milliseconds. */
export async function asleep(roots: readonly number[], limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs
  let [before, quiet] = [Number.NaN, 0]
  while (quiet < 2 && performance.now() < deadline) {
    await delay(GLANCE_MS)
    const now = cpuMsOf(treeOf(...roots))
    quiet = now - before < ASLEEP_MS * roots.length ? quiet + 1 : 0
    before = now
  }
}

/** A random time in ms to wait before a release: who polls must not always be met at the same moment of its sleep. */
export function phaseOf(tool: Tool): number {
  return Math.random() * (tool.pollMs || JITTER_MS)
}

/** The instants in an output of `date +%s%N`, in ms. */
export function stampsIn(output: string): number[] {
  return [...output.matchAll(/^(\d{19})\n/gm)].map(([, ns]) => Number(ns) / 1e6)
}

function beginsWith(words: readonly string[], first: readonly string[]): boolean {
  return first.every((word, index) => words[index] === word)
}
