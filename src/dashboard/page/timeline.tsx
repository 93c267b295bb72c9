import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { formatDuration } from '../../base/duration.ts'
import type { Bar, BarState } from '../scene.ts'
import { percent, type Scale, ticksOf } from './scale.ts'
import { useNow } from './ticking.ts'
import { SPANS, type Span } from './whereabouts.ts'
import { counted, moment } from './words.tsx'

/** Each kind of bar has a sign, for readers who don't see its colour; a run that went well needs none. */
const SIGNS: Record<BarState, string> = { ok: '', failed: '✗', lost: 'L', unknown: '?', running: '' }
const MEANINGS: Record<BarState, string> = {
  ok: 'succeeded',
  failed: 'failed',
  lost: 'lost its lock',
  unknown: 'end unknown',
  running: 'running',
}
const STATES: readonly BarState[] = ['running', 'ok', 'failed', 'lost', 'unknown']

const STEPS = 400
/** The right edge is a little later than now, so that a bar that runs ends inside. */
const MARGIN = 0.015
const CHARACTER_PX = 6.6
/** A bar with a sign is never narrower, not even at the right edge. */
const SIGN_PX = 16
/** Further to the right there is no room for a label, in percent. */
const LAST_LABEL = 94

/** The last so many hours, up to now; it moves on in small steps. */
export function useScale(span: Span): Scale {
  const ms = SPANS[span]
  const nowMs = useNow(Math.max(1000, ms / STEPS))
  return { fromMs: nowMs - ms, toMs: nowMs + ms * MARGIN }
}

/** How wide an element is, in pixels. */
export function useWidth<E extends HTMLElement>() {
  const ref = useRef<E>(null)
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    if (!ref.current) return
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)))
    observer.observe(ref.current)
    return () => observer.disconnect()
  }, [])
  return { ref, width }
}

/** The hours above a column of tracks. */
export function Axis({ scale, width }: { scale: Scale; width: number }) {
  const ticks = ticksOf(scale, Math.max(2, Math.min(12, Math.floor(width / 70))))
  return (
    <div class="axis" aria-hidden="true">
      {ticks.map(({ atMs, label }) => (
        <span key={atMs} class="tick" style={{ left: `${percent(scale, atMs)}%` }}>
          {percent(scale, atMs) < LAST_LABEL && label}
        </span>
      ))}
    </div>
  )
}

interface TrackProps {
  readonly bars: readonly Bar[]
  readonly scale: Scale
  /** In pixels, as far as it is known: a host's name is written where it fits. */
  readonly width: number
  /** What one bar is: `run`, `reign`. */
  readonly noun?: string
}

/** What ran when, as bars. */
export function Track({ bars, scale, width, noun = 'run' }: TrackProps) {
  const seen = bars.filter(({ startMs, endMs = scale.toMs, state }) =>
    state === 'running'
      ? true
      : (state === 'unknown' || state === 'lost' ? startMs : endMs) >= scale.fromMs && startMs <= scale.toMs,
  )
  return (
    <div class="track" role="img" aria-label={described(seen, noun)}>
      {ticksOf(scale, Math.max(2, Math.min(12, Math.floor(width / 70)))).map(({ atMs }) => (
        <i key={atMs} class="line" style={{ left: `${percent(scale, atMs)}%` }} />
      ))}
      {seen.map((bar) => (
        <BarBox key={bar.id} bar={bar} scale={scale} width={width} />
      ))}
    </div>
  )
}

function BarBox({ bar, scale, width }: { bar: Bar; scale: Scale; width: number }) {
  const { state, startMs, host } = bar
  const endMs =
    bar.endMs ?? (state === 'running' ? Math.max(startMs, scale.toMs - (scale.toMs - scale.fromMs) * MARGIN) : startMs)
  const left = Math.max(0, percent(scale, startMs))
  const extent = Math.max(0, Math.min(100, percent(scale, endMs)) - left)
  const px = (extent / 100) * width
  const sign = SIGNS[state]
  const room = px - 16 - (sign === '' ? 0 : 12)
  const isNamed = room >= Math.min(host.length, 6) * CHARACTER_PX
  return (
    <span
      class={`bar bar-${state}`}
      style={{ left: state === 'ok' ? `${left}%` : `min(${left}%, 100% - ${SIGN_PX}px)`, width: `${extent}%` }}
      title={titleOf(bar)}
    >
      {sign && <b>{sign}</b>}
      {isNamed && <span class="host">{host}</span>}
    </span>
  )
}

function titleOf({ host, startMs, endMs, how, command, waitedMs }: Bar): string {
  const took = endMs === undefined ? '' : `, took ${formatDuration(endMs - startMs)}`
  const waited = waitedMs === undefined || waitedMs < 1000 ? '' : `, had waited ${formatDuration(waitedMs)}`
  return `${host}: ${how}\n${moment(startMs)}${took}${waited}${command ? `\n${command}` : ''}`
}

/** The same in words, for readers who hear the page. */
function described(bars: readonly Bar[], noun: string): string {
  if (bars.length === 0) return `no ${noun} in this time`
  const counts = STATES.map((state) => [state, bars.filter((bar) => bar.state === state).length] as const)
  const parts = counts.filter(([, count]) => count > 0).map(([state, count]) => `${count} ${MEANINGS[state]}`)
  const last = bars.at(-1)
  const latest = last ? `; the latest on ${last.host} at ${moment(last.startMs)}, ${last.how}` : ''
  return `${counted(bars.length, noun, `${noun}s`)}: ${parts.join(', ')}${latest}`
}

/** What the signs mean. */
export function Legend() {
  return (
    <ul class="legend" aria-label="Legend of the timeline">
      {STATES.map((state) => (
        <li key={state}>
          <span class={`bar bar-${state}`} aria-hidden="true">
            {SIGNS[state] && <b>{SIGNS[state]}</b>}
          </span>
          {MEANINGS[state]}
        </li>
      ))}
    </ul>
  )
}
