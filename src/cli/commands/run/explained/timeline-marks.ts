import { formatDuration } from '../../../../base/duration.ts'
import type { LeaseTimeline } from '../../../../lock/lease-timeline.ts'
import type { HeldThing } from './held-thing.ts'

/** An instant of the timeline that has a name. */
export interface TimelineMark {
  /** A, B, C in the order of time. */
  readonly letter: string
  /** From the sending of the last renewal that was answered, in milliseconds. */
  readonly atMs: number
  /** What is so from then on. */
  readonly text: string
}

/** What of a run the words depend on. */
export interface MarkedRun {
  /** What tells the command to end: `TERM`. */
  readonly signal: string
  readonly held: Pick<HeldThing, 'next'>
}

/** All that happens on a timeline, in the order of time. */
export function timelineMarks(timeline: LeaseTimeline, { signal, held: { next } }: MarkedRun): TimelineMark[] {
  const { attemptsMs, deadlineMs, killMs, expiryMs, nextHolderMs, nextAfterExpiryMs } = timeline
  const [firstMs] = attemptsMs
  const marks: [number, string][] = [
    [0, 'the last renewal that Consul answers is sent'],
    [firstMs, `the next one gets no answer: trouble begins${again(attemptsMs)}`],
    [deadlineMs, `deadline: ${signal} to the command and all that it has started`],
    [killMs, 'KILL: nothing of it is left'],
    [nextHolderMs, `earliest ${next}, if the session was destroyed right after A`],
    [expiryMs, 'Consul lets the session expire, if nothing else ended it'],
    [nextAfterExpiryMs, `earliest ${next} after that`],
  ]
  return marks
    .sort(([one], [other]) => one - other)
    .map(([atMs, text], n) => ({ letter: String.fromCharCode('A'.charCodeAt(0) + n), atMs, text }))
}

function again([firstMs, secondMs, ...more]: LeaseTimeline['attemptsMs']): string {
  if (secondMs === undefined) return ''
  return more.length === 0
    ? `; again at ${formatDuration(secondMs)}`
    : `; again every ${formatDuration(secondMs - firstMs)}`
}

/** A stretch of one line of the picture. */
export interface Stretch {
  readonly kind: StretchKind
  readonly fromMs: number
  readonly toMs: number
}

/** What a stretch shows: the command runs; it is told to end; the session lives; the lock is closed after its death. */
export type StretchKind = 'runs' | 'ends' | 'lives' | 'closed'

/** One line of the picture. */
export interface TimelineLane {
  readonly title: string
  readonly stretches: readonly Stretch[]
}

/** The lines of the picture, for a command, and for the two ways in which a session can die. */
export function timelineLanes(timeline: LeaseTimeline): TimelineLane[] {
  const { deadlineMs, killMs, expiryMs, nextHolderMs, nextAfterExpiryMs } = timeline
  return [
    {
      title: 'command',
      stretches: [
        { kind: 'runs', fromMs: 0, toMs: deadlineMs },
        { kind: 'ends', fromMs: deadlineMs, toMs: killMs },
      ],
    },
    { title: 'session destroyed', stretches: [{ kind: 'closed', fromMs: 0, toMs: nextHolderMs }] },
    {
      title: 'session expires',
      stretches: [
        { kind: 'lives', fromMs: 0, toMs: expiryMs },
        { kind: 'closed', fromMs: expiryMs, toMs: nextAfterExpiryMs },
      ],
    },
  ]
}

/** Where marks stand on a scale: none nearer than `gap` to its neighbours, and none beyond the last one's place. */
export function spread(
  marks: readonly Pick<TimelineMark, 'atMs'>[],
  scale: (ms: number) => number,
  gap: number,
): number[] {
  const places: number[] = []
  for (const { atMs } of marks) places.push(Math.max(scale(atMs), (places.at(-1) ?? Number.NEGATIVE_INFINITY) + gap))
  const end = scale(marks.at(-1)?.atMs ?? 0)
  return places.map((place, n) => Math.min(place, end - gap * (places.length - 1 - n)))
}

/** What the kinds of stretches mean. */
export const STRETCH_MEANINGS: Record<StretchKind, string> = {
  runs: 'runs',
  ends: 'told to end',
  lives: 'lives',
  closed: 'closed (lock-delay)',
}
