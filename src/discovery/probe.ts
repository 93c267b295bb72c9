import { connect } from 'node:net'
import { scope, unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { messageOf } from '../base/failure.ts'
import { findCommand } from '../child/command.ts'
import { runTask } from '../child/task.ts'
import { askHttp } from './http-client.ts'
import { type Target, targetText } from './target.ts'

/** What a look at a service gave: whether it is healthy, and in half a sentence why. */
export interface Finding {
  readonly healthy: boolean
  readonly why: string
}

/** How to look. */
export interface Look {
  readonly target: Target
  /** What has not answered by then is not healthy, in milliseconds. */
  readonly timeoutMs: number
  /** For a command. */
  readonly environment: NodeJS.ProcessEnv
}

/**
 * Looks once whether a service is healthy: its URL answers 2xx (no redirect is followed), its port accepts a
 * connection, or the command ends with 0. Rejects with the signal's reason only: what can't be looked at isn't healthy.
 */
export async function probe(ctx: Context, look: Look): Promise<Finding> {
  try {
    return await lookAt(ctx, look)
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    return { healthy: false, why: `${targetText(look.target)}: ${messageOf(thrown)}` }
  }
}

function lookAt(ctx: Context, { target, timeoutMs, environment }: Look): Promise<Finding> {
  switch (target.kind) {
    case 'url':
      return url(ctx, target.url, targetText(target), timeoutMs)
    case 'tcp':
      return tcp(ctx, target, timeoutMs)
    case 'command':
      return command(ctx, target.line, environment, timeoutMs)
  }
}

async function url(ctx: Context, url: URL, name: string, timeoutMs: number): Promise<Finding> {
  const { status } = await askHttp(ctx, { method: 'GET', url, timeoutMs, maxBytes: 0 })
  const redirects = status >= 300 && status < 400 ? ', and redirects are not followed' : ''
  return { healthy: status >= 200 && status < 300, why: `${name} answers ${status}${redirects}` }
}

async function tcp(ctx: Context, { host, port }: { host: string; port: number }, timeoutMs: number): Promise<Finding> {
  using bounded = scope(ctx.signal)
  const late = new Error(`no connection within ${timeoutMs / 1000}s`)
  const cancel = ctx.clock.after(timeoutMs, () => bounded.abort(late))
  const socket = connect({ host, port })
  try {
    const connected = new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.on('error', reject)
    })
    await unlessAborted(bounded.signal, connected)
    return { healthy: true, why: `${host}:${port} accepts connections` }
  } finally {
    cancel()
    socket.destroy()
  }
}

async function command(
  ctx: Context,
  line: string,
  environment: NodeJS.ProcessEnv,
  timeoutMs: number,
): Promise<Finding> {
  const shell = findCommand(['/bin/sh', '-c', line])
  const { status, output } = await runTask(ctx, { command: shell, environment, timeoutMs })
  if (status === 'too-late') throw new Error(`no end within ${timeoutMs / 1000}s`)
  const said = output.trim().split('\n', 1)[0]?.slice(0, 200) ?? ''
  const ended = 'code' in status ? `ended with ${status.code}` : `was killed by ${status.signal}`
  return { healthy: 'code' in status && status.code === 0, why: `the command ${ended}${said && `: ${said}`}` }
}
