import { stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { firstOf, sleep, unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { messageOf } from '../base/failure.ts'
import { probeCommand } from './command-probe.ts'
import { type Gate, OPEN, shut, type Verdict } from './gate.ts'
import { probeUrl } from './http-probe.ts'
import { probeName } from './name-probe.ts'

/** A gate that Consul doesn't tell about. */
export type ProbedGate = Exclude<Gate, { kind: 'service' | 'kv' }>

/** What doesn't answer within this time is shut for now. */
const ANSWER_MS = 5000

/** Looks once how a gate stands; settles within a few seconds, commands within half a minute. Rejects only with the signal's reason. */
export async function probe(ctx: Context, gate: ProbedGate, environment: NodeJS.ProcessEnv): Promise<Verdict> {
  if (gate.kind === 'cmd') return probeCommand(ctx, gate, environment)
  try {
    return await firstOf<Verdict>(ctx, [
      (ctx) => unlessAborted(ctx.signal, look(ctx, gate)),
      async (ctx) => {
        await sleep(ctx, ANSWER_MS)
        return shut('no answer')
      },
    ])
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    if (typeof (thrown as NodeJS.ErrnoException).code !== 'string') throw thrown
    return shut(reasonOf(thrown as NodeJS.ErrnoException))
  }
}

function look(ctx: Context, gate: Exclude<ProbedGate, { kind: 'cmd' }>): Promise<Verdict> {
  switch (gate.kind) {
    case 'tcp':
      return probePort(ctx, gate.host, gate.port)
    case 'http':
      return probeUrl(ctx, gate.url)
    case 'dns':
      return probeName(ctx, gate)
    case 'file':
      return stat(gate.path).then(() => OPEN)
  }
}

function probePort(ctx: Context, host: string, port: number): Promise<Verdict> {
  const { promise, resolve, reject } = Promise.withResolvers<Verdict>()
  const socket = connect({ host, port, signal: ctx.signal })
  socket.on('connect', () => {
    resolve(OPEN)
    socket.destroy()
  })
  socket.on('error', reject)
  return promise
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'no answer',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'no name server answers',
  ENODATA: 'the name has no address',
  ESERVFAIL: 'the name server fails',
  EREFUSED: 'the name server refuses',
  ENOENT: 'it is not there',
  ENOTDIR: 'it is not there',
  EACCES: 'permission denied',
}

function reasonOf(thrown: NodeJS.ErrnoException): string {
  return REASONS[thrown.code ?? ''] ?? (messageOf(thrown) || thrown.code || 'it fails')
}
