import { execFileSync } from 'node:child_process'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GUARDIAN_SCRIPT } from '../../../src/child/guardian-script.ts'
import { patiently } from '../../kit/locker.ts'
import { scratch } from '../../kit/unique.ts'

/** The pause in which the script looks again whether the command is gone; it has nothing to do with the clock. */
const LOOK_S = '0.1'

/**
 * A clock for the guardian's script that goes on only when the test says so, and has every sleep end when it does: a
 * busy machine can't make anybody late. Times are in hundredths of a second, as the script's.
 */
export class StoppedClock {
  /** Where the `sleep` is that goes by it. */
  readonly path = scratch()
  readonly #face = join(this.path, 'uptime')
  readonly #naps = join(this.path, 'naps')
  #now = 100_000

  constructor() {
    this.advance(0)
    writeFileSync(this.#naps, '')
    const sleep = execFileSync('which', ['sleep'], { encoding: 'utf8' }).trim()
    const script = `#!/bin/sh
[ "$1" != ${LOOK_S} ] || exec ${sleep} "$1"
read -r then _ <${this.#face}
echo "$then $1" >>${this.#naps}
while read -r now _ <${this.#face} && [ "$now" = "$then" ]; do ${sleep} 0.02; done
`
    writeFileSync(join(this.path, 'sleep'), script, { mode: 0o755 })
  }

  /** The guardian's script, with this clock for the machine's. */
  get script(): string {
    return GUARDIAN_SCRIPT.replaceAll('/proc/uptime', this.#face)
  }

  advance(time: number): void {
    this.#now += time
    writeFileSync(`${this.#face}.new`, `${this.#text} 0.00\n`)
    renameSync(`${this.#face}.new`, this.#face)
  }

  /** Goes on, as little as it can, until the guardian sleeps for more than this: it has heard then what it was told. */
  async showsMoreThan(time: number): Promise<void> {
    let naps: number[] = []
    const look = () => {
      if (naps.length > 0) this.advance(1)
      naps = this.#napsOfNow()
      return naps.some((nap) => nap > time)
    }
    await patiently(look, () => `the guardian sleeps for ${naps} at ${this.#text}`)
  }

  get #text(): string {
    return (this.#now / 100).toFixed(2)
  }

  #napsOfNow(): number[] {
    return readFileSync(this.#naps, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith(`${this.#text} `))
      .map((line) => Math.round(Number(line.slice(this.#text.length)) * 100))
  }
}
