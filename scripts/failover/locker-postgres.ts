import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execute } from '../provide/execute.ts'
import type { Led } from './locker-system.ts'
import { giveTo, type NodePlace } from './node-place.ts'
import { NUMBERS_TABLE, POSTGRES_SETTINGS, PostgresApp, postgresPrograms } from './postgres-app.ts'

/** A PostgreSQL that a leader agent keeps. The first node has data, the others get theirs from it. */
export async function ledPostgres({ dir, address, port, first }: NodePlace): Promise<Led> {
  const { bin, env, user } = await postgresPrograms()
  giveTo(user, dir)
  const settings = {
    listen_addresses: address,
    port,
    unix_socket_directories: '',
    hba_file: join(dir, 'pg_hba.conf'),
    ...POSTGRES_SETTINGS,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`)
  writeFileSync(join(dir, 'postgresql.conf'), lines.join(''))
  const hosts = ['all', 'replication'].map((database) => `host ${database} all 127.0.0.0/8 trust\n`)
  writeFileSync(join(dir, 'pg_hba.conf'), hosts.join(''))
  const data = join(dir, 'data')
  const run = (...words: string[]) => {
    const [command = '', ...args] = [...user.words, ...words]
    return execute(command, args, { cwd: dir, env: { ...process.env, ...env } })
  }
  const create = async () => {
    await run('initdb', '--no-sync', '--auth=trust', '--username=postgres', `--pgdata=${data}`)
    await run('sh', '-c', `echo "$1" | postgres --single -D "$2" postgres`, 'sh', NUMBERS_TABLE, data)
  }
  const app = new PostgresApp({ address, port, data, bin, env }, address === first ? create : undefined)
  return { app, yaml: yamlFor(dir, bin), env }
}

function yamlFor(dir: string, bin: string): string {
  return `
application: postgres
postgres:
  data: ${join(dir, 'data')}
  config: ${join(dir, 'postgresql.conf')}
  bin: ${bin}
timeouts: { demote: 4s, fence: 2s }
`
}
