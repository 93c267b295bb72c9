import { AbortReason, withTimeout } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { serviceNames } from '../../../consul/catalog.ts'
import { leaderNames, lockNames } from '../../../overview/lock-names.ts'
import { connect } from '../../connection/connect.ts'
import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import type { OperandKind } from '../../syntax/operand.ts'
import { parse } from '../../syntax/parse.ts'
import { SYNTAXES } from '../../syntax-table.ts'
import type { Candidate, Look } from './candidate.ts'
import type { Place } from './place.ts'

/** So long Consul has to name what there is, in milliseconds: somebody has pressed a key. */
const PATIENCE_MS = 1000

/** The conditions that a gate may be, each up to where what it is about begins. */
export const GATE_KINDS: Readonly<Record<string, string>> = {
  'service:': 'a healthy instance of a service',
  'kv:': 'a key of Consul',
  'tcp:': 'something takes connections at host:port',
  'unix:': 'something takes connections at a socket',
  'postgres:': 'PostgreSQL serves there',
  'mysql:': 'MySQL or MariaDB serves there',
  'redis:': 'Redis serves there',
  'http://': 'a GET is answered with 2xx',
  'https://': 'the same, by TLS',
  'dns:': 'a name has an address',
  'file:': 'a file is there',
  'cmd:': 'a command of /bin/sh ends with 0',
}

const SERVICE = 'service:' satisfies keyof typeof GATE_KINDS

const SIGNALS = ['TERM', 'INT', 'HUP', 'QUIT', 'USR1', 'USR2', 'KILL']

/** What may stand in a place that is about something of this kind. Names of Consul's are none on any error. */
export function knownWords(ctx: Context, environment: NodeJS.ProcessEnv): Look {
  const services = async (beginning: string, place: Place, before = '') => {
    const found = await names(ctx, environment, place, beginning, serviceNames, 'a service')
    return found.map(({ word, describes }) => ({ word: before + word, describes }))
  }
  const kinds: Partial<Record<OperandKind, Look>> = {
    ours: commands,
    gate: async (_, beginning, place) => [
      ...described(GATE_KINDS),
      ...(beginning.startsWith(SERVICE) ? await services(beginning.slice(SERVICE.length), place, SERVICE) : []),
    ],
    service: async (_, beginning, place) => services(beginning, place),
    signal: async () => SIGNALS.map((word) => ({ word, describes: '' })),
    lock: async (_, beginning, place) => names(ctx, environment, place, beginning, lockNames, 'a lock'),
    leader: async (_, beginning, place) => names(ctx, environment, place, beginning, leaderNames, 'an application'),
  }
  return async (kind, ...others) => (await kinds[kind]?.(kind, ...others)) ?? []
}

async function commands(): Promise<Candidate[]> {
  return Promise.all(
    Object.entries(SYNTAXES).map(async ([word, load]) => ({ word, describes: (await load()).summary })),
  )
}

async function names(
  ctx: Context,
  environment: NodeJS.ProcessEnv,
  place: Place,
  beginning: string,
  read: typeof lockNames,
  describes: string,
): Promise<Candidate[]> {
  try {
    const late = () => new AbortReason('Consul has not answered in time')
    const found = await withTimeout(ctx, PATIENCE_MS, late, async (ctx) => {
      const given = place.kind === 'operand' ? place.given : new Map<string, string>()
      const words = [...given].filter(([name]) => name in CONSUL_OPTIONS).map(([name, value]) => `--${name}=${value}`)
      const syntax = { summary: '', usage: '', epilogue: '', options: CONSUL_OPTIONS }
      const consul = await connect(parse(syntax, words, environment).options, environment)
      try {
        return await read(ctx, consul, beginning)
      } finally {
        consul.close()
      }
    })
    return found.map((word) => ({ word, describes }))
  } catch {
    ctx.signal.throwIfAborted()
    return []
  }
}

function described(words: Readonly<Record<string, string>>): Candidate[] {
  return Object.entries(words).map(([word, describes]) => ({ word, describes }))
}
