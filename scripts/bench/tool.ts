import { closeSync, copyFileSync, fsyncSync, openSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { program } from '../provide/debian.ts'
import { execute } from '../provide/execute.ts'
import { findConsul } from '../provide/find-consul.ts'
import { builtLocker } from '../stage/built-locker.ts'

/** The three that are compared. */
export const TOOLS = ['consul-locker', 'consul lock', 'bash + curl'] as const

export type ToolName = (typeof TOOLS)[number]

/** Something that runs a command under a lock. */
export interface Tool<Name extends string = string> {
  readonly name: Name
  /** The words in front of those of the command. */
  words(lock: string): readonly [string, ...string[]]
  /** How often it asks for a lock that is not free, in ms; 0, when it is told. */
  readonly pollMs: number
}

/** All that can be measured, and what it needs to find its programs. */
export interface Toolbox {
  readonly contestants: readonly Tool<ToolName>[]
  /** What nothing that starts a process under a lock can beat: no Consul at all. */
  readonly flock: Tool<'flock'>
  /** As most people call it: the command goes through a shell. */
  readonly consulLockShell: Tool<'consul lock, shell'>
  readonly locker: string
  readonly consul: string
  readonly path: string
}

const REFERENCE = join(import.meta.dirname, 'reference.sh')

/** Finds all tools and copies their executables to `dir`. Rejects when one is missing. */
export async function prepareTools(dir: string): Promise<Toolbox> {
  const locker = await settledCopy(builtLocker(), join(dir, 'consul-locker'))
  const consul = await settledCopy(await findConsul(), join(dir, 'consul'))
  const [bash, flock, curl] = [
    await program('bash', 'bash'),
    await program('flock', 'util-linux'),
    await program('curl', 'curl'),
  ]
  const consulLock = [consul, 'lock', '-child-exit-code'] as const
  return {
    contestants: [
      { name: 'consul-locker', words: (lock) => [locker, lock], pollMs: 0 },
      { name: 'consul lock', words: (lock) => [...consulLock, '-shell=false', lock], pollMs: 0 },
      { name: 'bash + curl', words: (lock) => [bash.path, REFERENCE, lock], pollMs: 2000 },
    ],
    flock: { name: 'flock', words: (lock) => [flock.path, join(dir, `${lock}.flock`)], pollMs: 0 },
    consulLockShell: { name: 'consul lock, shell', words: (lock) => [...consulLock, lock], pollMs: 0 },
    locker,
    consul,
    path: [process.env.PATH, dirname(curl.path)].join(':'),
  }
}

/**
 * A copy that nobody builds anew meanwhile, and that lies in memory as an installed file does. What was just written
 * stays in the page cache in pieces of up to 2 MB, and each process that runs it seems to have all of a piece: 88 MB
 * for ours where 54 are real. So it goes to the disk, out of the cache, and comes back as it is read.
 */
async function settledCopy(file: string, copy: string): Promise<string> {
  copyFileSync(file, copy)
  const descriptor = openSync(copy, 'r+')
  fsyncSync(descriptor)
  closeSync(descriptor)
  await execute('dd', [`if=${copy}`, 'iflag=nocache', 'count=0', 'status=none'])
  await execute(copy, ['--version'])
  return copy
}
