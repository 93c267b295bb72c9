import { readFileSync } from 'node:fs'
import type { Address } from '../../consul/address.ts'
import { breaks, cantTell, type Diagnosis, fine, warning } from '../diagnosis.ts'
import type { Inspection } from '../inspection.ts'
import { READS_AGENT } from './agent-rule.ts'
import { destination } from './connection-inspections.ts'

/** Consul's default. */
const USUAL = 200
/** A waiter has so many. */
const OF_A_WAITER = 2
/** A run needs this many at its start. */
const OF_A_RUN = 4
const MOSTLY = 0.8

/** How many connections the agent takes from one address, and how many there are. */
export const connectionsInspection: Inspection = {
  code: 'CL109',
  topic: 'Consul',
  title: 'connections',
  needs: ['CL105'],
  asksConsul: true,
  async look(ctx, { answers, settings: { address } }) {
    const configuration = await answers.configuration(ctx)
    if (configuration === 'denied') return cantTell('the token may not read what the agent limits', READS_AGENT)
    return judgeConnections(configuration.mostConnections, connectionsTo(address))
  },
}

/** `most` may be had by one address, 0 is any number; this machine has `used`, as far as is known. */
export function judgeConnections(most: number | undefined, used: number | undefined): Diagnosis {
  if (most === undefined) return cantTell("the agent doesn't say what http_max_conns_per_client is")
  if (most === 0) return fine('the agent takes any number of connections')
  const now = used === undefined ? '' : `, of which this machine has ${used}`
  const said = `the agent takes ${most} connections from one address${now}`
  const cure = 'raise limits.http_max_conns_per_client of the agent, or have fewer of its clients on this machine'
  if (most < OF_A_RUN || (used !== undefined && used >= most)) return breaks(said, cure)
  const waiters = Math.floor(most / OF_A_WAITER)
  if (used !== undefined && used > most * MOSTLY) return warning(said, cure)
  return most < USUAL ? warning(`${said}: ${waiters} waiters are the most`, cure) : fine(said)
}

/** How many TCP connections this machine has to a port of an agent; `undefined` for what isn't a numeric address. */
function connectionsTo(address: Address): number | undefined {
  const to = destination(address)
  if ('path' in to) return undefined
  try {
    return ['/proc/net/tcp', '/proc/net/tcp6'].reduce((sum, file) => sum + countTo(readFileSync(file, 'utf8'), to), 0)
  } catch {
    return undefined
  }
}

const ESTABLISHED = '01'

/** How many established connections a table of the kernel's has to this address. A host name means this machine. */
export function countTo(table: string, { host, port }: { readonly host: string; readonly port: number }): number {
  const ip = hexOf(/^[\d.]+$/.test(host) ? host : '127.0.0.1')
  const wanted = `${ip}:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/))
  return rows.filter(([, , remote = '', state]) => state === ESTABLISHED && remote.endsWith(wanted)).length
}

/** As the kernel of a little-endian machine shows it; an IPv4 address in IPv6 ends with the same. */
function hexOf(ip: string): string {
  const bytes = ip.split('.').map((byte) => Number(byte).toString(16).toUpperCase().padStart(2, '0'))
  return bytes.reverse().join('')
}
