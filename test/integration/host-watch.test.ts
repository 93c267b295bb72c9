import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { program } from '../../scripts/provide/debian.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { scratch } from '../kit/unique.ts'

let agent: ConsulAgent
let dir: string

beforeEach(async () => {
  dir = scratch()
  agent = await startConsul()
  return () => agent.stop()
})

/** Puts instances of the service `web` into the catalog, or changes how they are. */
async function web(instances: Readonly<Record<string, string>>): Promise<void> {
  for (const [at, status] of Object.entries(instances)) {
    const [address, port = '80'] = at.split(':')
    const service = { ID: at, Service: 'web', Address: address, Port: Number(port) }
    const check = { Node: 'n1', CheckID: at, Name: at, Status: status, ServiceID: at }
    const body = JSON.stringify({ Node: 'n1', Address: '10.0.0.1', Service: service, Check: check })
    expect((await new ConsulClient(agent.address).request('PUT', '/catalog/register', body)).status).toBe(200)
  }
}

function watch(words: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return startLocker(['hosts', '--label', 'web', '--watch', ...words], { address: agent.address, env })
}

describe('nginx', () => {
  /** A web server that says its own address. */
  async function backend(): Promise<string> {
    const server = createServer((_, response) => response.end(at))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => {
      server.close()
      server.closeAllConnections()
    })
    const at = `127.0.0.1:${(server.address() as AddressInfo).port}`
    return at
  }

  /**
   * Starts nginx in front of the backends in a file. It keeps no connection: a worker that a reload replaces would
   * reset it in the middle of the next request.
   */
  async function balancer(backends: string) {
    const { http } = await freePorts()
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `${of}_temp_path ${dir}/${of};`)
    writeFileSync(
      join(dir, 'nginx.conf'),
      `daemon off; pid ${dir}/pid; error_log ${dir}/log; events {}
      http { access_log off; keepalive_timeout 0; ${temporary.join('')} upstream web { include ${backends}; }
        server { listen 127.0.0.1:${http}; location / { proxy_pass http://web; } } }`,
    )
    const { path, env } = await program('nginx', 'nginx')
    const command = [path, '-c', join(dir, 'nginx.conf'), '-e', join(dir, 'log')]
    const master = spawn(path, command.slice(1), { env, stdio: 'ignore' })
    onTestFinished(async () => {
      if (master.kill('SIGTERM')) await once(master, 'exit')
    })
    expect(await runLocker(['wait', `tcp:127.0.0.1:${http}`])).toMatchObject({ code: 0 })
    /** Waits until so many requests in a row are answered by just these. */
    const answersBy = async (...wanted: string[]) => {
      let answers: string[] = []
      const look = async () => {
        const asked = Array.from({ length: 8 }, () => fetch(`http://127.0.0.1:${http}/`).then((got) => got.text()))
        answers = [...new Set(await Promise.all(asked))].sort()
        return answers.join() === wanted.toSorted().join()
      }
      await patiently(look, () => `it answers by ${answers}, not by ${wanted}`)
    }
    return { reload: [...command, '-s', 'reload'], env, answersBy }
  }

  test('sends requests to those that are healthy, whatever happens to them, and to Consul', async () => {
    const [one, two] = [await backend(), await backend()]
    const file = join(dir, 'backends')
    const form = ['--format', 'server {address}:{port};', '--separator', ' ', '--output', file]
    await web({ [one]: 'passing' })
    expect(await runLocker(['hosts', '--label', 'web', ...form], { address: agent.address })).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(readFileSync(file, 'utf8')).toBe(`server ${one};\n`)
    const { ino, mode } = statSync(file)
    expect(mode & 0o777).toBe(0o666 & ~process.umask())
    const { reload, env, answersBy } = await balancer(file)
    await answersBy(one)

    const watching = watch([...form, '--', ...reload], env)
    await web({ [two]: 'passing' })
    await answersBy(one, two)
    expect(statSync(file).ino).not.toBe(ino)
    await web({ [one]: 'critical' })
    await answersBy(two)

    await web({ [two]: 'critical' })
    await watching.says(/warn: healthy hosts of web: 0; wanted: 1; all stays as it is until there are as many/)
    agent.kill('SIGKILL')
    await agent.exited()
    await watching.says(/warn: .*; trying again until it works/)
    agent = await startConsul({ ports: agent.ports })
    await watching.says(/warn: Consul at .* answers again/)
    expect(readFileSync(file, 'utf8')).toBe(`server ${two};\n`)
    await answersBy(two)

    await web({ [one]: 'passing' })
    await answersBy(one)
    expect(watching.hasEnded).toBe(false)
    watching.kill('SIGTERM')
    expect((await watching.ends()).code).toBe(143)
    expect(readFileSync(file, 'utf8')).toBe(`server ${one};\n`)
  })
})

describe('the command', () => {
  /** A command that writes down with what it was called, and what the file had then. */
  function diary(then: string) {
    const [file, hosts] = [join(dir, 'diary'), join(dir, 'hosts')]
    const script = `cd '${dir}' && echo "$CONSUL_LOCKER_HOSTS $(cat hosts)" >>diary; ${then}`
    const read = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [])
    const lines = async (count: number) => {
      await patiently(
        () => read().length >= count,
        () => `its diary has ${JSON.stringify(read())}`,
      )
      return read()
    }
    return { words: ['--output', hosts, '--', 'sh', '-c', script], lines }
  }

  test('runs at the start, once more for all that changes while it runs, and again when it fails', async () => {
    const [go, broken] = [join(dir, 'go'), join(dir, 'broken')]
    const { words, lines } = diary(
      'until [ -e go ]; do sleep 0.05; done; [ ! -e broken ]; code=$?; echo out; exit $code',
    )
    await web({ '10.0.0.1': 'passing' })
    const watching = watch(words)
    const [first, second, third] = ['10.0.0.1', '10.0.0.1,10.0.0.2,10.0.0.3', '10.0.0.2,10.0.0.3']
    expect(await lines(1)).toEqual([`${first} ${first}`])
    await web({ '10.0.0.2': 'passing', '10.0.0.3': 'passing' })
    writeFileSync(go, '')
    expect((await lines(2)).slice(1)).toEqual([`${second} ${second}`])
    await watching.prints(/^out\nout\n$/)
    writeFileSync(broken, '')
    await web({ '10.0.0.1': 'critical' })
    await watching.says(/warn: sh failed with 1; trying again\n[\s\S]*warn: sh failed with 1; trying again\n/)
    rmSync(broken)
    await watching.prints(/(out\n){5,}/)
    const { length } = await lines(5)
    expect((await lines(5)).slice(2)).toEqual(Array(length - 2).fill(`${third} ${third}`))
    watching.kill('SIGINT')
    expect((await watching.ends()).code).toBe(130)
  })

  test('is stopped before we end at a signal, and a daemon that it has started lives on', async () => {
    const daemon = 'setsid sleep 300 >/dev/null 2>&1 & echo $!'
    const { words, lines } = diary(
      `trap 'echo stopped >>diary; exit 9' TERM; (${daemon}) >>diary; while :; do sleep 0.1; done`,
    )
    await web({ '10.0.0.1': 'passing' })
    const watching = watch(words)
    const [, pid] = await lines(2)
    onTestFinished(() => void process.kill(Number(pid), 'SIGKILL'))
    watching.kill('SIGTERM')
    expect(await watching.ends()).toMatchObject({ code: 143, stdout: '' })
    expect((await lines(3)).slice(2)).toEqual(['stopped'])
    expect(process.kill(Number(pid), 0)).toBe(true)
  })
})
