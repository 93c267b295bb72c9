/** A mark of maintenance: a check that nobody runs, and that says that somebody works on something. */
export interface MaintenanceMark {
  readonly id: string
  readonly name: string
  readonly notes: string
}

/** The mark of a node (agent/agent.go, EnableNodeMaintenance). */
export function nodeMaintenance(reason: string): MaintenanceMark {
  return { id: '_node_maintenance', name: 'Node Maintenance Mode', notes: reason || reasonless('node') }
}

/** That of a service of this id (agent/agent.go, EnableServiceMaintenance). */
export function serviceMaintenance(id: string, reason: string): MaintenanceMark {
  const notes = reason || reasonless('service')
  return { id: serviceMaintenanceId(id), name: 'Service Maintenance Mode', notes }
}

export function serviceMaintenanceId(id: string): string {
  return `_service_maintenance:${id}`
}

function reasonless(what: string): string {
  return `Maintenance mode is enabled for this ${what}, but no reason was provided. This is a default message.`
}
