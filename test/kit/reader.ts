import { once } from 'node:events'
import { constants } from 'node:os'
import { entryOf, type Paste, type Story } from '../pages/story.ts'
import { asCron } from './documents.ts'
import { FreshMachine } from './fresh-machine.ts'
import { patiently, type Running } from './locker.ts'
import { commandsOf, type Fence, fencesOf } from './pages.ts'
import { missingLines } from './shown.ts'

const HOME = '/var/lib/somebody'
const MARK = '-- the end of a command'
const DONE = '-- all done\n'
const ALL_DONE = `printf '%s' '${DONE}'; printf '%s' '${DONE}' >&2`

/** What a command came to. */
interface Outcome {
  readonly code: number
  readonly output: string
}

/** Somebody on a machine of his own who pastes a page's commands, one after the other. */
export class Reader {
  readonly #machine: FreshMachine
  readonly #story: Story
  readonly #serving: (() => Promise<void>)[] = []

  private constructor(machine: FreshMachine, story: Story) {
    this.#machine = machine
    this.#story = story
  }

  /** Follows a page to its end. Rejects at the first command, or text, that isn't what the page and its story say. */
  static async follows(page: string, story: Story): Promise<void> {
    const machine = await FreshMachine.start({ consul: story.consul ?? 'dev', installed: true })
    try {
      const reader = new Reader(machine, story)
      await reader.#settle()
      for (const fence of fencesOf(page)) await reader.#read(fence)
      for (const end of reader.#serving) await end()
    } finally {
      await machine.stop()
    }
  }

  async #settle(): Promise<void> {
    const { own = [], programs = {}, world = '' } = this.#story
    await this.#machine.has(programs)
    const lines = own.map((name) => {
      const made = [`${HOME}/${name}`, `/usr/local/bin/${name}`]
      return made.map((path) => `echo '#!/bin/sh\necho ${name}' >${path}; chmod 755 ${path}`).join('\n')
    })
    await this.#machine.does(`mkdir -p ${HOME}`)
    await this.#ours([...lines, world].join('\n'))
  }

  async #read(fence: Fence): Promise<void> {
    const { shows, elsewhere, never } = this.#story
    const printed = entryOf(shows, fence.text)
    if (printed !== undefined) await this.#compare(fence, printed)
    let typed: [string, Paste][] = []
    for (const line of commandsOf(fence)) {
      if (entryOf(elsewhere, line) !== undefined || entryOf(never, line) !== undefined) continue
      const command = fence.language === 'crontab' ? asCron(line) : line
      const paste = entryOf(this.#story.pastes, line) ?? {}
      if (paste.serves === undefined) typed.push([command, paste])
      else {
        await this.#type(fence, typed)
        typed = []
        await this.#serve(fence, command, paste, paste.serves)
      }
    }
    await this.#type(fence, typed)
  }

  /** Pastes commands into one shell, so that a variable of one is there for the next. */
  async #type(fence: Fence, typed: readonly [string, Paste][]): Promise<void> {
    if (typed.length === 0) return
    const lines = typed.flatMap(([command, { before = ':', after = ':', ...paste }]) => [
      surely(before),
      around(command, paste),
      'code=$?',
      surely(after),
      `printf '\\n${MARK} %s\\n' $code; printf '\\n${MARK}\\n' >&2`,
    ])
    const outcomes = await this.#outcomes(lines.join('\n'))
    if (outcomes.length < typed.length)
      throw new Error(`${where(fence)}: before or after ${typed[outcomes.length]?.[0]}, not all is as it is to be`)
    for (const [n, [command, { code = 0, prints }]] of typed.entries()) {
      const { code: came, output } = outcomes[n] as Outcome
      const complaint =
        came !== code ? `ended with ${came}, not ${code}` : prints && !prints.test(output) && `not ${prints}`
      if (complaint) throw new Error(`${where(fence)}: ${command}\n${complaint}: ${output}`)
    }
  }

  /** What each command came to, as the marks behind them tell. What they leave behind may go on. */
  async #outcomes(script: string): Promise<Outcome[]> {
    const shell = this.#machine.run(bash(`${script}\n${ALL_DONE}`), HOME)
    const isDone = () => [shell.stdout, shell.stderr].every((text) => text.includes(DONE))
    await Promise.race([hasClosed(shell), patiently(isDone, () => `it doesn't end: ${shell.stdout}${shell.stderr}`)])
    const said = shell.stderr.split(`\n${MARK}\n`)
    const printed = [...shell.stdout.matchAll(new RegExp(`([\\s\\S]*?)\\n${MARK} (\\d+)\\n`, 'g'))]
    return printed.map(([, stdout = '', code], n) => ({ code: Number(code), output: `${stdout}${said[n]}` }))
  }

  /** Pastes a command that goes on, as into another terminal. */
  async #serve(fence: Fence, command: string, paste: Paste, up: RegExp): Promise<void> {
    const pid = `/run/serving.${this.#serving.length}.pid`
    if (paste.before) await this.#ours(paste.before)
    const running = this.#machine.run(bash(`echo $$ >${pid}; exec ${command}`), HOME)
    const complaint = () => `${where(fence)}: ${command}\nsays nothing like ${up}: ${running.stdout}${running.stderr}`
    const isUp = () => up.test(running.stdout + running.stderr)
    await Promise.race([hasClosed(running), patiently(isUp, complaint)])
    if (!isUp()) throw new Error(complaint())
    if (paste.after) await this.#ours(paste.after)
    const end = () => this.#end(fence, command, running, pid, paste.code ?? 0)
    if (paste.stays) this.#serving.push(end)
    else await end()
  }

  async #end(fence: Fence, command: string, running: Running, pid: string, code: number): Promise<void> {
    await this.#ours(`kill $(cat ${pid})`)
    const { code: own, signal, stderr } = await running.ends()
    const came = own ?? 128 + constants.signals[signal as NodeJS.Signals]
    if (came !== code) throw new Error(`${where(fence)}: ${command}\nended with ${came}, not ${code}: ${stderr}`)
  }

  async #compare(fence: Fence, script: string): Promise<void> {
    const { stdout, stderr } = await this.#machine.does(bash(script), HOME)
    const missing = missingLines(fence.text, (stdout + stderr).replaceAll(HOME, '/srv'))
    if (missing.length > 0)
      throw new Error(`${where(fence)}: not printed so:\n${missing.join('\n')}\nbut:\n${stdout}${stderr}`)
  }

  /** Does what makes the reader's world. */
  async #ours(script: string): Promise<void> {
    const { code, stdout, stderr } = await this.#machine.does(bash(`set -e\n${script}`), HOME)
    if (code !== 0) throw new Error(`${script}\nended with ${code}: ${stdout}${stderr}`)
  }
}

const where = ({ page, line }: Fence) => `${page}:${line}`
const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`
const bash = (script: string) => `export HOME=${HOME}; exec bash -c ${quoted(script)}`

/** Settles when all of a process's output is there; never, if others go on writing. */
const hasClosed = (running: Running) => once(running.child, 'close')

/** Lines for the shell, which ends where one of them fails. */
const surely = (lines: string) => `set -e\n${lines}\n[ $? = 0 ]\nset +e`

/** The command where it is pasted: at the prompt, on a terminal with a keyboard, or in a run's shell. */
function around(command: string, { types, inside }: Paste): string {
  if (types !== undefined) return `printf '%s\\n' ${quoted(types)} | script -qec ${quoted(command)} /dev/null`
  return inside ? `consul-locker inside -c ${quoted(command)}` : command
}
