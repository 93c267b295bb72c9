import type { Dice } from '../../virtual/dice.ts'
import type { VirtualClock } from '../../virtual/virtual-clock.ts'
import type { SimulatedApplication } from './application.ts'

const STEP_MS = 300

/** Has the master take writes, and those that follow it get them, unless they are stalled. */
export function replicate(time: VirtualClock, dice: Dice, applications: readonly SimulatedApplication[]): void {
  for (const application of applications) {
    const master = applications.find(({ node, isMaster }) => isMaster && node === application.following)
    if (application.isMaster) application.position += BigInt(dice.whole(1, 1000))
    else if (master && !application.isStalled) application.position = master.position
  }
  time.after(STEP_MS, () => replicate(time, dice, applications))
}
