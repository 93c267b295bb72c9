import { Failure } from '../../../base/failure.ts'
import { quoted } from '../../../base/printable.ts'
import { checksOf, failingChecks, type NodeCheck } from '../../../consul/node-checks.ts'
import { isFailingCheck, isRolloutCheck } from '../../../rollout/failures.ts'
import { readFleetRecords } from '../../../rollout/fleet-records.ts'
import { EXIT, MOST_FAILING_CHECKS } from '../../exit-codes.ts'
import { print, printLines } from '../../output/print.ts'
import type { RolloutRequest } from './rollout-request.ts'

/** `rollout health`: this host's failing checks. Settles with their number, as the exit code. */
export async function health({ ctx, rollout, options }: RolloutRequest): Promise<number> {
  const { nodes } = await readFleetRecords(ctx, rollout.consul, rollout.keys)
  const node = nodes.get(rollout.host) ?? rollout.host
  const checks = await checksOf(ctx, rollout.consul, node)
  if (checks.length === 0) {
    throw new Failure('precondition', `Consul knows no node ${quoted(node)}, or this token may not see it`, {
      hint: 'the node of a host may have another name; `consul members` has it',
    })
  }
  const failing = checks.filter((check) => isFailingCheck(check, rollout.file.checks))
  if (options.json) print(JSON.stringify(failing.map(plain)))
  else printLines(failing.map(({ Name, Output }) => `${Name}: ${Output.trimEnd()}`))
  return Math.min(failing.length, MOST_FAILING_CHECKS)
}

/** `rollout failures`: failing checks of any host, and failed upgrades. Settles with 0 when there are none. */
export async function failures({ ctx, rollout, options }: RolloutRequest): Promise<number> {
  const { consul, keys, file } = rollout
  const [checks, { failed }] = await Promise.all([failingChecks(ctx, consul), readFleetRecords(ctx, consul, keys)])
  const failing = checks.filter((check) => isFailingCheck(check, file.checks))
  const warnings = checks.filter((check) => check.Status === 'warning' && !isRolloutCheck(check, file.checks))
  const count = failing.length + failed.length + (options.warnings ? warnings.length : 0)
  if (options.json) {
    print(JSON.stringify({ failures: failing.map(plain), rollout: failed, warnings: warnings.map(plain) }))
  } else {
    const line = ({ Node, Name }: NodeCheck) => `  Node: ${Node}, Check: ${Name}`
    const upgrades = failed.map(
      ({ host, version = 'an unknown version', why }) => `  Node: ${host}, Rollout of ${version}: ${why}`,
    )
    if (options.hosts) section('Failures:', [...failing.map(line), ...upgrades])
    if (options.hosts && options.warnings) section('Warnings:', warnings.map(line))
    if (!options.hosts) print(count === 0 ? 'No failures' : count === 1 ? '1 failure' : `${count} failures`)
  }
  return count === 0 ? EXIT.done : EXIT.no
}

function plain({ Node, CheckID, Name, Status, Output }: NodeCheck): Record<string, string> {
  return { node: Node, id: CheckID, name: Name, status: Status, output: Output }
}

function section(title: string, all: readonly string[]): void {
  if (all.length > 0) printLines([title, ...all])
}
