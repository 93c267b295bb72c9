import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { oneLine } from '../base/printable.ts'
import { findExecutable } from '../child/executable.ts'
import { shellStatus } from '../child/exit-status.ts'
import { runTask } from '../child/task.ts'
import type { NodeAt } from '../switchover/roles.ts'
import type { InitFile } from './init-file.ts'
import { quotedWords } from './quoted-words.ts'

const GRACE_MS = 2000
const LINE_LENGTH = 200
/** The names come from Consul, and a template may hand them to a shell. */
const HARMLESS = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

/** Switches a node off, or rejects with a `Failure`: it may be on. */
export type Fence = (ctx: Context, at: NodeAt) => Promise<void>

/**
 * Looks the program of a script's `fence_command` up, so that a switch that may need it doesn't begin without. One
 * whose own name has a placeholder is known only with the node. Throws `not-found` and `not-executable` failures.
 */
export function checkFenceCommand({ fence_command: template }: InitFile, { PATH }: NodeJS.ProcessEnv): void {
  const [program = ''] = quotedWords(template ?? '')
  if (template === undefined || program.includes('{')) return
  try {
    findExecutable([program], PATH)
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    const { code, message, hint } = thrown
    throw new Failure(code, `fence_command: ${message}`, { hint, cause: thrown })
  }
}

/** The fence of a script that has a `fence_command`; it settles when that has ended with 0. */
export function fenceOf(file: InitFile, environment: NodeJS.ProcessEnv): Fence | undefined {
  const { fence_command: template, fence_timeout: timeoutMs } = file
  if (template === undefined) return undefined
  return async (ctx, at) => {
    const [program = '', ...args] = wordsFor(template, at)
    const command = findExecutable([program, ...args], environment.PATH)
    // One that went on without us could switch off a node that has long come back.
    const task = { command, environment, timeoutMs, graceMs: GRACE_MS, sparesDaemons: false, diesWithUs: true }
    const { status, output } = await runTask(ctx, task)
    if (status === 'interrupted') throw ctx.signal.reason
    if (status === 'too-late') throw unfenced(at, `fence_command did not end within ${formatDuration(timeoutMs)}`)
    const code = shellStatus(status)
    const words = oneLine(output, LINE_LENGTH)
    if (code !== 0) throw unfenced(at, `fence_command ended with ${code}${words === '' ? '' : `: ${words}`}`)
    ctx.log.notice(`${at.node} is fenced`)
  }
}

function wordsFor(template: string, { node, datacenter }: NodeAt): string[] {
  for (const name of [node, datacenter]) {
    if (!HARMLESS.test(name))
      throw new Failure('malformed', `${JSON.stringify(name)} is no name to give to fence_command`)
  }
  return quotedWords(template).map((word) => word.replaceAll('{node}', node).replaceAll('{datacenter}', datacenter))
}

function unfenced({ node }: NodeAt, why: string): Failure {
  return new Failure('failed', `${node} could not be fenced, and may still run its services: ${why}`, {
    hint: 'switch it off by hand, then start-primary --force --fenced',
  })
}
