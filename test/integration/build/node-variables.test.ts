import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { takeOut, type UNREAD } from '../../../build/node-variables.ts'
import { runLocker } from '../../kit/locker.ts'
import { makeCertificates } from '../../kit/secure-agent.ts'
import { scratch, uniqueName } from '../../kit/unique.ts'

/** What Node and its libraries read in C++ before our first line, or without asking; each with a value that is bad. */
const TAKEN_OUT: Record<(typeof UNREAD)[number], string> = {
  NODE_COMPILE_CACHE: '/proc/nope',
  NODE_COMPILE_CACHE_PORTABLE: '1',
  NODE_COMPILE_CACHE_READONLY: '1',
  NODE_DEBUG_NATIVE: '*',
  NODE_ICU_DATA: '/nope',
  NODE_PENDING_DEPRECATION: '1',
  NODE_PRESERVE_SYMLINKS: '1',
  NODE_PRESERVE_SYMLINKS_MAIN: '1',
  NODE_REDIRECT_WARNINGS: 'warnings',
  NODE_REPL_EXTERNAL_MODULE: 'x',
  NODE_USE_ENV_PROXY: '1',
  NODE_V8_COVERAGE: 'coverage',
  OPENSSL_CONF: 'broken.cnf',
  OPENSSL_CONF_INCLUDE: '/nope',
  OPENSSL_ENGINES: '/nope',
  OPENSSL_MODULES: '/nope',
  ICU_ENABLE_TENTATIVE_ERA: 'x',
  ICU_TIMEZONE_FILES_DIR: '/nope',
  SIMDJSON_FORCE_IMPLEMENTATION: 'x',
  SIMDUTF_FORCE_IMPLEMENTATION: 'x',
  UV_THREADPOOL_SIZE: 'garbage',
  UV_USE_IO_URING: 'garbage',
}

/** What Node's JavaScript reads. */
const IN_JAVASCRIPT = {
  CI_NAME: 'x',
  COLORTERM: 'x',
  FORCE_COLOR: '3',
  HTTPS_PROXY: 'http://127.0.0.1:1',
  HTTP_PROXY: 'http://127.0.0.1:1',
  JEST_WORKER_ID: '1',
  NODE_BENCH_CONTEXT: '1',
  NODE_BENCH_FILE_RUN_ID: '1',
  NODE_BENCH_RUN_ID: '1',
  NODE_CHANNEL_FD: '3',
  NODE_CHANNEL_SERIALIZATION_MODE: 'x',
  NODE_CLUSTER_SCHED_POLICY: 'x',
  NODE_DEBUG: '*',
  NODE_DISABLE_COLORS: '1',
  NODE_INSPECT_RESUME_ON_START: '1',
  NODE_NO_READLINE: '1',
  NODE_NO_WARNINGS: '1',
  NODE_OPTIONS: '--bogus',
  NODE_PATH: '/nope',
  NODE_PENDING_PIPE_INSTANCES: 'x',
  NODE_REPL_HISTORY: '/nope',
  NODE_REPL_HISTORY_SIZE: 'x',
  NODE_REPL_MODE: 'x',
  NODE_SKIP_PLATFORM_CHECK: '1',
  NODE_TEST_CONTEXT: 'child-v8',
  NODE_TEST_WORKER_ID: '1',
  NODE_TLS_REJECT_UNAUTHORIZED: '0',
  NODE_UNIQUE_ID: '1',
  NO_COLOR: '1',
  NO_PROXY: '*',
  TEMP: '/nope',
  TERM: 'bogus',
  TERM_PROGRAM: 'x',
  TERM_PROGRAM_VERSION: 'x',
  TEAMCITY_VERSION: 'x',
  TMP: '/nope',
  TMPDIR: '/nope',
  TMUX: 'x',
  UNDICI_NO_WASM_SIMD: '1',
  WATCH_REPORT_DEPENDENCIES: '1',
  http_proxy: 'http://127.0.0.1:1',
  https_proxy: 'http://127.0.0.1:1',
  no_proxy: '*',
}

/** What keeps its meaning, and what the C library reads. */
const KEPT = {
  CARES_HOSTS: '/nope',
  CTLOG_FILE: '/nope',
  GCONV_PATH: '/nope',
  GLIBC_TUNABLES: 'garbage',
  HOME: '/nope',
  HOSTALIASES: '/nope',
  LANG: 'xx_YY.bad',
  LANGUAGE: 'x',
  LC_ALL: '%s%n',
  LC_MESSAGES: 'x',
  LD_BIND_NOW: '1',
  LD_LIBRARY_PATH: '/nope',
  LOCALDOMAIN: 'x',
  LOCALTIME: 'x',
  LOCPATH: '/nope',
  MALLOC_ARENA_MAX: 'x',
  MALLOC_CHECK_: '3',
  MALLOC_MMAP_THRESHOLD_: '0',
  MALLOC_PERTURB_: '165',
  MALLOC_TOP_PAD_: 'x',
  MALLOC_TRIM_THRESHOLD_: '0',
  NODE_EXTRA_CA_CERTS: '/nope',
  NODE_USE_SYSTEM_CA: '1',
  OPENSSL_ia32cap: '0',
  OSSL_QFILTER: 'x',
  QLOGDIR: '.',
  RANDFILE: '/nope',
  RES_OPTIONS: 'garbage',
  SSLKEYLOGFILE: 'keys',
  SSL_CERT_DIR: '/nope',
  SSL_CERT_FILE: '/nope',
  TZ: ':/etc/passwd',
  TZDIR: '/nope',
}

const ALL = { ...TAKEN_OUT, ...IN_JAVASCRIPT, ...KEPT }

/** Runs `env` under a lock; settles with its environment when nothing else was said or written. */
async function seen(env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const cwd = scratch()
  writeFileSync(join(cwd, 'broken.cnf'), '[broken')
  // The third is what NODE_CHANNEL_FD would take for its channel.
  const stdio = ['ignore', 'pipe', 'pipe', 'ignore'] as const
  const ended = await runLocker([uniqueName('odd'), 'env', '-0'], { env, cwd, stdio: [...stdio] })
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  expect(readdirSync(cwd)).toEqual(['broken.cnf'])
  return Object.fromEntries(ended.stdout.split('\0').map((line) => line.split(/=(.*)/s, 2)))
}

describe('a variable of Node’s or its libraries', () => {
  test.each([
    ['a broken OpenSSL configuration', { OPENSSL_CONF: 'broken.cnf' }],
    ['another cluster’s worker', { NODE_UNIQUE_ID: '1' }],
    ['a channel to another parent', { NODE_CHANNEL_FD: '3' }],
    ['a module for another program', { NODE_REPL_EXTERNAL_MODULE: 'x' }],
    ['a cache that can’t be written', { NODE_COMPILE_CACHE: '/proc/nope' }],
    ['a folder for coverage', { NODE_V8_COVERAGE: 'coverage' }],
    ['code for another processor', { SIMDUTF_FORCE_IMPLEMENTATION: 'x' }],
  ])('is nothing to us, and reaches the command: %s', async (_, env) => {
    expect(await seen(env)).toMatchObject(env)
  })

  test('with a bad value doesn’t disturb a run, whichever it is, nor all of them at once', async () => {
    expect(await seen(ALL)).toMatchObject(ALL)
  })

  test('doesn’t switch the verification of certificates off', async () => {
    const { dir } = await makeCertificates()
    onTestFinished(() => rmSync(dir, { recursive: true }))
    const pem = (suffix: string) => readFileSync(join(dir, `dc1-server-consul-0${suffix}.pem`))
    const server = createServer({ cert: pem(''), key: pem('-key') }, (_, response) => void response.end())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void server.close())
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' }
    const gate = await runLocker(['wait', '--once', url], { env })
    expect(gate.code).toBe(1)
    expect(gate.stderr).toMatch(/^.* authority is not trusted here\)\n$/)
    const run = await runLocker([uniqueName('tls'), 'true'], { env, address: url })
    expect(run.code).toBe(3)
    expect(run.stderr).toMatch(/^.*TLS with Consul at .* fails.*\n$/)
  })

  test('is in the list here when Node’s own says so', () => {
    const help = execFileSync(process.execPath, ['--help'], { encoding: 'utf8' })
    const documented = help.slice(help.indexOf('Environment variables:')).matchAll(/^([A-Z][A-Z0-9_]+) /gm)
    const names = Array.from(documented, ([, name = '']) => name)
    expect(names.length).toBeGreaterThan(15)
    expect(names.filter((name) => !(name in ALL))).toEqual([])
  })

  test('is in the list here when Node’s JavaScript reads it', () => {
    const program = readFileSync(process.execPath)
    const names = new Set<string>()
    for (const encoding of ['latin1', 'utf16le'] as const) {
      for (let at = 0; at >= 0; at = program.indexOf('process.env.', at + 1, encoding)) {
        const [, name] = /^process[.]env[.](\w+)/.exec(program.toString(encoding, at, at + 120)) ?? []
        if (name) names.add(name)
      }
    }
    expect(names.size).toBeGreaterThan(20)
    // Of npm, its tests, and Windows.
    const elsewhere = /^(npm_|__MINIMATCH_|SystemRoot|USERPROFILE|comspec|windir)/
    expect([...names].filter((name) => !(name in ALL) && !elsewhere.test(name))).toEqual([])
  })
})

test('a name that Node doesn’t read any more fails the build', () => {
  const program = Buffer.from('\0NODE_A\0NODE_B\0NODE_A\0', 'latin1')
  takeOut(program, ['NODE_A'])
  expect(program.toString('latin1')).toBe('\0\0ODE_A\0NODE_B\0NODE_A\0')
  expect(() => takeOut(program, ['NODE_'])).toThrow(/doesn't read NODE_/)
})
