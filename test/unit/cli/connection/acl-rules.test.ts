import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  hostsRules,
  initRules,
  leaderOperatorRules,
  leaderRules,
  leaseRules,
  monitorRules,
  pauseRules,
  rolloutRules,
  runRules,
  slotsRules,
  tokenServerRules,
} from '../../../../src/cli/connection/acl-rules.ts'
import { leaderKeys } from '../../../../src/leader/cluster/leader-keys.ts'
import { ALL_PAUSED_KEY, pauseKeyOf } from '../../../../src/lock/lock-keys.ts'
import { RolloutKeys } from '../../../../src/rollout/rollout-keys.ts'

const read = (file: string) => readFileSync(join(import.meta.dirname, '../../../..', file), 'utf8')
const rulesIn = (text: string) =>
  text
    .split('\n')
    .filter((line) => /^\w/.test(line))
    .sort()

/** A section's policy, as the document says it. */
function policy(title: string): string[] {
  const [, rules] = read('docs/rights.md').split(`## ${title}\n\n\`\`\`hcl\n`)
  return rulesIn(rules?.split('```', 1)[0] ?? '')
}

const BACKUP = 'consul-locker-backup'

describe('the rules that a refusal names are those of docs/rights.md:', () => {
  test.each([
    ['A run under the lock `backup`', runRules(BACKUP)],
    ['A run with `--slots` under the name `backup`', runRules(`${BACKUP}/.lock`, { slots: 2 })],
    ['A run with `--shared` under the name `backup`', runRules(BACKUP)],
    ['Who pauses the lock `backup`', pauseRules({ pauseKey: pauseKeyOf(BACKUP), lockKey: BACKUP })],
    ['Who pauses all locks', pauseRules({ pauseKey: ALL_PAUSED_KEY })],
    ['The agent of `leader` for redis', leaderRules('redis', { ...leaderKeys('redis'), note: undefined })],
    ['The agent of `leader` with `application: redis`', leaderRules('redis', leaderKeys('redis'))],
    ['The operator of `leader` for redis', leaderOperatorRules('redis', leaderKeys('redis'))],
    ['The monitor of the service `web`, and its start-up lease', monitorRules('web')],
    ['The hosts of the service `web`', hostsRules('web')],
    ['The server of discovery tokens', tokenServerRules],
    ['A host of a rollout', rolloutRules(new RolloutKeys())],
  ])('%s', (title, rules) => {
    expect(rules.map((rule) => rule.replace('<node>', 'web1')).sort()).toEqual(policy(title))
  })

  test('to show slots, or change how many there are, takes one of those of a run with --slots', () => {
    const [list, run] = [`${BACKUP}/.lock`, runRules(`${BACKUP}/.lock`, { slots: 2 })]
    expect(run).toEqual(expect.arrayContaining(slotsRules(list, true)))
    expect(slotsRules(list, false)).toEqual([`key_prefix "${BACKUP}/" { policy = "read" }`])
  })

  test('a lease alone needs what a monitor needs of it', () => {
    expect(monitorRules('web')).toEqual(expect.arrayContaining(leaseRules('web')))
  })

  test('an init script’s are those of its example', () => {
    const rules = initRules({ consul_service: 'myserviceConsulName', cluster_key: 'cluster/production' })
    expect(rules.sort()).toEqual(rulesIn(read('examples/init/acl.hcl')))
  })
})
