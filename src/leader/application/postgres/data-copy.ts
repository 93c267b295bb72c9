import { existsSync } from 'node:fs'
import { cp, mkdir, rename, rm, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Context } from '../../../base/context.ts'
import { connectionString } from './connection-string.ts'
import type { LocalServer } from './local-server.ts'
import { type PostgresTarget, withPostgres } from './postgres-client.ts'
import type { Groups } from './postgres-programs.ts'

const CHECKPOINT_MS = 600_000
/** Every file of a database is looked at. */
const SIZE_MS = 60_000
/** A machine's own; rewinding would replace them by the master's. */
const OWN_FILES = ['postgresql.conf', 'pg_hba.conf', 'pg_ident.conf']

/**
 * Brings the data of a server that is stopped back to where they left the way of another one, and on to that. Rejects
 * when that can't be; then the data may be torn.
 */
export async function rewind(ctx: Context, groups: Groups, server: LocalServer, source: PostgresTarget): Promise<void> {
  const { data, programs, configFile } = server
  // pg_rewind takes the source's timeline from its last checkpoint.
  await withPostgres(ctx, source, (ask) => ask('CHECKPOINT'), CHECKPOINT_MS)
  const own = await keepOwnFiles(data.path)
  data.isTorn = true
  // It recovers the data first when they weren't shut down, in a mode that knows no standbys.
  data.startsAsStandby = false
  await programs.run(ctx, groups, [
    'pg_rewind',
    `--target-pgdata=${data.path}`,
    `--source-server=${connectionString(source, { dbname: 'postgres' })}`,
    ...(configFile === undefined ? [] : [`--config-file=${configFile}`]),
  ])
  await own.putBack()
  data.startsAsStandby = true
  data.isTorn = false
}

/**
 * Makes a copy of another server's data beside our own, which stay in use meanwhile. Settles with a function that has
 * it take their place, when the server is stopped; the old data are kept as `<data>.old`. Rejects when there is no
 * copy.
 */
export async function clone(
  ctx: Context,
  groups: Groups,
  server: LocalServer,
  source: PostgresTarget,
): Promise<() => Promise<void>> {
  const { data, programs } = server
  const [fresh, old] = [`${data.path}.new`, `${data.path}.old`]
  // What an earlier try has left.
  await rm(fresh, { recursive: true, force: true })
  await checkRoom(ctx, source, dirname(data.path))
  await programs.run(ctx, groups, [
    'pg_basebackup',
    `--pgdata=${fresh}`,
    '--wal-method=stream',
    '--checkpoint=fast',
    '--no-password',
    `--dbname=${connectionString(source, {})}`,
  ])
  return async () => {
    if (existsSync(data.path)) {
      for (const name of OWN_FILES) await copyIfThere(join(data.path, name), join(fresh, name))
      await rm(old, { recursive: true, force: true })
      await rename(data.path, old)
    }
    await rename(fresh, data.path)
    data.isTorn = false
  }
}

/** A copy that fills the disk would take the server beside it down, and be tried again and again. */
async function checkRoom(ctx: Context, source: PostgresTarget, folder: string): Promise<void> {
  const [row] = await withPostgres(
    ctx,
    source,
    (ask) => {
      return ask('SELECT sum(pg_database_size(oid)) + (SELECT sum(size) FROM pg_ls_waldir()) AS bytes FROM pg_database')
    },
    SIZE_MS,
  )
  const { bavail, bsize } = await statfs(folder)
  const [needed, free] = [Number(row?.bytes), bavail * bsize]
  const mb = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`
  if (needed > free) throw new Error(`no room for a copy in ${folder}: ${mb(free)} are free, and it has ${mb(needed)}`)
}

async function keepOwnFiles(data: string) {
  const folder = `${data}.config`
  // A rewinding that was cut short may have replaced them already: then these are the machine's own.
  if (!existsSync(folder)) {
    await mkdir(`${folder}.new`, { recursive: true, mode: 0o700 })
    for (const name of OWN_FILES) await copyIfThere(join(data, name), join(`${folder}.new`, name))
    await rename(`${folder}.new`, folder)
  }
  return {
    putBack: async () => {
      for (const name of OWN_FILES) await copyIfThere(join(folder, name), join(data, name))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function copyIfThere(from: string, to: string): Promise<void> {
  if (existsSync(from)) await cp(from, to)
}
