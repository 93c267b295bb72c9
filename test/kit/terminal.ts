import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { program } from '../../scripts/provide/debian.ts'
import { afterTest } from './after-test.ts'
import { LOCKER, type LockerOptions, lockerEnvironment, patiently } from './locker.ts'
import { scratch } from './unique.ts'

const execute = promisify(execFile)

/** A real terminal, 80x24, with an interactive bash in it; `$L` is the executable. It ends with its test. */
export class Terminal {
  /** The shell's working directory. */
  readonly dir: string
  readonly #tmux: string
  readonly #env: NodeJS.ProcessEnv

  private constructor(dir: string, tmux: string, env: NodeJS.ProcessEnv) {
    this.dir = dir
    this.#tmux = tmux
    this.#env = env
  }

  static async open(options: LockerOptions = {}): Promise<Terminal> {
    const tmux = await program('tmux', 'tmux')
    const dir = scratch()
    const terminal = new Terminal(dir, tmux.path, { ...tmux.env, TMUX_TMPDIR: dir, LC_ALL: 'C.UTF-8' })
    afterTest(async () => void (await terminal.#do('kill-server').catch(() => {})))
    const variables = { ...lockerEnvironment(options), L: LOCKER, PS1: '[$?]> ', TERM: 'screen', HISTFILE: '' }
    const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
    const shell = ['/usr/bin/env', '-i', ...words, 'bash', '--norc', '--noprofile', '-i']
    await terminal.#do('-f', '/dev/null', 'new-session', '-d', '-x', '80', '-y', '24', '-c', dir, ...shell)
    await terminal.prompts(0)
    return terminal
  }

  /** Types a line, once the program in front echoes it. */
  async enter(line: string): Promise<void> {
    await this.#do('send-keys', '-l', '--', line)
    await patiently(
      async () => (await this.screen()).endsWith(line),
      () => `the terminal doesn't echo ${line}`,
    )
    await this.press('Enter')
  }

  /** Presses a key, by tmux's name for it: C-c, C-z, Enter. */
  async press(key: string): Promise<void> {
    await this.#do('send-keys', key)
  }

  /** Types without Enter, whether it is echoed or not. */
  async type(text: string): Promise<void> {
    await this.#do('send-keys', '-l', '--', text)
  }

  /** Makes the window as large as this. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.#do('resize-window', '-x', String(columns), '-y', String(rows))
  }

  /** What is to be seen now, wrapped lines joined. */
  async screen(): Promise<string> {
    return (await this.#do('capture-pane', '-p', '-J')).replace(/[ \n]+$/, '')
  }

  /** The same with the sequences that make colours. */
  async colours(): Promise<string> {
    return this.#do('capture-pane', '-p', '-e')
  }

  /** Waits until the screen shows a whole line that matches, and gives the match. */
  async shows(line: RegExp): Promise<RegExpExecArray> {
    const whole = new RegExp(`^(?:${line.source})[ ]*$`, 'm')
    let seen = ''
    const look = async () => {
      seen = await this.screen()
      return whole.exec(seen)
    }
    return (await patiently(look, () => `the terminal doesn't show ${line}, but:\n${seen}`)) as RegExpExecArray
  }

  /** Waits for the shell's prompt after a command that ended with one of these statuses. */
  async prompts(...statuses: number[]): Promise<void> {
    let seen = ''
    const look = async () => {
      seen = await this.screen()
      return statuses.some((status) => seen.endsWith(`[${status}]>`))
    }
    await patiently(look, () => `no prompt after status ${statuses}, but:\n${seen}`)
  }

  /** Waits for the shell's prompt after a command that was stopped; bash isn't consistent about its status. */
  stops(): Promise<void> {
    return this.prompts(128, 147, 148)
  }

  /** Enters a line and waits for the prompt after it. */
  async run(line: string, status = 0): Promise<void> {
    await this.enter(line)
    await this.prompts(status)
  }

  async #do(...args: string[]): Promise<string> {
    const { stdout } = await execute(this.#tmux, ['-L', 'test', ...args], { env: this.#env })
    return stdout
  }
}
