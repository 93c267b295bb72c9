import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, onTestFinished, vi } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { program } from '../../scripts/provide/debian.ts'

export const project = join(import.meta.dirname, '../..')

export const locker = join(project, 'dist/consul-locker')

export const example = (name: string) => join(project, 'examples', name)

export let consul: ConsulAgent

export let env: NodeJS.ProcessEnv

beforeAll(async () => {
  consul = await startConsul({ config: { enable_script_checks: true } })
  const found = [await program('curl', 'curl'), await program('jq', 'jq')]
  const joined = (name: string) => [...new Set(found.flatMap((one) => one.env[name]?.split(':') ?? []))].join(':')
  const libraries = joined('LD_LIBRARY_PATH')
  env = {
    ...process.env,
    PATH: joined('PATH'),
    ...(libraries && { LD_LIBRARY_PATH: libraries }),
    CONSUL_HTTP_ADDR: consul.address,
  }
})

afterAll(() => consul?.stop())

export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A process that doesn't outlive its test. */
export class ExampleRun {
  readonly child: ChildProcess
  readonly #closed: Promise<unknown>
  #stdout = ''
  #stderr = ''

  constructor(command: string, args: readonly string[], environment: NodeJS.ProcessEnv) {
    this.child = spawn(command, args, { env: environment, cwd: project, stdio: ['ignore', 'pipe', 'pipe'] })
    this.child.stdout?.setEncoding('utf8').on('data', (text) => {
      this.#stdout += text
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.#stderr += text
    })
    this.#closed = once(this.child, 'close')
    this.#closed.catch(() => {})
    onTestFinished(async () => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) return
      const kill = setTimeout(() => this.child.kill('SIGKILL'), 8_000)
      this.child.kill('SIGTERM')
      await once(this.child, 'exit')
      clearTimeout(kill)
    })
  }

  /** Resolves when the process has printed `text`. */
  async says(text: string): Promise<void> {
    await vi.waitUntil(() => this.#stdout.includes(text), { timeout: 30_000 })
  }

  async ends(): Promise<Outcome> {
    await this.#closed
    const { exitCode: code, signalCode: signal } = this.child
    return { code, signal, stdout: this.#stdout, stderr: this.#stderr }
  }
}

export function startExample(command: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): ExampleRun {
  return new ExampleRun(command, args, { ...env, ...more })
}

export function run(command: string, args: readonly string[], more?: NodeJS.ProcessEnv): Promise<Outcome> {
  return startExample(command, args, more).ends()
}

export async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'examples-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

export async function ask(path: string, method = 'GET', body?: object): Promise<string> {
  const response = await fetch(consul.address + path, { method, ...(body && { body: JSON.stringify(body) }) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text
}
