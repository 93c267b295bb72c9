import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { breaks, type Diagnosis, fine, warning } from '../../../src/doctor/diagnosis.ts'
import { examine } from '../../../src/doctor/examination.ts'
import type { ExaminedSystem } from '../../../src/doctor/examined-system.ts'
import type { Code, Inspection } from '../../../src/doctor/inspection.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

const PATIENT = {} as ExaminedSystem

function check(
  code: Code,
  look: () => Diagnosis | Promise<Diagnosis>,
  needs: Code[] = [],
  asksConsul = false,
): Inspection {
  return { code, topic: 'Consul', title: code, needs, asksConsul, look }
}

function context(clock = new VirtualClock()) {
  return { clock, log: SILENT, signal: new AbortController().signal, random: () => 0 }
}

async function marks(checks: readonly Inspection[]) {
  const results = await examine(context(), checks, PATIENT)
  return results.map(({ inspection, mark, said }) => `${inspection.code} ${mark}: ${said}`)
}

describe('an examination', () => {
  test('tries nothing that needs what failed, however far away, and names the first cause', async () => {
    const checks = [
      check('CL3', () => fine('never'), ['CL2']),
      check('CL2', () => fine('never'), ['CL1']),
      check('CL1', () => breaks('no')),
      check('CL4', () => fine('well'), ['CL9']),
      check('CL5', () => fine('well'), ['CL6']),
      check('CL6', () => warning('hm')),
    ]
    expect(await marks(checks)).toEqual([
      'CL3 untried: not tried: CL1 failed',
      'CL2 untried: not tried: CL1 failed',
      'CL1 failure: no',
      'CL4 fine: well',
      'CL5 fine: well',
      'CL6 warning: hm',
    ])
  })

  test('takes a failure for a finding, and a bug for a bug', async () => {
    const failing = check('CL1', () => {
      throw new Failure('unreachable', 'nobody is there', { hint: 'look' })
    })
    expect(await examine(context(), [failing], PATIENT)).toMatchObject([{ mark: 'failure', cure: 'look' }])
    const faulty = check('CL1', () => {
      throw new TypeError('oops')
    })
    await expect(examine(context(), [faulty], PATIENT)).rejects.toThrow('oops')
  })

  test('lets two ask Consul at a time, and no more', async () => {
    let now = 0
    let most = 0
    const asking = async () => {
      most = Math.max(most, ++now)
      await Promise.resolve()
      now--
      return fine('')
    }
    const checks = ([1, 2, 3, 4, 5] as const).map((n) => check(`CL${n}`, asking, [], true))
    await examine(context(), checks, PATIENT)
    expect(most).toBe(2)
  })

  test('waits for no check for ever', async () => {
    const clock = new VirtualClock()
    const silent = check('CL1', () => new Promise(() => {}))
    const [result] = await clock.run(examine(context(clock), [silent], PATIENT))
    expect(result).toMatchObject({ mark: 'failure', said: 'it could not be told within 12s' })
  })
})
