import type { LeaderRow, Member } from '../scene.ts'
import { Icon } from './icons.tsx'
import { SpanChoice } from './locks/toolbar.tsx'
import { Axis, Track, useScale, useWidth } from './timeline.tsx'
import type { Span, Whereabouts } from './whereabouts.ts'
import { Age, moment } from './words.tsx'

interface LeadersTabProps {
  readonly leaders: readonly LeaderRow[] | undefined
  readonly span: Span
  readonly go: (change: Partial<Whereabouts>) => void
}

/** Applications with a leader: who is master, how the others are, and who was. */
export function LeadersTab({ leaders, span, go }: LeadersTabProps) {
  if (leaders === undefined) return null
  if (leaders.length === 0) {
    return (
      <p class="nothing">
        No application has a leader. See <code>consul-locker leader -h</code>
      </p>
    )
  }
  return (
    <>
      <div class="toolbar">
        <SpanChoice span={span} onChoose={(span) => go({ span })} />
      </div>
      {leaders.map((leader) => (
        <Leader key={leader.name} leader={leader} span={span} />
      ))}
    </>
  )
}

function Leader({ leader, span }: { leader: LeaderRow; span: Span }) {
  const { name, master, isPromoting, notes, members, reigns } = leader
  const scale = useScale(span)
  const { ref, width } = useWidth<HTMLDivElement>()
  return (
    <section class="card" aria-label={name}>
      <h2>{name}</h2>
      <p class="headline">
        {master ? (
          <>
            <Icon name="crown" /> <strong>{master.node}</strong> {isPromoting ? 'is being made master' : 'is master'}
            {master.sinceMs !== undefined && <Age atMs={master.sinceMs} words={(long) => `, for ${long}`} />}
          </>
        ) : (
          <span class="bad-word">
            <Icon name="left" /> nobody is master
          </span>
        )}
      </p>
      {notes.map((note) => (
        <p key={note} class="trouble">
          {note}
        </p>
      ))}
      <table class="small">
        <caption class="unseen">Nodes of {name}</caption>
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">Role</th>
            <th scope="col">Health</th>
            <th scope="col" class="wide">
              Address
            </th>
            <th scope="col" class="wide">
              Priority
            </th>
            <th scope="col">Says</th>
          </tr>
        </thead>
        <tbody>
          {members.map((member) => (
            <Node key={`${member.node} ${member.address}`} member={member} />
          ))}
        </tbody>
      </table>
      {reigns.length > 0 && (
        <div class="reigns" ref={ref}>
          <Axis scale={scale} width={width} />
          <Track bars={reigns} scale={scale} width={width} noun="reign" />
        </div>
      )}
    </section>
  )
}

function Node({ member }: { member: Member }) {
  const { node, role, health, address, priority, message, isDisabled, maintenanceUntilMs, reinit } = member
  return (
    <tr>
      <th scope="row">{node}</th>
      <td>
        <span class={`role role-${role === 'master' || role === 'slave' ? role : 'other'}`}>{role}</span>
        {isDisabled && <span class="also">disabled</span>}
        {maintenanceUntilMs !== undefined && (
          <span class="also">in maintenance until {moment(maintenanceUntilMs)}</span>
        )}
        {reinit && <span class="also">{reinit}</span>}
      </td>
      <td>
        <span class={`end ${health === 'passing' ? 'end-ok' : health === 'warning' ? 'end-lost' : 'end-failed'}`}>
          {health}
        </span>
      </td>
      <td class="wide">{address}</td>
      <td class="wide">{priority}</td>
      <td class="who">{message}</td>
    </tr>
  )
}
