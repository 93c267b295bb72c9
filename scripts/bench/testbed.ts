import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConsulAgent, startConsul } from '../provide/agent.ts'
import { execute } from '../provide/execute.ts'
import { type GroupReaper, startGroupReaper } from '../provide/group-reaper.ts'
import { plainEnvironment } from '../provide/plain-environment.ts'
import { Telemetry } from './telemetry.ts'
import { prepareTools, type Toolbox } from './tool.ts'

/** A process that we started, in a process group of its own. */
export interface Running {
  readonly pid: number
  /** Resolves with what it wrote to its standard output; rejects with its last words, when it failed. */
  readonly ended: Promise<string>
}

const LAST_WORDS = 3

/** Everything that the measures are taken on; nothing of it outlives `dispose`, nor us. */
export class Testbed implements AsyncDisposable {
  readonly dir: string
  readonly tools: Toolbox
  readonly agent: ConsulAgent
  readonly telemetry: Telemetry
  /** Words in front of a shell with which it inherits orphans; none, where that is not allowed. */
  readonly reaper: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  readonly #groupReaper: GroupReaper
  readonly #cleanUp: AsyncDisposableStack
  #isStruck = false
  #locks = 0
  #files = 0

  private constructor(
    parts: Pick<Testbed, 'dir' | 'tools' | 'agent' | 'telemetry' | 'reaper'>,
    groupReaper: GroupReaper,
    cleanUp: AsyncDisposableStack,
  ) {
    this.dir = parts.dir
    this.tools = parts.tools
    this.agent = parts.agent
    this.telemetry = parts.telemetry
    this.reaper = parts.reaper
    const { agent, tools } = parts
    this.environment = { ...plainEnvironment(), LC_ALL: 'C', PATH: tools.path, CONSUL_HTTP_ADDR: agent.address }
    this.#groupReaper = groupReaper
    this.#cleanUp = cleanUp
  }

  static async set(): Promise<Testbed> {
    await using cleanUp = new AsyncDisposableStack()
    const dir = mkdtempSync(join(tmpdir(), 'consul-locker-bench-'))
    cleanUp.defer(startGroupReaper(dir).dismiss)
    const tools = await prepareTools(dir)
    const telemetry = cleanUp.use(await Telemetry.start())
    // The agent shares its file with `consul lock`, as on any machine. A hundred waiters come from one address here.
    process.env.CONSUL_BIN = tools.consul
    const agent = await startConsul({ config: { ...telemetry.settings, limits: { http_max_conns_per_client: 5000 } } })
    cleanUp.defer(() => agent.stop())
    const groupReaper = startGroupReaper()
    cleanUp.defer(groupReaper.dismiss)
    return new Testbed({ dir, tools, agent, telemetry, reaper: await findReaper() }, groupReaper, cleanUp.move())
  }

  /** Starts a command; `onOutput` gets what it writes to its standard output as it comes. */
  start(words: readonly string[], onOutput: (text: string) => void = () => {}): Running {
    // An interrupted measure may not have noticed yet.
    if (this.#isStruck) throw new Error('Nothing is started any more.')
    const [file = '', ...args] = words
    const errors = this.file('stderr')
    const stderr = openSync(errors, 'w')
    const child = spawn(file, args, {
      detached: true,
      env: this.environment,
      cwd: this.dir,
      stdio: ['ignore', 'pipe', stderr],
    })
    closeSync(stderr)
    const { promise: ended, resolve, reject } = Promise.withResolvers<string>()
    const pid = child.pid ?? 0
    let output = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      onOutput(text)
    })
    child.on('error', reject)
    if (pid) this.#groupReaper.guard(pid)
    child.on('exit', () => this.#groupReaper.release(pid))
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(output)
      const lastWords = readFileSync(errors, 'utf8').trim().split('\n').slice(-LAST_WORDS).join(' ')
      reject(new Error(`${words.join(' ')} failed (${signal ?? code}): ${lastWords}`))
    })
    ended.catch(() => {})
    return { pid, ended }
  }

  /** Runs a command to its end and resolves with its standard output. */
  run(words: readonly string[]): Promise<string> {
    return this.start(words).ended
  }

  /** A name that no lock had before. */
  lock(topic: string): string {
    return `bench-${topic}-${++this.#locks}`
  }

  /** A path in `dir` that nobody had before. */
  file(topic: string): string {
    return join(this.dir, `${topic}-${++this.#files}`)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#isStruck = true
    return this.#cleanUp.disposeAsync()
  }
}

/**
 * A shell that is process 1 of a world of its own adopts what outlives its parent there (a guardian, say), and waits
 * for it, so that its times are counted. Not every machine lets us make one.
 */
async function findReaper(): Promise<string[]> {
  const world = ['--pid', '--fork', '--kill-child', '--mount-proc', '--']
  for (const user of [[], ['--user', '--map-root-user']]) {
    const words = ['unshare', ...user, ...world]
    const works = await execute(words[0] ?? '', [...words.slice(1), 'true']).then(
      () => true,
      () => false,
    )
    if (works) return words
  }
  return []
}
