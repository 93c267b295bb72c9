import { clockInspection } from './agent/clock-inspection.ts'
import {
  answeringInspection,
  leaderInspection,
  listeningInspection,
  settingsInspection,
  tokenInspection,
} from './agent/connection-inspections.ts'
import { connectionsInspection } from './agent/connections-inspection.ts'
import { roundTripInspection } from './agent/round-trip.ts'
import { versionInspection } from './agent/version-inspection.ts'
import { clusterInspection, fileInspection, fileRightsInspection, programsInspection } from './file/file-inspections.ts'
import type { Inspection } from './inspection.ts'
import {
  delayInspection,
  heldInspection,
  isLockInspection,
  pausedInspection,
  queueInspection,
  slotsInspection,
} from './lock/lock-inspections.ts'
import { periodInspection } from './lock/period-inspection.ts'
import { cronInspection } from './machine/cron-inspection.ts'
import { firstProcessInspection } from './machine/first-process.ts'
import { guardianInspection } from './machine/guardian-inspection.ts'
import { librariesInspection } from './machine/libraries-inspection.ts'
import { memoryInspection, openFilesInspection, processesInspection } from './machine/limit-inspections.ts'
import { variablesInspection } from './machine/variables-inspection.ts'
import {
  leavingInspection,
  nodeInspection,
  serfHealthInspection,
  sessionRightInspection,
  ttlInspection,
} from './node/node-inspections.ts'
import { LOCK_RIGHTS } from './rights/lock-rights.ts'
import {
  authorityInspection,
  clientCertificateInspection,
  serverCertificateInspection,
} from './tls/certificate-inspections.ts'

const OF_CONSUL = [
  settingsInspection,
  listeningInspection,
  answeringInspection,
  leaderInspection,
  tokenInspection,
  versionInspection,
  roundTripInspection,
  clockInspection,
  connectionsInspection,
]
const OF_TLS = [serverCertificateInspection, authorityInspection, clientCertificateInspection]
const OF_NODE = [nodeInspection, serfHealthInspection, ttlInspection, leavingInspection]
const OF_MACHINE = [
  guardianInspection,
  librariesInspection,
  variablesInspection,
  openFilesInspection,
  processesInspection,
  memoryInspection,
  firstProcessInspection,
  cronInspection,
]
const OF_LOCK = [
  isLockInspection,
  pausedInspection,
  heldInspection,
  delayInspection,
  queueInspection,
  slotsInspection,
  periodInspection,
]
const OF_FILE = [fileInspection, programsInspection, fileRightsInspection, clusterInspection]

/** All that there is, in the order in which it is shown. */
export const ALL_INSPECTIONS: readonly Inspection[] = [
  ...OF_CONSUL,
  ...OF_TLS,
  ...OF_NODE,
  sessionRightInspection,
  ...LOCK_RIGHTS,
  ...OF_MACHINE,
  ...OF_LOCK,
  ...OF_FILE,
]

/** What is examined, as far as it decides what there is to look at. */
export interface InspectionScope {
  readonly isSecure: boolean
  readonly hasLock: boolean
  readonly hasSlots: boolean
  readonly hasFile: boolean
}

/** Those of them that there is something to look at for. */
export function inspectionsFor({ isSecure, hasLock, hasSlots, hasFile }: InspectionScope): Inspection[] {
  const without = new Set<Inspection>([
    ...(isSecure ? [] : OF_TLS),
    ...(hasLock ? [] : [...LOCK_RIGHTS, ...OF_LOCK]),
    ...(hasSlots ? [] : [slotsInspection]),
    ...(hasFile ? [] : OF_FILE),
  ])
  return ALL_INSPECTIONS.filter((check) => !without.has(check))
}
