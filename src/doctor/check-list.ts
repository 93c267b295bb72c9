import { clockCheck } from './agent/clock-check.ts'
import { answeringCheck, leaderCheck, listeningCheck, settingsCheck, tokenCheck } from './agent/connection-checks.ts'
import { connectionsCheck } from './agent/connections-check.ts'
import { roundTripCheck } from './agent/round-trip.ts'
import { versionCheck } from './agent/version-check.ts'
import type { Check } from './check.ts'
import { clusterCheck, fileCheck, fileRightsCheck, programsCheck } from './file/file-checks.ts'
import { delayCheck, heldCheck, isLockCheck, pausedCheck, queueCheck, slotsCheck } from './lock/lock-checks.ts'
import { periodCheck } from './lock/period-check.ts'
import { cronCheck } from './machine/cron-check.ts'
import { firstProcessCheck } from './machine/first-process.ts'
import { guardianCheck } from './machine/guardian-check.ts'
import { librariesCheck } from './machine/libraries-check.ts'
import { memoryCheck, openFilesCheck, processesCheck } from './machine/limit-checks.ts'
import { variablesCheck } from './machine/variables-check.ts'
import { leavingCheck, nodeCheck, serfHealthCheck, sessionRightCheck, ttlCheck } from './node/node-checks.ts'
import { LOCK_RIGHTS } from './rights/lock-rights.ts'
import { authorityCheck, clientCertificateCheck, serverCertificateCheck } from './tls/certificate-checks.ts'

const OF_CONSUL = [
  settingsCheck,
  listeningCheck,
  answeringCheck,
  leaderCheck,
  tokenCheck,
  versionCheck,
  roundTripCheck,
  clockCheck,
  connectionsCheck,
]
const OF_TLS = [serverCertificateCheck, authorityCheck, clientCertificateCheck]
const OF_NODE = [nodeCheck, serfHealthCheck, ttlCheck, leavingCheck]
const OF_MACHINE = [
  guardianCheck,
  librariesCheck,
  variablesCheck,
  openFilesCheck,
  processesCheck,
  memoryCheck,
  firstProcessCheck,
  cronCheck,
]
const OF_LOCK = [isLockCheck, pausedCheck, heldCheck, delayCheck, queueCheck, slotsCheck, periodCheck]
const OF_FILE = [fileCheck, programsCheck, fileRightsCheck, clusterCheck]

/** All that there is, in the order in which it is shown. */
export const ALL_CHECKS: readonly Check[] = [
  ...OF_CONSUL,
  ...OF_TLS,
  ...OF_NODE,
  sessionRightCheck,
  ...LOCK_RIGHTS,
  ...OF_MACHINE,
  ...OF_LOCK,
  ...OF_FILE,
]

/** What is examined, as far as it decides what there is to look at. */
export interface Scope {
  readonly isSecure: boolean
  readonly hasLock: boolean
  readonly hasSlots: boolean
  readonly hasFile: boolean
}

/** Those of them that there is something to look at for. */
export function checksFor({ isSecure, hasLock, hasSlots, hasFile }: Scope): Check[] {
  const without = new Set<Check>([
    ...(isSecure ? [] : OF_TLS),
    ...(hasLock ? [] : [...LOCK_RIGHTS, ...OF_LOCK]),
    ...(hasSlots ? [] : [slotsCheck]),
    ...(hasFile ? [] : OF_FILE),
  ])
  return ALL_CHECKS.filter((check) => !without.has(check))
}
