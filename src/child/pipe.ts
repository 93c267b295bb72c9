import { execFile, spawn } from 'node:child_process'
import { constants, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from '../base/context.ts'
import { randomId } from '../base/random-id.ts'
import { oldFiles, openStateFolder, stateFolders } from '../host/state-folder.ts'

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants
const ENDING = '.output'

/** Descriptors of a pipe, which are the caller's to close. */
export interface Pipe {
  readonly writeEnd: number
  readonly readEnd: number
  /** For who is to read on when we are gone: only then does a writer not notice. Unlike ours, it blocks. */
  readonly secondReadEnd: number
}

/**
 * Opens a real pipe, which Node has no call for: from its own a command could not open /dev/stderr. It has a name for a
 * moment, where nobody else can see it; where no folder takes one, it is a shell's. Settles with `undefined` where
 * neither can be.
 */
export async function openPipe(ctx: Context, environment: NodeJS.ProcessEnv): Promise<Pipe | undefined> {
  for (const folder of stateFolders(environment)) {
    const name = join(folder, `${randomId()}${ENDING}`)
    try {
      openStateFolder(folder)
      for (const leftover of oldFiles(ctx, folder, ENDING)) rmSync(leftover, { force: true })
      await makePipe(name, environment)
      return endsOf(name)
    } catch {
      // The next folder, then.
    } finally {
      rmSync(name, { force: true })
    }
  }
  return pipeOfShell(environment)
}

function endsOf(path: string): Pipe {
  const [readEnd, writeEnd] = [openSync(path, O_RDONLY | O_NONBLOCK), openSync(path, O_WRONLY)]
  return { readEnd, writeEnd, secondReadEnd: openSync(path, O_RDONLY) }
}

/**
 * The first of two commands with a pipe between them tells its number, and has the pipe as descriptor 3 until it reads
 * something: its 1 may lead elsewhere for as long as an `echo … >&2` takes.
 */
const TWO_COMMANDS = `sh -c 'exec 3>&1 >&2; echo "$$"; read -r _' | :`

/** The pipe of a shell, opened anew. */
async function pipeOfShell(environment: NodeJS.ProcessEnv): Promise<Pipe | undefined> {
  const env = systemPath(environment)
  const shell = spawn('/bin/sh', ['-c', TWO_COMMANDS], { stdio: ['pipe', 'ignore', 'pipe'], env, cwd: '/' })
  shell.on('error', () => {})
  if (shell.pid === undefined) return undefined
  shell.stdin.on('error', () => {})
  try {
    for await (const pid of shell.stderr) return endsOf(`/proc/${Number(pid)}/fd/3`)
  } catch {
    // Neither this way, then.
  } finally {
    shell.stdin.end()
  }
  return undefined
}

function makePipe(name: string, environment: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = systemPath(environment)
    execFile('mkfifo', ['-m', '600', name], { env }, (error) => (error ? reject(error) : resolve()))
  })
}

/** All that the system's own tools need; what marks the processes of a run must not be in it. */
export function systemPath({ PATH }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { PATH: `${PATH ? `${PATH}:` : ''}/usr/bin:/bin` }
}
