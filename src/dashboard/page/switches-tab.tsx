import type { SwitchNode, SwitchRow } from '../scene.ts'
import { Age } from './words.tsx'

/** Switches of roles under way, and flags that are raised without one. */
export function SwitchesTab({ switches }: { switches: readonly SwitchRow[] | undefined }) {
  if (switches === undefined) return null
  if (switches.length === 0) return <p class="nothing">No switch is under way.</p>
  return (
    <>
      {switches.map((one) => (
        <Switch key={one.service} one={one} />
      ))}
    </>
  )
}

function Switch({ one }: { one: SwitchRow }) {
  const { service, by, sinceMs, isBack, why, nodes, trouble } = one
  return (
    <section class="card" aria-label={service}>
      <h2>{service}</h2>
      {by !== undefined ? (
        <p class="headline">
          {isBack ? <strong>Being undone</strong> : <strong>Switch under way</strong>}, begun by {by}
          {sinceMs !== undefined && <Age atMs={sinceMs} words={(long) => ` ${long} ago`} />}
        </p>
      ) : (
        <p class="headline">Flags are raised, and no switch of consul-locker is under way</p>
      )}
      {why && <p class="trouble">{why}</p>}
      {trouble && <p class="trouble">{trouble}.</p>}
      <table class="small">
        <caption class="unseen">Nodes and what they are to do</caption>
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">Is to</th>
            <th scope="col">How far</th>
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <tr key={`${node.datacenter} ${node.node} ${node.direction}`}>
              <th scope="row">
                {node.node}
                {node.datacenter && <small> {node.datacenter}</small>}
              </th>
              <td>{node.direction === 'demote' ? 'stop, and stand by' : 'become primary'}</td>
              <td>
                <HowFar node={node} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

const FLAGS: Readonly<Record<string, string>> = {
  NULL: 'nothing is asked of it now',
  START: 'it was told to begin',
  WAIT: 'it is ready, and waits for the others',
}

function HowFar({ node: { flag, outcome, note, isSkipped } }: { node: SwitchNode }) {
  if (isSkipped) return <span class="end end-lost">dead, and not waited for</span>
  return (
    <>
      <code>{flag}</code> {FLAGS[flag]}
      {outcome === 'failed' && <span class="end end-failed"> failed{note && `: ${note}`}</span>}
    </>
  )
}
