import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asOrdinaryUser } from '../../scripts/provide/ordinary-user.ts'
import { released } from '../kit/leader.ts'
import { LOCKER, type LockerOptions, patiently, type Running, runLocker, startLocker } from '../kit/locker.ts'
import { removeFolder } from '../kit/remove-folder.ts'
import { client } from '../kit/shared-consul.ts'
import { Toy } from '../kit/toy-application.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

/** What becomes of the executable while it runs. */
const FATES: Readonly<Record<string, (file: string) => void>> = {
  'is deleted': (file) => rmSync(file),
  'is replaced, as by a package’s upgrade': (file) => {
    writeFileSync(`${file}.new`, '#!/bin/sh\nexit 9\n', { mode: 0o755 })
    renameSync(`${file}.new`, file)
  },
  'may not be run by its name any more': (file) => {
    renameSync(file, `${file}.old`)
    writeFileSync(file, '')
  },
}

let copies: string
let count = 0

beforeAll(() => {
  copies = mkdtempSync(join(tmpdir(), 'consul-locker-own-'))
  copyFileSync(LOCKER, join(copies, 'consul-locker'))
})

afterAll(() => removeFolder(copies))

/** Starts the executable by a file of its own. */
function start(words: readonly string[], options: LockerOptions = {}): { locker: string; running: Running } {
  const locker = join(copies, `consul-locker-${++count}`)
  linkSync(join(copies, 'consul-locker'), locker)
  return { locker, running: startLocker(words, { ...options, locker }) }
}

async function isFree(key: string): Promise<void> {
  await patiently(
    async () => (await client.entry(key))?.Session === undefined,
    () => `${key} is not given back`,
  )
}

/** An agent's module that writes down what it is called for. */
const MODULE = `import { appendFileSync } from 'node:fs'
const note = (line) => appendFileSync(import.meta.dirname + '/calls', line + '\\n')
export const health = () => true
export const ensureMaster = () => note('master')
export const ensureSlave = () => note('slave')
export const demote = () => note('demote')
`
const NO_COMMANDS = {
  health: undefined,
  ensure_master: undefined,
  ensure_slave: undefined,
  demote: undefined,
  fence: undefined,
}

describe.each(Object.entries(FATES))('an executable that %s while it runs', (_, befall) => {
  test('gives the lock of a killed run back', async () => {
    const name = uniqueName('own')
    const { locker, running } = start([name, 'sh', '-c', 'echo begins; exec sleep 600'])
    await running.prints(/begins/)
    befall(locker)
    running.kill('SIGKILL')
    await isFree(`consul-locker-${name}`)
  })

  test('demotes in the place of a killed agent', async () => {
    const toy = await Toy.make()
    const { locker, running } = start(['leader', '-f', toy.file])
    await toy.plays('master')
    befall(locker)
    running.kill('SIGKILL')
    await toy.becomes('demote')
    await released(toy)
  })

  test('calls the functions of a module, and so does the guardian', async () => {
    const toy = await Toy.make()
    writeFileSync(join(toy.dir, 'app.mjs'), MODULE)
    toy.configure({ ...NO_COMMANDS, module: 'app.mjs' })
    const { locker, running } = start(['leader', '-f', toy.file])
    await toy.plays('master')
    befall(locker)
    const asserted = calls(toy)
    await patiently(
      () => calls(toy) > asserted + 1,
      () => `it calls nothing any more: ${running.stderr}`,
    )
    running.kill('SIGKILL')
    await toy.becomes('demote')
    await released(toy)
  })

  test('gives back the slot of a killed step of a rollout', async () => {
    const prefix = uniqueName('own')
    const dir = scratch()
    const keys = { host: 'dev', prefix, version_file: join(dir, 'version'), upgrade: [`touch ${dir}/begun; sleep 600`] }
    writeFileSync(
      join(dir, 'rollout.yaml'),
      JSON.stringify({ ...keys, checks: { upgrade: `${prefix}-up`, validation: `${prefix}-v` } }),
    )
    writeFileSync(join(dir, 'version'), 'V1\n')
    await client.request('PUT', `/kv/${prefix}/running_version/V1/dev`, '1')
    await client.request('PUT', `/kv/${prefix}/current_version`, 'V2')
    const { locker, running } = start(['rollout', 'step', '-f', join(dir, 'rollout.yaml')])
    await patiently(
      () => existsSync(join(dir, 'begun')) || running.hasEnded,
      () => running.stderr,
    )
    expect(running.hasEnded, running.stderr).toBe(false)
    befall(locker)
    running.kill('SIGKILL')
    await isFree(`${prefix}/consul-locker-rollout/slots/host/dev/1`)
  })
})

test('an executable in a folder that is closed to its user gives the lock of a killed run back', async () => {
  const dir = scratch()
  chmodSync(dir, 0o755)
  const locker = join(dir, 'consul-locker')
  copyFileSync(LOCKER, locker)
  const { words } = await asOrdinaryUser()
  const name = uniqueName('own')
  const running = startLocker([name, 'sh', '-c', 'echo begins; exec sleep 600'], { through: words, locker })
  await running.prints(/begins/)
  chmodSync(dir, 0)
  try {
    running.kill('SIGKILL')
    await isFree(`consul-locker-${name}`)
  } finally {
    chmodSync(dir, 0o700)
  }
})

test('an executable that a guardian could not start again holds no lock', async () => {
  const name = uniqueName('own')
  const loader = readdirSync('/lib64').find((file) => file.startsWith('ld-linux'))
  const ended = await runLocker([name, 'true'], { through: [join('/lib64', `${loader}`)] })
  expect(ended).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/the guardian could not start .*ld-.*: it is a loader/),
  })
  expect(await runLocker(['--no-guardian', name, 'true'], { through: [join('/lib64', `${loader}`)] })).toMatchObject({
    code: 0,
  })
})

function calls(toy: Toy): number {
  return readFileSync(join(toy.dir, 'calls'), 'utf8').split('\n').length
}
