import type { Context } from '../base/context.ts'
import { probeCommand } from '../probe/command-probe.ts'
import { probePort } from '../probe/port-probe.ts'
import type { ProbeResult } from '../probe/probe-result.ts'
import { probeUrl } from '../probe/url-probe.ts'
import type { MonitorTarget } from './monitor-target.ts'

/** How to look whether a service is healthy. */
export interface TargetProbe {
  readonly target: MonitorTarget
  /** What has not answered by then is not healthy, in milliseconds. */
  readonly timeoutMs: number
  /** For a command. */
  readonly environment: NodeJS.ProcessEnv
}

/** Looks once. Rejects only with the signal's reason: what can't be looked at isn't healthy. */
export function probeTarget(ctx: Context, { target, timeoutMs, environment }: TargetProbe): Promise<ProbeResult> {
  switch (target.kind) {
    case 'url':
      return probeUrl(ctx, target.url, timeoutMs)
    case 'tcp':
      return probePort(ctx, target, timeoutMs)
    case 'command':
      return probeCommand(ctx, target.line, environment, timeoutMs)
  }
}
