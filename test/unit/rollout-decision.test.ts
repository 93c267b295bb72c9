import { describe, expect, test } from 'vitest'
import { decide, type Facts } from '../../src/rollout/decision.ts'

/** A web host that may upgrade from V1 to V2. */
const READY: Facts = {
  host: 'web1',
  role: 'web',
  target: 'V2',
  local: 'V1',
  interrupted: '',
  pausedBy: undefined,
  limits: { cluster: 2, role: 1 },
  dependsOn: ['db'],
  stopOn: 'upgraded',
  versions: new Map([
    ['web1', 'V1'],
    ['web2', 'V1'],
    ['db1', 'V2'],
  ]),
  untouched: new Set(),
  failed: [],
  unhealthy: new Map(),
  isForced: false,
}

const FAILED = { host: 'web2', version: 'V2', why: 'smoke failed with 1' }
const at = (...hosts: [string, string][]) => new Map([...READY.versions, ...hosts])
const unhealthy = (...nodes: string[]) => new Map(nodes.map((node) => [node, ['http']]))

const CASES: [title: string, facts: Partial<Facts>, decision: string][] = [
  ['upgrades when nothing speaks against it', {}, 'upgrade V2'],
  ['does nothing while no version was triggered', { target: undefined }, 'untriggered'],
  ['rests when it runs the version', { local: 'V2' }, 'up-to-date'],
  ['upgrades a host that never recorded a version', { local: '' }, 'upgrade V2'],
  [
    'upgrades again what was interrupted though the version is written',
    { local: 'V2', interrupted: 'V2' },
    'upgrade V2',
  ],
  [
    'upgrades back when the version was taken back midway',
    { local: 'V2', target: 'V2', interrupted: 'V3' },
    'upgrade V2',
  ],
  ['waits while its role is paused', { pausedBy: 'role/web' }, 'pause: the rollout is paused for role/web'],
  ['waits while all is paused', { pausedBy: 'global' }, 'pause: the rollout is paused'],
  ['is paused also when it has begun', { interrupted: 'V2', pausedBy: 'global' }, 'pause: the rollout is paused'],
  ['rests though paused when it runs the version', { local: 'V2', pausedBy: 'global' }, 'up-to-date'],
  ['never goes with a cluster limit of 0', { limits: { cluster: 0, role: 1 } }, 'limit: the limit of the cluster is 0'],
  ['never goes with a role limit of 0', { limits: { cluster: 1, role: 0 } }, 'limit: the limit of the role web is 0'],
  ['goes without a limit of its role', { limits: { cluster: 1, role: undefined } }, 'upgrade V2'],
  ['stops when the version failed elsewhere', { failed: [FAILED] }, 'failures: … web2 failed (smoke failed with 1)'],
  [
    'stops when nobody can read which version failed elsewhere',
    { failed: [{ ...FAILED, version: undefined }] },
    'failures: … web2 failed (smoke failed with 1)',
  ],
  ['tries again what failed here', { failed: [{ ...FAILED, host: 'web1' }], interrupted: 'V2' }, 'upgrade V2'],
  ['goes on with what has begun though it failed elsewhere', { failed: [FAILED], interrupted: 'V2' }, 'upgrade V2'],
  ['stops with an older upgrade interrupted', { failed: [FAILED], interrupted: 'V0' }, 'failures: … web2 failed'],
  [
    'forgets failures of older versions, which the new one may mend',
    { failed: [{ ...FAILED, version: 'V1' }] },
    'upgrade V2',
  ],
  [
    'heeds them when told to stop on any',
    { failed: [{ ...FAILED, version: 'V1' }], stopOn: 'any' },
    'failures: … web2 failed',
  ],
  [
    'stops when a host with the version is unhealthy',
    { versions: at(['web2', 'V2']), unhealthy: unhealthy('web2') },
    'failures: … web2 is unhealthy (http)',
  ],
  [
    'goes back though a host that stayed as it was is unhealthy',
    { versions: at(['web2', 'V2']), unhealthy: unhealthy('web2'), untouched: new Set(['web2']) },
    'upgrade V2',
  ],
  ['goes by force, whatever has failed', { failed: [FAILED], dependsOn: ['mq'], isForced: true }, 'upgrade V2'],
  ['is paused though it is forced', { pausedBy: 'global', isForced: true }, 'pause: the rollout is paused'],
  ['leaves hosts without the version aside', { unhealthy: unhealthy('web2', 'mail1') }, 'upgrade V2'],
  [
    'heeds every node when told to stop on any',
    { unhealthy: unhealthy('mail1'), stopOn: 'any' },
    'failures: … mail1 is unhealthy',
  ],
  [
    'leaves its own health aside: the upgrade may mend it',
    { unhealthy: unhealthy('web1'), stopOn: 'any' },
    'upgrade V2',
  ],
  ['waits for hosts that it depends on', { versions: at(['db1', 'V1']) }, 'dependencies: waiting for db1 (runs V1)'],
  ['waits for all of them', { versions: at(['db2', 'V1']) }, 'dependencies: waiting for db2 (runs V1)'],
  ['waits until there is one', { dependsOn: ['mq'] }, 'dependencies: waiting for a host of the role mq'],
  ['waits for nobody of its own role but itself', { dependsOn: ['web'], versions: at(['web2', 'V2']) }, 'upgrade V2'],
  [
    'names three at most',
    { versions: at(['db2', 'V1'], ['db3', 'V1'], ['db4', 'V1'], ['db5', 'V1']) },
    'dependencies: waiting for db2 (runs V1), db3 (runs V1), db4 (runs V1) and 1 more',
  ],
]

describe('a host', () => {
  test.each(CASES)('%s', (_title, facts, expected) => {
    const decision = decide({ ...READY, ...facts })
    const said =
      decision.kind === 'wait'
        ? `${decision.for}: ${decision.why.replace('the rollout of V2 has stopped:', '…')}`
        : decision.kind === 'upgrade'
          ? `upgrade ${decision.version}`
          : decision.kind
    expect(said).toContain(expected)
  })
})
