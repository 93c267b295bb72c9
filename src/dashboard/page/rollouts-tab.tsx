import type { RolloutHost, RolloutRow } from '../scene.ts'
import { MoreRow } from './more-row.tsx'
import { Age, counted } from './words.tsx'

const STATES = ['done', 'upgrading', 'rebooting', 'failed', 'waiting'] as const
const NAMES: Record<RolloutHost['state'], string> = {
  done: 'done',
  upgrading: 'upgrading',
  rebooting: 'rebooting',
  failed: 'failed',
  waiting: 'not yet',
}
const SIGNS: Record<RolloutHost['state'], string> = {
  done: '✓',
  upgrading: '▸',
  rebooting: '↻',
  failed: '✗',
  waiting: '',
}
/** What needs a look comes first, and a thousand that are done help nobody. */
const URGENCY: readonly RolloutHost['state'][] = ['failed', 'upgrading', 'rebooting', 'waiting', 'done']
const MOST_HOSTS = 200

/** How far each rollout is. */
export function RolloutsTab({ rollouts }: { rollouts: readonly RolloutRow[] | undefined }) {
  if (rollouts === undefined) return null
  if (rollouts.length === 0) {
    return (
      <p class="nothing">
        No version was rolled out. See <code>consul-locker rollout -h</code>
      </p>
    )
  }
  return (
    <>
      {rollouts.map((rollout) => (
        <Rollout key={`${rollout.prefix} ${rollout.version}`} rollout={rollout} />
      ))}
    </>
  )
}

function Rollout({ rollout }: { rollout: RolloutRow }) {
  const { prefix, version, hosts, pauses, isForced, trouble } = rollout
  const counts = STATES.map((state) => ({ state, count: hosts.filter((host) => host.state === state).length }))
  const done = counts[0]?.count ?? 0
  return (
    <section class="card" aria-label={prefix === undefined ? `Version ${version}` : `Version ${version} of ${prefix}`}>
      <h2>
        {version}
        {prefix !== undefined && <small> {prefix}</small>}
      </h2>
      <p class="headline">
        <strong>
          {done} of {counted(hosts.length, 'host', 'hosts')}
        </strong>{' '}
        {done === 1 ? 'runs' : 'run'} it{isForced && <span class="also">forced</span>}
      </p>
      {trouble && <p class="trouble">{trouble}.</p>}
      {pauses.length > 0 && <p class="trouble">Paused: {pauses.join(', ')}</p>}
      <div
        class="progress"
        role="progressbar"
        aria-label={`Hosts that run ${version}`}
        aria-valuemin={0}
        aria-valuemax={hosts.length}
        aria-valuenow={done}
      >
        {counts.map(
          ({ state, count }) =>
            count > 0 && (
              <i
                key={state}
                class={`part part-${state}`}
                style={{ flexGrow: count }}
                title={`${NAMES[state]}: ${count}`}
              />
            ),
        )}
      </div>
      <ul class="legend">
        {counts.map(
          ({ state, count }) =>
            count > 0 && (
              <li key={state}>
                <span class={`part part-${state}`} aria-hidden="true">
                  {SIGNS[state]}
                </span>
                {count.toLocaleString('en')} {NAMES[state]}
              </li>
            ),
        )}
      </ul>
      <Hosts hosts={hosts} />
    </section>
  )
}

function Hosts({ hosts }: { hosts: readonly RolloutHost[] }) {
  const sorted = hosts.toSorted((one, other) => URGENCY.indexOf(one.state) - URGENCY.indexOf(other.state))
  const more = sorted.length - MOST_HOSTS
  return (
    <table class="small">
      <caption class="unseen">Hosts</caption>
      <thead>
        <tr>
          <th scope="col">Host</th>
          <th scope="col">State</th>
          <th scope="col">Runs</th>
          <th scope="col">Why</th>
        </tr>
      </thead>
      <tbody>
        {sorted.slice(0, MOST_HOSTS).map(({ host, state, version, sinceMs, why, pausedBy }) => (
          <tr key={host}>
            <th scope="row">{host}</th>
            <td>
              <span class={`stage stage-${state}`}>
                {SIGNS[state]} {NAMES[state]}
              </span>
              {sinceMs !== undefined && <Age atMs={sinceMs} words={(long) => ` for ${long}`} />}
            </td>
            <td>{version ?? '–'}</td>
            <td class="who">
              {why}
              {pausedBy !== undefined && state === 'waiting' && `paused by ${pausedBy}`}
            </td>
          </tr>
        ))}
        <MoreRow more={more} columns={4} />
      </tbody>
    </table>
  )
}
