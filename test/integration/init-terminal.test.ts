import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { Terminal } from '../kit/terminal.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

test('on a terminal a step counts its seconds while it is under way, and its line ends as elsewhere', async () => {
  const service = uniqueName('slow')
  const dir = scratch()
  const script = join(dir, 'slow')
  const command = join(dir, 'command.sh')
  writeFileSync(
    command,
    `case $1 in status) [ -f ${dir}/runs ] || exit 3 ;; start) sleep 2.5; touch ${dir}/runs ;; esac\n`,
  )
  writeFileSync(
    script,
    `name: slow\nconsul_service: ${service}\ncluster_key: cluster/test\nservice_command: sh ${command} {action}\n`,
  )
  chmodSync(script, 0o755)
  const roles = JSON.stringify({ active_nodes: ['dev'], standby_nodes: [] })
  await new ConsulClient().request('PUT', `/kv/cluster/test/${service}`, roles)
  const terminal = await Terminal.open()
  await terminal.enter(`$L init ${script} start`)
  await terminal.shows(/service\.slow: starting… 1s/)
  await terminal.shows(/service\.slow: starting\.\.\.SUCCESS/)
  expect(await terminal.screen()).not.toContain('…')
})
