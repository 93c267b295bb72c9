import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseInitFile } from '../../../src/init/init-file.ts'
import { parseCluster } from '../../../src/switchover/roles.ts'

const read = (name: string) => readFileSync(join(import.meta.dirname, '../../../examples/init', name), 'utf8')

test('the example of an init script is one', () => {
  const file = parseInitFile('myservice', read('myservice'))
  expect(file).toMatchObject({ name: 'myservice', local_services: ['apache2', 'mysql'], noop_expires: 600_000 })
})

test('what it shows as comments is right, too', () => {
  const examples = read('myservice').replaceAll(/^# (service_command:|consul:| {2}\w+:)/gm, '$1')
  const two = examples.replace('service_command: /opt', '# service_command: /opt')
  expect(parseInitFile('myservice', two)).toMatchObject({
    service_command: { status: 'systemctl is-active {service}' },
    consul: { http_addr: '127.0.0.1:8500' },
  })
})

test('the example of a cluster key names both nodes', () => {
  expect(parseCluster('key', read('cluster.json'), 'node1').roles).toEqual({
    form: 'nodes',
    active: ['node1'],
    standby: ['node2'],
  })
})

test.each(['promote', 'demote'])('the example of a %s watch is what is printed for it', (direction) => {
  const name = `watch_myService${direction === 'promote' ? 'Promote' : 'Demote'}.json`
  expect(JSON.parse(read(`consul/${name}`)).watches).toEqual([
    {
      args: ['/etc/init.d/myservice', direction],
      key: `service/myserviceConsulName/node1/${direction}`,
      type: 'key',
    },
  ])
  expect(JSON.parse(read('consul/service_myService.json')).service.name).toBe('myserviceConsulName')
})
