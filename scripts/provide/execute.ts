import { spawn } from 'node:child_process'

/** Where and how a command runs. */
export interface ExecuteOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** A file descriptor of ours that the command gets as its fd 3. */
  readonly fd3?: number
}

/**
 * Runs a command to its end with its output caught, and resolves with its standard output. Rejects when it cannot be
 * started or fails; the message then ends with the last lines of its standard error.
 */
export function execute(command: string, args: readonly string[], options: ExecuteOptions = {}): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const { cwd, env = process.env, fd3 } = options
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe', fd3 ?? 'ignore'] })
  const output: Buffer[] = []
  const errors: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk))
  child.on('error', (cause) => reject(new Error(`${command} cannot be run: ${cause.message}`, { cause })))
  child.on('close', (code, signal) => {
    if (code === 0) return resolve(Buffer.concat(output).toString())
    const tail = Buffer.concat(errors).toString().trim().split('\n').slice(-3).join(' ')
    reject(new Error(`${[command, ...args].join(' ')} failed (${signal ?? code}): ${tail}`))
  })
  return promise
}
