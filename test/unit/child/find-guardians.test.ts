import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { findGuardians } from '../../../src/child/find-guardians.ts'
import { GUARDIAN_NAME } from '../../../src/child/guardian-arguments.ts'
import { started } from './begun.ts'

/** A process with these words and this environment. */
function reader(words: readonly string[], environment: NodeJS.ProcessEnv): number {
  const env = { PATH: process.env.PATH, ...environment }
  return started(['/bin/sh', '-c', 'read -r _', ...words], { stdio: ['pipe', 'ignore', 'ignore'], env }).pid as number
}

test('a guardian is found by its name or its command, and by what stands in its environment', async () => {
  const id = randomUUID()
  const whole = reader([GUARDIAN_NAME], { ID: id })
  const turned = reader(['sh', ':release'], { OTHER: '1', ID: id })
  reader(['sh', 'stranger'], { ID: id })
  reader([GUARDIAN_NAME], { ID: 'another' })
  reader([GUARDIAN_NAME], { NO_ID: id, ID_: id })
  const values: string[] = []
  const find = () =>
    findGuardians(':release', 'ID', (value) => {
      values.push(value)
      return value === id
    })
  await expect.poll(() => find().sort()).toEqual([whole, turned].sort())
  expect(values).toContain('another')
  expect(values).not.toContain('')
})
