import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConsulClient } from './consul-client.ts'
import { scratch, uniqueName } from './unique.ts'

/** An init script of one service, in a folder of its own, that starts by `start`. */
export async function initScript(start: string, more = ''): Promise<{ readonly dir: string; readonly script: string }> {
  const dir = scratch()
  const script = join(dir, 'web')
  const service = uniqueName('web')
  writeFileSync(join(dir, 'web.sh'), `case $1 in status) [ -f ${dir}/runs ] || exit 3 ;; start) ${start} ;; esac\n`)
  writeFileSync(
    script,
    `name: web\nconsul_service: ${service}\ncluster_key: cluster/test\nservice_command: sh ${dir}/web.sh {action}\n${more}`,
  )
  const roles = { active_nodes: ['dev'], standby_nodes: [] }
  await new ConsulClient().request('PUT', `/kv/cluster/test/${service}`, JSON.stringify(roles))
  return { dir, script }
}
