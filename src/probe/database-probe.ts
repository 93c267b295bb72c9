import type { Context } from '../base/context.ts'
import { oneLine } from '../base/printable.ts'
import { GreetingConnection } from './greeting-connection.ts'
import type { Endpoint } from './port-probe.ts'
import { type ProbeResult, probeWithin } from './probe-result.ts'

/** Asks a database for what it tells everybody; settles with why it doesn't serve, empty if it does. */
export type Greeting = (connection: GreetingConnection) => Promise<string>

/** Databases that can be greeted. */
export type Database = 'postgres' | 'mysql' | 'redis'

const LINE_LENGTH = 120

/**
 * Greets a database by its own protocol, without credentials; healthy when it would go on to ask for them, or needs
 * none. Rejects only with the signal's reason.
 */
export function probeDatabase(ctx: Context, database: Database, at: Endpoint, timeoutMs: number): Promise<ProbeResult> {
  return probeWithin(ctx, timeoutMs, async (ctx) => {
    const greeting = await greetingOf(database)
    using connection = await GreetingConnection.open(ctx, at)
    const trouble = oneLine(await greeting(connection), LINE_LENGTH)
    return { healthy: trouble === '', why: trouble || 'it serves', output: '' }
  })
}

async function greetingOf(database: Database): Promise<Greeting> {
  switch (database) {
    case 'postgres':
      return (await import('./postgres-greeting.ts')).greetPostgres
    case 'mysql':
      return (await import('./mysql-greeting.ts')).greetMysql
    case 'redis':
      return (await import('./redis-greeting.ts')).greetRedis
  }
}
