import { describe, expect, test } from 'vitest'
import { RUN_SYNTAX } from '../../../src/cli/commands/run/syntax.ts'
import { adviceOn, unknownVariables } from '../../../src/cli/unknown-variables.ts'

describe('a variable that is like an option’s', () => {
  const told = (...names: string[]) => {
    return adviceOn(unknownVariables(Object.fromEntries(names.map((name) => [`CONSUL_LOCKER_${name}`, '1']))))
  }

  test.each([
    ['NO_WIAT', 'NO_WAIT'],
    ['NOWAIT', 'NO_WAIT'],
    ['WIAT', 'WAIT'],
    ['LOCKDELAY', 'LOCK_DELAY'],
    ['HTTP_ADDRESS', undefined],
    ['HTTP_ADRR', 'HTTP_ADDR'],
    ['TOKENFILE', 'TOKEN_FILE'],
    ['TIMEOUT', 'WAIT'],
  ])('%s is told of, with %s', async (name, meant) => {
    const sentence = `CONSUL_LOCKER_${name} is no option's variable; did you mean CONSUL_LOCKER_${meant}?`
    expect(await told(name)).toEqual(meant === undefined ? [] : [sentence])
  })

  test('is neither an option’s own nor any of those that our commands have', async () => {
    const ours = `NAME KEY SESSION SESSIONS FENCE NODE ROLE JOB JOB_SHELL GUARDIAN DUTY NOBODY ERRAND FLAG FLAG_VALUE
      FLAG_BEFORE FLAG_SERVICE FLAG_NODE MASTER_HOST MASTER_ADDRESS MASTER_PORT ROLLOUT_VERSION ROLLOUT_HOST
      ROLLOUT_ROLE HOME CONFIG X WAITED_12 TASK_1 RUN_1_2`
    expect(await told(...ours.split(/\s+/))).toEqual([])
    expect(
      await told(...Object.keys(RUN_SYNTAX.options).map((name) => name.toUpperCase().replaceAll('-', '_'))),
    ).toEqual([])
  })

  test('is told of by the outermost run alone', () => {
    expect(unknownVariables({ CONSUL_LOCKER_NO_WIAT: '1', CONSUL_LOCKER_RUN_ID: 'r' })).toEqual([])
  })
})
