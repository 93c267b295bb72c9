import { Failure } from '../../../base/failure.ts'
import { readAgentPlan } from '../../../leader/agent-plan.ts'
import { prepareTest } from '../../../leader/conformance/prepared-test.ts'
import type { Verdict } from '../../../leader/conformance/verdict.ts'
import { EXIT } from '../../exit-codes.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import { goesOn } from '../../output/confirmation.ts'
import { print } from '../../output/print.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import type { LeaderRequest } from './syntax.ts'

const USAGE = 'consul-locker leader test -f FILE'
const LABELS: Record<Verdict['kind'], string> = { ok: 'ok', failed: 'FAILED', 'not-told': 'not told' }
const WIDTH = Math.max(...Object.values(LABELS).map((label) => label.length))

/** `consul-locker leader test -f FILE`: whether what drives an application keeps its promises. Exits with 1 if not. */
export async function testHandler({ ctx, options, words, environment, signals }: LeaderRequest): Promise<number> {
  const [, ...rest] = words
  checkNoWords(rest, USAGE)
  if (options.file === undefined) throw new Failure('usage', 'no configuration was named', { hint: USAGE })
  const plan = await readAgentPlan(ctx, options.file, environment)
  return interruptible(ctx, signals, async (ctx) => {
    const findings = await prepareTest(ctx, plan, environment)
    const { name, port } = plan.file
    const warning = `this promotes, hangs and kills ${name}, which listens on port ${port} of this machine`
    if (!options.yes && !(await goesOn(ctx, warning))) return EXIT.no
    const counts: Record<Verdict['kind'], number> = { ok: 0, failed: 0, 'not-told': 0 }
    for await (const { kind, title, why } of findings) {
      counts[kind] += 1
      print(`${LABELS[kind].padEnd(WIDTH)}  ${title}${why === undefined ? '' : `: ${why}`}`)
    }
    print(`${counts.ok} ok, ${counts.failed} failed, ${counts['not-told']} not told`)
    return counts.failed > 0 ? EXIT.no : EXIT.done
  })
}
