import { spawn } from 'node:child_process'
import { unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'

/** No shell that is none ends with this by itself. */
const CODE = 97
const LIMIT_MS = 5000

/** Whether /bin/sh runs, and does what it is told. Rejects only with the signal's reason. Tests have another `sh`. */
export async function shellWorks(ctx: Context, sh = '/bin/sh'): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const shell = spawn(sh, ['-c', `exit ${CODE}`], { stdio: 'ignore', env: {} })
  shell.once('error', () => resolve(false))
  shell.once('exit', (code) => resolve(code === CODE))
  const cancel = ctx.clock.after(LIMIT_MS, () => resolve(false))
  try {
    return await unlessAborted(ctx.signal, promise)
  } finally {
    cancel()
    shell.kill('SIGKILL')
  }
}
