import { inheritanceIn } from '../../../child/internal-command.ts'
import { carryOn, type Inheritance } from '../../../run/output/carry-on.ts'
import { EXIT } from '../../exit-codes.ts'
import { internalOptions } from '../../invocation/internal-options.ts'
import type { Invocation } from '../../invocation/invocation.ts'

/** `consul-locker :output`, for the fallback reader of a killed runner alone. */
export async function carryOutput({ environment, context }: Invocation): Promise<number> {
  await carryOn(context(internalOptions(environment)), inheritanceIn(environment) as Inheritance)
  return EXIT.done
}
