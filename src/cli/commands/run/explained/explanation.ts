import { formatDuration } from '../../../../base/duration.ts'
import { wrapped } from '../../../../base/wrapped-text.ts'
import { type LeaseTimeline, leaseTimeline } from '../../../../lock/lease-timeline.ts'
import type { Timing } from '../../../../lock/lease-timing.ts'
import type { RunCommandOptions } from '../syntax.ts'
import type { UnstartedRun } from '../unstarted-run.ts'
import type { Contingency } from './contingency.ts'
import { courseOf } from './course.ts'
import { heldThing } from './held-thing.ts'
import { lossesOf } from './losses.ts'
import { type TimelineLane, type TimelineMark, timelineLanes, timelineMarks } from './timeline-marks.ts'
import { timelineLines } from './timeline-text.ts'

/** What a run promises. */
export interface Explanation {
  readonly title: string
  readonly timing: Timing
  readonly timeline: LeaseTimeline
  readonly marks: readonly TimelineMark[]
  readonly lanes: readonly TimelineLane[]
  readonly cases: readonly Contingency[]
}

const COLUMNS = 80

/** Explains a run, which may have no name yet. */
export function explanationOf(
  { spec, period }: UnstartedRun,
  options: RunCommandOptions,
  name: string | undefined,
): Explanation {
  const { timing } = spec.lock
  const timeline = leaseTimeline(timing)
  const about = { signal: (spec.lossSignal ?? 'SIGTERM').replace('SIG', ''), held: heldThing(options) }
  return {
    title: name === undefined ? 'What a run promises' : `What a run of ${name} promises`,
    timing,
    timeline,
    marks: timelineMarks(timeline, about),
    lanes: timelineLanes(timeline),
    cases: [
      ...lossesOf({ timing, timeline, ...about, hasGuardian: !options['no-guardian'] }),
      ...courseOf({ spec, period, options }),
    ],
  }
}

/** It, for a terminal: in 80 columns of ASCII, but for a name that is longer. */
export function explanationLines({ title, timing, marks, lanes, cases }: Explanation): string[] {
  return [
    ...wrapped(`${title}, from the sending of the last renewal that Consul answers:`, COLUMNS),
    timingLine(timing),
    '',
    ...timelineLines(marks, lanes),
    ...cases.flatMap(caseLines),
  ]
}

function timingLine({ ttlMs, renewMs, graceMs, lockDelayMs }: Timing): string {
  const [ttl, renew, grace, lockDelay] = [ttlMs, renewMs, graceMs, lockDelayMs].map(formatDuration)
  return `TTL ${ttl}, renewed every ${renew}, grace ${grace}, lock-delay ${lockDelay}`
}

function caseLines({ when, happens }: Contingency): string[] {
  return ['', ...wrapped(`If ${when}:`, COLUMNS), ...wrapped(happens, COLUMNS - 2).map((line) => `  ${line}`)]
}
