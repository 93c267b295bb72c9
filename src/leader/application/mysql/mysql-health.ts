import type { HealthReport } from '../application.ts'
import type { MysqlState } from './mysql-state.ts'

/** What the state of a server says about its health, in the role that it should have. */
export function mysqlHealth({ isOpen, unfit, replication }: MysqlState, role: 'master' | 'slave'): HealthReport {
  const really = isOpen ? 'master' : 'slave'
  const report = (healthy: boolean, message: string): HealthReport => ({ healthy, message, role: really })
  if (unfit !== undefined) return report(false, unfit)
  if (role === 'master' && !isOpen) return report(false, 'MariaDB has restarted, and is no master any more')
  if (isOpen) return report(true, 'MariaDB operating as master')
  if (!replication) return report(true, 'MariaDB takes no writes, and waits for its role')
  if (replication.trouble !== undefined) return report(false, `replication has stopped: ${replication.trouble}`)
  const { host, port, isConnected, lagMs } = replication
  return {
    ...report(true, `MariaDB operating as slave of ${host}:${port}, ${isConnected ? 'connected' : 'not connected'}`),
    lagMs,
  }
}
