import type { ExaminedLock } from '../../../src/doctor/examined-system.ts'

export const LOCK: ExaminedLock = {
  name: 'backup',
  key: 'consul-locker-backup',
  slots: undefined,
  marker: undefined,
  isShared: false,
  period: undefined,
}
export const SLOTS: ExaminedLock = {
  ...LOCK,
  key: 'consul-locker-backup/.lock',
  slots: 2,
  marker: 'consul-locker-backup',
}
