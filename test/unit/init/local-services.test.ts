import { expect, test } from 'vitest'
import { type Clock, systemClock } from '../../../src/base/clock.ts'
import { combined } from '../../../src/init/check-result.ts'
import { parseInitFile } from '../../../src/init/init-file.ts'
import { LocalServices } from '../../../src/init/local-services.ts'
import { isMisspelt } from '../../../src/init/service-command.ts'

// Limits of half a minute pass in half a second.
const clock: Clock = {
  ...systemClock,
  since: (instant) => systemClock.since(instant) * 60,
  after: (ms, wake) => systemClock.after(ms / 60, wake),
}
const log = { debugging: false, debug: () => {}, notice: () => {}, warn: () => {}, error: () => {}, mark: () => {} }
const ctx = { clock, log, signal: new AbortController().signal, random: Math.random }

function services(serviceCommand: string) {
  const told: string[] = []
  const output = {
    begin: (line: string) => void told.push(`${line}...`),
    end: (result: string) => void told.push(result),
    say: (line: string) => void told.push(line),
  }
  const text = `name: web\nconsul_service: web\ncluster_key: c\nservice_command: ${serviceCommand}\n`
  return { told, services: new LocalServices(parseInitFile('web', text), process.env, output) }
}

test('a status command that hangs tells nothing, and is no reason not to stop what it is about', async () => {
  const { told, services: web } = services("{ start: 'true', stop: 'true', status: 'sleep 600' }")
  expect(await web.status(ctx)).toEqual([
    { service: 'web', state: 'unknown', output: 'the status command does not end' },
  ])
  await expect(web.stop(ctx)).rejects.toThrow('web is unknown after its stop: the status command does not end')
  expect(told).toEqual(['service.web: stopping...', 'FAILED'])
})

test.each([
  ['webb: unrecognized service\n', true], // Debian's and Red Hat's service(8)
  ['LoadState=not-found\n', true], // systemctl show, of systemd 252
  ['LoadState=loaded\n', false],
  ['inactive\n', false],
])('a status that says %j is of no service at all: %s', (output, expected) => {
  expect(isMisspelt(output)).toBe(expected)
})

test('a service that the machine has none of is not taken for a stopped one', async () => {
  const { services: web } = services(
    "{ start: 'true', stop: 'true', status: 'sh -c \"echo web: unrecognized service; exit 1\"' }",
  )
  const [status] = await web.status(ctx)
  expect(status).toEqual({ service: 'web', state: 'unknown', output: 'web: unrecognized service' })
  expect(combined(status ? [status] : [])).toEqual({
    state: 'unknown',
    note: 'web is unknown: web: unrecognized service',
  })
})

test('a start command that hangs fails by its limit', async () => {
  const { told, services: web } = services("{ start: 'sleep 600', stop: 'true', status: 'sh -c \"exit 3\"' }")
  await expect(web.start(ctx)).rejects.toThrow('web: its start command did not end within 1m')
  expect(told).toEqual(['service.web: starting...', 'FAILED'])
})

test('a stop that only asks for the end is not taken for the end', async () => {
  const { services: web } = services("{ start: 'true', stop: 'true', status: 'echo busy' }")
  await expect(web.stop(ctx)).rejects.toThrow('web is running after its stop: busy')
})
