import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { program, unpackPackage } from '../../scripts/provide/debian.ts'
import { execute } from '../../scripts/provide/execute.ts'
import { asOrdinaryUser } from '../../scripts/provide/ordinary-user.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { RedisClient } from '../../scripts/provide/redis-client.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { makeCertificates } from '../kit/secure-agent.ts'
import { scratch } from '../kit/unique.ts'

/** How gates stand at one look, and why. */
async function look(...gates: string[]) {
  const { code, stderr } = await runLocker(['wait', '--once', ...gates])
  return [code, stderr]
}

/** Starts a server that lives as long as the test. */
async function serve(name: string, packageName: string, words: readonly string[], through: readonly string[] = []) {
  const { path, env } = await program(name, packageName)
  const [file = '', ...args] = [...through, path, ...words]
  const child = spawn(file, args, { env, stdio: 'ignore' })
  onTestFinished(async () => {
    if (child.kill('SIGKILL')) await once(child, 'exit')
  })
}

describe('nginx', () => {
  async function nginx(): Promise<{ at: string; secure: string }> {
    const dir = scratch()
    const { dir: certificates } = await makeCertificates()
    onTestFinished(() => rmSync(certificates, { recursive: true }))
    const { http, dns: https } = await freePorts()
    const at = `http://127.0.0.1:${http}`
    const secure = `https://127.0.0.1:${https}`
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `${of}_temp_path ${dir}/${of};`)
    const locations = {
      '/up': `add_header X-Role primary; default_type application/json; return 200 '{"status": "up"}'`,
      '/down': 'return 503',
      '/old': 'return 301 /up',
      '/circle': 'return 302 /circle',
      '/away': 'return 307 ftp://127.0.0.1/',
      '/slow': `return 200 '${'a'.repeat(40)}b'`,
    }
    const blocks = Object.entries(locations).map(([path, how]) => `location = ${path} { ${how}; }`)
    const pem = join(certificates, 'dc1-server-consul-0')
    writeFileSync(
      join(dir, 'nginx.conf'),
      `daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/log; events {}
      http { access_log off; ${temporary.join('')}
        server { listen 127.0.0.1:${http}; ${blocks.join('\n')} }
        server { listen 127.0.0.1:${https} ssl; ssl_certificate ${pem}.pem; ssl_certificate_key ${pem}-key.pem;
          location = /up { return 200 well; } location = /plain { return 302 ${at}/up; } } }`,
    )
    await serve('nginx', 'nginx', ['-c', join(dir, 'nginx.conf'), '-e', join(dir, 'log')])
    expect(await runLocker(['wait', `tcp:127.0.0.1:${http}`])).toMatchObject({ code: 0 })
    return { at, secure }
  }

  test('opens a gate by status, headers and body, all that are told', async () => {
    const { at } = await nginx()
    const wanted = 'status=200-204 header=X-Role:primary header~content-type:^application/json body~"status":\\s*"up"'
    expect(await look(`${at}/up ${wanted}`, `${at}/down status=200,503`, `!${at}/down`)).toEqual([0, ''])
    for (const [gate, why] of [
      ['/up status=201,500-599', 'it answers 200'],
      ['/up header=X-Rôle', '"X-Rôle" is no header and its value'],
      ['/up header=X-Node', 'it answers without a header X-Node'],
      ['/up header=X-Role:prim', 'its header X-Role has another value'],
      ['/up body="up"', 'it answers with another body'],
      ['/down body~up', 'it answers 503'],
      // It would keep a matcher busy until the sun has gone out.
      ['/slow body~^(a+)+$', 'its pattern takes too long to match'],
    ] as const) {
      expect(await look(at + gate)).toEqual([expect.any(Number), expect.stringContaining(why)])
    }
  })

  test('is followed where it redirects to on request, and not for ever', async () => {
    const { at } = await nginx()
    expect(await look(`${at}/old follow body~up`)).toEqual([0, ''])
    expect(await look(`${at}/old status=301 header=Location:${at}/up`)).toEqual([0, ''])
    expect(await look(`${at}/old`)).toEqual([1, expect.stringContaining('301, and redirects are not followed')])
    expect(await look(`${at}/circle follow`)).toEqual([1, expect.stringContaining('redirects more than 10 times')])
    expect(await look(`${at}/away follow`)).toEqual([1, expect.stringContaining('it redirects to what is no URL')])
  })

  test('is taken without a trusted certificate on request, with one warning, and never led out of TLS', async () => {
    const { secure } = await nginx()
    expect(await look(`${secure}/up`)).toEqual([1, expect.stringContaining('not trusted here')])
    const warning = `consul-locker: warn: no certificate is verified for ${secure}/up insecure: whoever answers there is believed\n`
    expect(await look(`${secure}/up insecure`)).toEqual([0, warning])
    const [code, said] = await look(`${secure}/plain insecure follow`)
    expect([code, said]).toEqual([1, expect.stringContaining('it redirects from https to http')])
  })
})

describe('a database opens its gate without a password', () => {
  test('redis-server: when it answers a PING, or asks for a password first', async () => {
    const { http: port } = await freePorts()
    const gate = `redis:127.0.0.1:${port}`
    const stale = ['--replicaof', '127.0.0.1', '1', '--replica-serve-stale-data', 'no']
    await serve('redis-server', 'redis-server', ['--bind', '127.0.0.1', '--port', String(port), '--save', '', ...stale])
    const waiter = startLocker(['wait', gate, '--', 'echo', 'ran'])
    await waiter.says(/it answers: MASTERDOWN Link with MASTER is down/)
    const redis = await RedisClient.open('127.0.0.1', port)
    onTestFinished(() => redis.close())
    await redis.command('REPLICAOF', 'NO', 'ONE')
    expect(await waiter.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
    await redis.command('CONFIG', 'SET', 'requirepass', 'secret')
    expect(await look(gate)).toEqual([0, ''])
  })

  test('PostgreSQL: when it is not starting up, whoever it lets in', async () => {
    const { http: port } = await freePorts()
    const { words, uid, gid } = await asOrdinaryUser()
    const dir = scratch()
    chownSync(dir, uid, gid)
    const data = join(dir, 'data')
    const initdb = await program('initdb', 'postgresql-15')
    const asUser = (path: string, ...args: string[]) => {
      const [file = '', ...rest] = [...words, path, ...args]
      return execute(file, rest, { cwd: dir, env: { ...initdb.env, LC_ALL: 'C.UTF-8' } })
    }
    await asUser(initdb.path, '--no-sync', '--auth=scram-sha-256', '--pwfile=/etc/hostname', '-U', 'postgres', data)
    writeFileSync(join(data, 'standby.signal'), '')
    const settings = ['-c', 'hot_standby=off', '-c', 'fsync=off', '-c', `unix_socket_directories=${dir}`]
    const where = ['-D', data, '-h', '127.0.0.1', '-p', String(port), ...settings]
    await serve('postgres', 'postgresql-15', where, words)
    const gates = [`postgres:127.0.0.1:${port}`, `postgres:${dir}/.s.PGSQL.${port}`]
    const waiter = startLocker(['wait', ...gates, '--', 'echo', 'ran'])
    await waiter.says(/it answers: the database system is not accepting connections/)
    await asUser((await program('pg_ctl', 'postgresql-15')).path, 'promote', '--no-wait', '-D', data)
    expect(await waiter.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
    writeFileSync(join(data, 'pg_hba.conf'), 'host all all 127.0.0.0/8 reject\n')
    await asUser((await program('pg_ctl', 'postgresql-15')).path, 'reload', '-D', data)
    expect(await look(...gates)).toEqual([0, ''])
  })

  test('MariaDB: when it denies access, which it does not count as an error', async () => {
    const { http: port } = await freePorts()
    const dir = scratch()
    const root = await unpackPackage({ package: 'mariadb-server' })
    const { path, env } = await program('mariadb-install-db', 'mariadb-server')
    const data = `--datadir=${join(dir, 'data')}`
    const first = ['--no-defaults', `--basedir=${join(root, 'usr')}`, data]
    const user = `--user=${userInfo().username}`
    await execute(path, [...first, user, '--auth-root-authentication-method=normal', '--skip-test-db'], { env })
    const where = ['--bind-address=127.0.0.1', `--port=${port}`, `--socket=${dir}/db.sock`]
    await serve('mariadbd', 'mariadb-server', [...first, user, ...where, '--innodb-flush-method=nosync'])
    const gates = [`mysql:127.0.0.1:${port}`, `mysql:${dir}/db.sock`]
    expect(await runLocker(['wait', ...gates])).toMatchObject({ code: 0 })
    const client = await program('mariadb', 'mariadb-client')
    const preauth = async () => {
      const words = ['--no-defaults', `--socket=${dir}/db.sock`, '-uroot', '-N', '-e']
      const status = "SHOW STATUS LIKE 'Aborted_connects_preauth'"
      return (await execute(client.path, [...words, status], { env: client.env })).split('\t')[1]?.trim()
    }
    expect(await preauth()).toBe('0')
    expect(await look(`tcp:127.0.0.1:${port}`)).toEqual([0, ''])
    await patiently(
      async () => (await preauth()) === '1',
      () => 'a connection without a word is no error',
    )
  })

  test('but for another protocol, silence or a hang-up, which are told', async () => {
    const noise = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2 and more than that\r\n'))
    const end = createServer((socket) => socket.end())
    const ports: number[] = []
    for (const server of [noise, end]) {
      await once(server.listen(0, '127.0.0.1'), 'listening')
      onTestFinished(() => void server.close())
      ports.push((server.address() as AddressInfo).port)
    }
    const gates = ['postgres', 'mysql', 'redis'].flatMap((kind) => ports.map((port) => `${kind}:127.0.0.1:${port}`))
    const [code, said] = await look(...gates)
    expect(code).toBe(1)
    expect(said).toMatch(/postgres:\S+ \(it speaks no PostgreSQL\), postgres:\S+ \(it hangs up\)/)
    expect(said).toMatch(/mysql:\S+ \(it speaks another protocol\), mysql:\S+ \(it hangs up\)/)
    expect(said).toMatch(/redis:\S+ \(it speaks no Redis\), redis:\S+ \(it hangs up\)/)
  })
})
