import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Toy } from '../kit/toy-application.ts'

test('an agent may name a module, whose functions may throw, hang and shout', async () => {
  const toy = await Toy.make()
  const module = join(toy.dir, 'app.ts')
  writeFileSync(
    module,
    `import { appendFileSync, existsSync } from 'node:fs'
interface Master { readonly host: string }
const here = import.meta.dirname
const note = (line: string): void => appendFileSync(here + '/calls', line + '\\n')
export async function health(): Promise<[boolean, string]> {
  if (existsSync(here + '/hang')) await new Promise(() => setInterval(() => {}, 1000))
  if (existsSync(here + '/spin')) for (;;);
  if (existsSync(here + '/throw')) throw new Error('the disk is on fire')
  console.log('x'.repeat(10_000_000))
  return [true, 'a module with 3 cores']
}
export const ensureMaster = () => note('master')
export const ensureSlave = (master: Master) => note('slave ' + master.host)
export const demote = () => note('demote')
`,
  )
  const commands = {
    health: undefined,
    ensure_master: undefined,
    ensure_slave: undefined,
    demote: undefined,
    fence: undefined,
  }
  toy.configure({ ...commands, module: 'app.ts', timeouts: { health: '3s' } })
  const agent = toy.start()
  await toy.becomes('master')
  expect((await toy.get('/health')).text).toBe('"a module with 3 cores"\n')
  for (const [trouble, message] of [
    ['throw', 'the disk is on fire'],
    ['hang', 'no end within 3s'],
    ['spin', 'no end within 3s'],
  ] as const) {
    toy.set(trouble)
    await toy.becomes('demote')
    expect((await toy.get('/health')).text).toBe(`"${message}"\n`)
    toy.unset(trouble)
    await toy.becomes('master')
  }
  agent.kill('SIGKILL')
  await toy.becomes('demote')
  writeFileSync(module, 'export const health = () => true\n')
  const bad = await toy.start().ends()
  expect(bad).toMatchObject({ code: 5 })
  expect(bad.stderr).toMatch(/the module .*app\.ts can't be used: it exports no function ensureMaster \(/)
})
