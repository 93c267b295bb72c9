import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { program } from '../../scripts/debian.ts'
import { freePorts } from '../../scripts/ports.ts'
import { runLocker } from '../kit/locker.ts'
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
