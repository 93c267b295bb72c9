import type { Clock } from '../../base/clock.ts'
import type { CheckDraft, NodeDraft, ServiceDraft } from '../catalog/catalog-records.ts'
import { memberNode } from '../catalog/member.ts'
import { Refusal } from '../refusal.ts'
import type { Server } from '../server.ts'
import type { AgentImage } from './agent-image.ts'
import type { CheckOutcome, CheckProbe } from './check-runner.ts'
import { type CheckWorld, LocalCheck } from './local-check.ts'
import { type MaintenanceMark, nodeMaintenance, serviceMaintenance, serviceMaintenanceId } from './maintenance-mark.ts'
import type { RequestedCheck } from './requested-check.ts'
import type { RequestedService } from './requested-service.ts'

export interface NodeAgentOptions {
  readonly node: string
  readonly address: string
  readonly server: Server
  readonly clock: Clock
  readonly random: () => number
  /** Looks at ports and URLs; without it there are TTL checks only. */
  readonly probe: CheckProbe | undefined
}

/**
 * The agent of a node: its services, their checks, and how these go on (agent/agent.go). What changes stands in the
 * catalog at once.
 */
export class NodeAgent {
  readonly #node: NodeDraft
  readonly #server: Server
  readonly #world: CheckWorld
  readonly #probes: boolean
  readonly #services = new Map<string, RequestedService['service']>()
  readonly #checks = new Map<string, LocalCheck>()
  /** Nobody runs them: they say that somebody works on something. */
  readonly #marks = new Map<string, CheckDraft>()

  constructor({ node, address, server, clock, random, probe }: NodeAgentOptions) {
    this.#node = memberNode(node, address)
    this.#server = server
    this.#probes = probe !== undefined
    this.#world = {
      clock,
      random,
      probe: probe ?? (() => Promise.reject(new Error('nobody looks here'))),
      sync: (check) => this.#sync(undefined, [check.draft]),
      reap: (check) => this.deregisterService(check.draft.ServiceID),
    }
  }

  /** In the order of their ids. */
  get services(): readonly ServiceDraft[] {
    return [...this.#services.values()].sort((a, b) => (a.ID < b.ID ? -1 : 1))
  }

  service(id: string): ServiceDraft | undefined {
    return this.#services.get(id)
  }

  /** In the order of their ids. */
  get checks(): readonly CheckDraft[] {
    const drafts = [...[...this.#checks.values()].map((check) => check.draft), ...this.#marks.values()]
    return drafts.sort((a, b) => (a.CheckID < b.CheckID ? -1 : 1))
  }

  /**
   * Registers a service, or changes it. A check that is there already keeps its status; one that isn't named stays,
   * unless the registration is to replace them all. Throws a `Refusal`, and changes nothing then.
   */
  registerService({ service, checks }: RequestedService, replacesChecks: boolean): void {
    for (const definition of checks) this.#checkRunnable(definition)
    const fresh = checks.map((definition) => this.#makeCheck(definition, service))
    this.#services.set(service.ID, service)
    for (const check of this.#ofService(service.ID)) {
      if (replacesChecks && !fresh.some(({ draft }) => draft.CheckID === check.draft.CheckID)) {
        this.deregisterCheck(check.draft.CheckID)
      }
    }
    for (const check of fresh) this.#putCheck(check)
    this.#sync(
      service,
      fresh.map(({ draft }) => draft),
    )
  }

  /** Takes a service and its checks out; one that isn't there is out. */
  deregisterService(id: string): void {
    for (const { draft } of this.#ofService(id)) this.#dropCheck(draft.CheckID)
    this.#marks.delete(serviceMaintenanceId(id))
    if (this.#services.delete(id)) this.#server.deregister({ node: this.#node.Node, serviceId: id })
  }

  /** Throws a `Refusal`. */
  registerCheck(definition: RequestedCheck, serviceId: string): void {
    const service = serviceId === '' ? undefined : this.#services.get(serviceId)
    if (serviceId !== '' && !service) throw new Refusal(500, `ServiceID ${JSON.stringify(serviceId)} does not exist`)
    this.#checkRunnable(definition)
    const check = this.#makeCheck(definition, service)
    this.#putCheck(check)
    this.#sync(undefined, [check.draft])
  }

  /** One that isn't there is out. */
  deregisterCheck(id: string): void {
    if (this.#dropCheck(id) || this.#marks.delete(id)) this.#server.deregister({ node: this.#node.Node, checkId: id })
  }

  /** Somebody tells how a TTL check is. Throws a `Refusal` when there is none. */
  tellCheck(id: string, result: CheckOutcome): void {
    const check = this.#checks.get(id)
    if (!check?.isTold) throw new Refusal(500, `CheckID ${JSON.stringify(id)} does not have associated TTL`)
    const isFirst = !check.wasTold
    check.tell(result)
    // That it was told is kept, though nothing else may have changed.
    if (isFirst) this.#server.changed()
  }

  /** Marks the node as one that is worked on, or takes the mark away. */
  maintain(on: boolean, reason: string): void {
    this.#mark(on, nodeMaintenance(reason), undefined)
  }

  /** The same for a service. Throws a `Refusal` when there is none. */
  maintainService(id: string, on: boolean, reason: string): void {
    const service = this.#services.get(id)
    if (!service) throw new Refusal(404, `No service registered with ID ${JSON.stringify(id)}`)
    this.#mark(on, serviceMaintenance(id, reason), service)
  }

  /** What there is to keep of it; see `load`. */
  get image(): AgentImage {
    return {
      services: [...this.#services.values()],
      checks: [...this.#checks.values()].map(({ definition, draft, wasTold }) => ({ definition, draft, wasTold })),
      marks: [...this.#marks.values()],
    }
  }

  /**
   * Begins with what another one of this node left. What was told of keeps its status for its whole TTL; all else is
   * critical until it is told or looked at, as it is at Consul (agent/agent.go, loadChecks).
   */
  load({ services, checks, marks }: AgentImage): void {
    for (const service of services) this.#services.set(service.ID, service)
    for (const { definition, draft, wasTold } of checks) {
      const known = wasTold ? draft : { ...draft, Status: 'critical' as const, Output: '' }
      this.#putCheck(new LocalCheck(this.#world, definition, known, wasTold))
    }
    for (const mark of marks) this.#marks.set(mark.CheckID, mark)
    this.#sync(undefined, this.checks)
  }

  stop(): void {
    for (const check of this.#checks.values()) check.stop()
  }

  #mark(on: boolean, { id, name, notes }: MaintenanceMark, service: ServiceDraft | undefined): void {
    if (!on) this.deregisterCheck(id)
    if (!on || this.#marks.has(id)) return
    const draft = this.#draft({ id, name, notes, status: 'critical' }, service, 'maintenance')
    this.#marks.set(id, draft)
    this.#sync(undefined, [draft])
  }

  #checkRunnable({ method: { kind } }: RequestedCheck): void {
    if (kind !== 'ttl' && !this.#probes) throw new Refusal(501, `this agent has no ${kind.toUpperCase()} checks`)
  }

  #makeCheck(definition: RequestedCheck, service: ServiceDraft | undefined): LocalCheck {
    const known = this.#checks.get(definition.id)
    const before = known?.draft
    const draft = this.#draft(definition, service, definition.method.kind)
    const kept = before ? { ...draft, Status: before.Status, Output: before.Output } : draft
    return new LocalCheck(this.#world, definition, kept, known?.wasTold ?? false)
  }

  #putCheck(check: LocalCheck): void {
    this.#checks.get(check.draft.CheckID)?.stop()
    this.#checks.set(check.draft.CheckID, check)
  }

  #dropCheck(id: string): boolean {
    this.#checks.get(id)?.stop()
    return this.#checks.delete(id)
  }

  #draft(
    { id, name, notes, status = 'critical' }: Pick<RequestedCheck, 'id' | 'name' | 'notes' | 'status'>,
    service: ServiceDraft | undefined,
    type: string,
  ): CheckDraft {
    return {
      Node: this.#node.Node,
      CheckID: id,
      Name: name,
      Status: status,
      Notes: notes,
      Output: '',
      ServiceID: service?.ID ?? '',
      ServiceName: service?.Service ?? '',
      ServiceTags: service?.Tags ?? [],
      Type: type,
    }
  }

  #ofService(id: string): LocalCheck[] {
    return [...this.#checks.values()].filter(({ draft }) => draft.ServiceID === id)
  }

  #sync(service: ServiceDraft | undefined, checks: readonly CheckDraft[]): void {
    this.#server.register({ node: this.#node, keepsNode: true, ...(service && { service }), checks })
  }
}
