import { formatDuration } from '../../../base/duration.ts'
import type { Bar, LockRow, ShownHolder } from '../../scene.ts'
import { MoreRow } from '../more-row.tsx'
import { PauseWords } from '../notices.tsx'
import type { Scale } from '../scale.ts'
import { Axis, Track, useWidth } from '../timeline.tsx'
import { Age, aboutPerson, hostOf, moment } from '../words.tsx'

interface DetailsProps {
  readonly row: LockRow
  readonly scale: Scale
  readonly onUnlock: ((holder: ShownHolder) => void) | undefined
}

/** All that is known of one lock. */
export function Details({ row, scale, onUnlock }: DetailsProps) {
  return (
    <div class="all">
      <p class="key">
        Key <code>{row.key}</code>
      </p>
      {row.trouble && <p class="trouble">{row.trouble}.</p>}
      {row.pause && (
        <p class="trouble">
          Paused <PauseWords pause={row.pause} />
        </p>
      )}
      <div class="people">
        {row.holders.length > 0 && <Holders row={row} onUnlock={onUnlock} />}
        {row.waiters.length > 0 && <Line row={row} />}
      </div>
      {row.bars.length > 0 && (
        <>
          <Lanes bars={row.bars} scale={scale} />
          <Runs bars={row.bars} />
        </>
      )}
      {row.bars.length === 0 && row.holders.length === 0 && <p class="none">No run is recorded.</p>}
    </div>
  )
}

function Holders({ row, onUnlock }: { row: LockRow; onUnlock: DetailsProps['onUnlock'] }) {
  return (
    <table class="small">
      <caption>{row.holding > 1 ? `Holders, ${row.holding} of them` : 'Holder'}</caption>
      <thead>
        <tr>
          <th scope="col">Host</th>
          <th scope="col">Who</th>
          <th scope="col">For</th>
          <th scope="col" class="wide">
            Fence
          </th>
          {onUnlock && (
            <th scope="col">
              <span class="unseen">Unlock</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {row.holders.map((holder) => (
          <tr key={holder.session}>
            <th scope="row" title={`session ${holder.session}`}>
              {hostOf(holder)}
            </th>
            <td class="who">{aboutPerson(holder) || <span class="none">left no record</span>}</td>
            <td>{holder.sinceMs === undefined ? '–' : <Age atMs={holder.sinceMs} words={(long) => long} />}</td>
            <td class="wide">{holder.fence}</td>
            {onUnlock && (
              <td>
                <button type="button" class="danger quiet" onClick={() => onUnlock(holder)}>
                  Unlock…<span class="unseen"> {`${row.name}, held by ${hostOf(holder)}`}</span>
                </button>
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Line({ row }: { row: LockRow }) {
  const more = row.waiting - row.waiters.length
  return (
    <table class="small">
      <caption>Queue, {row.waiting.toLocaleString('en')} in line</caption>
      <thead>
        <tr>
          <th scope="col">Whereabouts</th>
          <th scope="col">Host</th>
          <th scope="col">Who</th>
          <th scope="col">For</th>
        </tr>
      </thead>
      <tbody>
        {row.waiters.map((waiter, index) => (
          <tr key={waiter.session}>
            <td>{index + 1}</td>
            <th scope="row" title={`session ${waiter.session}`}>
              {hostOf(waiter)}
            </th>
            <td class="who">{aboutPerson(waiter) || '–'}</td>
            <td>{waiter.sinceMs === undefined ? '–' : <Age atMs={waiter.sinceMs} words={(long) => long} />}</td>
          </tr>
        ))}
        <MoreRow more={more} columns={4} />
      </tbody>
    </table>
  )
}

/** The same time, with a lane for each host. */
function Lanes({ bars, scale }: { bars: readonly Bar[]; scale: Scale }) {
  const { ref, width } = useWidth<HTMLDivElement>()
  const hosts = [...new Set(bars.map(({ host }) => host))].sort()
  if (hosts.length < 2) return null
  return (
    <div class="lanes">
      <p class="caption">By host</p>
      <div class="lane">
        <span />
        <div ref={ref}>
          <Axis scale={scale} width={width} />
        </div>
      </div>
      {hosts.map((host) => (
        <div key={host} class="lane">
          <span class="host">{host}</span>
          <Track bars={bars.filter((bar) => bar.host === host)} scale={scale} width={width} />
        </div>
      ))}
    </div>
  )
}

function Runs({ bars }: { bars: readonly Bar[] }) {
  return (
    <table class="small runs-table">
      <caption>Runs, the latest first</caption>
      <thead>
        <tr>
          <th scope="col">Began</th>
          <th scope="col">Host</th>
          <th scope="col">Ended</th>
          <th scope="col">Took</th>
          <th scope="col" class="wide">
            Waited
          </th>
          <th scope="col" class="wide">
            Command
          </th>
        </tr>
      </thead>
      <tbody>
        {bars.toReversed().map((bar) => (
          <tr key={bar.id}>
            <td>{moment(bar.startMs)}</td>
            <td>{bar.host}</td>
            <td>
              <span class={`end end-${bar.state}`}>{bar.how}</span>
            </td>
            <td>
              {bar.endMs !== undefined && formatDuration(bar.endMs - bar.startMs)}
              {bar.state === 'running' && <Age atMs={bar.startMs} words={(long) => long} />}
            </td>
            <td class="wide">{bar.waitedMs === undefined ? '' : formatDuration(bar.waitedMs)}</td>
            <td class="who wide">{bar.command}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
