import type { HandlerFactory } from './handler.ts'

/** What drives the applications of `handler-names.ts`. Each brings a client of its own. */
const HANDLERS: Readonly<Record<string, () => Promise<HandlerFactory>>> = {
  mysql: async () => (await import('./mysql/mysql-handler.ts')).mysqlHandler,
  postgres: async () => (await import('./postgres/postgres-handler.ts')).postgresHandler,
  redis: async () => (await import('./redis/redis-handler.ts')).redisHandler,
}

/** Loads what drives an application of this name. */
export async function loadHandler(name: string): Promise<HandlerFactory> {
  const load = HANDLERS[name]
  if (!load) throw new Error(`there is no handler for ${name}`)
  return load()
}
