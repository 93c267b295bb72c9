import { describe, expect, test } from 'vitest'
import type { HostFacts } from '../../../src/rollout/host-facts.ts'
import { decideStep } from '../../../src/rollout/step-decision.ts'

/** A web host that may upgrade from V1 to V2. */
const READY: HostFacts = {
  host: 'web1',
  role: 'web',
  roleOf: (host) => host.replace(/\d+$/, ''),
  target: 'V2',
  local: 'V1',
  interrupted: '',
  pausedBy: undefined,
  limits: { cluster: 2, role: 1 },
  maxFailures: 0,
  shutWindows: undefined,
  first: [],
  soaking: undefined,
  goesFirst: undefined,
  dependsOn: ['db'],
  stopOn: 'upgraded',
  versions: new Map([
    ['web1', 'V1'],
    ['web2', 'V1'],
    ['db1', 'V2'],
  ]),
  unchanged: new Set(),
  failed: [],
  unhealthy: new Map(),
  isForced: false,
}

const SHUT = 'Mon-Fri 09:00-16:00 UTC (opens Mon 09:00)'
const SOAKING = { host: 'web2', untilMs: Date.parse('2026-05-01T12:30:00Z') }
const FAILED = { host: 'web2', version: 'V2', why: 'smoke failed with 1' }
const at = (...hosts: [string, string][]) => new Map([...READY.versions, ...hosts])
const unhealthy = (...nodes: string[]) => new Map(nodes.map((node) => [node, ['http']]))

const CASES: [title: string, facts: Partial<HostFacts>, decision: string][] = [
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
    { versions: at(['web2', 'V2']), unhealthy: unhealthy('web2'), unchanged: new Set(['web2']) },
    'upgrade V2',
  ],
  ['goes by force, whatever has failed', { failed: [FAILED], dependsOn: ['mq'], isForced: true }, 'upgrade V2'],
  ['is paused though it is forced', { pausedBy: 'global', isForced: true }, 'pause: the rollout is paused'],
  [
    'bears as many failed hosts as may fail',
    { failed: [FAILED, { ...FAILED, host: 'web3' }], maxFailures: 2 },
    'upgrade V2',
  ],
  [
    'stops with one more, and tells how many there are',
    { failed: [FAILED, { ...FAILED, host: 'web3' }], maxFailures: 1 },
    'failures: … 2 hosts have failed, 1 may: web2 failed',
  ],
  [
    'counts a host once that has failed and is unhealthy',
    { failed: [FAILED], versions: at(['web2', 'V2']), unhealthy: unhealthy('web2'), maxFailures: 1 },
    'upgrade V2',
  ],
  [
    'lets another one go first when it has failed',
    { interrupted: 'V2', goesFirst: 'web2' },
    'others: V2 has failed here: web2 goes first',
  ],
  ['waits for its window', { shutWindows: SHUT }, `window: waiting for its window: ${SHUT}`],
  ['goes on outside its window when it has begun', { shutWindows: SHUT, interrupted: 'V2' }, 'upgrade V2'],
  ['stops outside its window, too, when the version failed', { shutWindows: SHUT, failed: [FAILED] }, 'failures: …'],
  ['waits for the first hosts', { first: ['web2'] }, 'first: waiting for the first hosts: web2 (runs V1)'],
  [
    'waits for a first host that nobody has seen',
    { first: ['wbe2'] },
    'first: waiting for the first hosts: wbe2 (never seen)',
  ],
  [
    'waits for a first host to be healthy, though one may fail',
    { first: ['web2'], versions: at(['web2', 'V2']), unhealthy: unhealthy('web2'), maxFailures: 1 },
    'first: waiting for the first hosts: web2 (unhealthy: http)',
  ],
  ['goes when the first hosts run it', { first: ['web2'], versions: at(['web2', 'V2']) }, 'upgrade V2'],
  [
    'goes back though a first host that stayed as it was is unhealthy',
    { first: ['web2'], versions: at(['web2', 'V2']), unhealthy: unhealthy('web2'), unchanged: new Set(['web2']) },
    'upgrade V2',
  ],
  [
    'waits while another host soaks',
    { soaking: SOAKING },
    'soak: web2 has just been upgraded, and is watched until 2026-05-01T12:30:00Z',
  ],
  [
    'goes by force, whatever the hour, who is first and who soaks',
    { shutWindows: SHUT, first: ['web2'], soaking: SOAKING, isForced: true },
    'upgrade V2',
  ],
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
    const decision = decideStep({ ...READY, ...facts })
    const said =
      decision.kind === 'wait'
        ? `${decision.for}: ${decision.why.replace('the rollout of V2 has stopped:', '…')}`
        : decision.kind === 'upgrade'
          ? `upgrade ${decision.version}`
          : decision.kind
    expect(said).toContain(expected)
  })
})
