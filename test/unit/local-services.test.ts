import { expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { parseInitFile } from '../../src/init/init-file.ts'
import { LocalServices } from '../../src/init/local-services.ts'

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
  const teller = {
    begin: (line: string) => void told.push(`${line}...`),
    end: (verdict: string) => void told.push(verdict),
    say: (line: string) => void told.push(line),
  }
  const text = `name: web\nconsul_service: web\ncluster_key: c\nservice_command: ${serviceCommand}\n`
  return { told, services: new LocalServices(parseInitFile('web', text), process.env, teller) }
}

test('a status command that hangs tells nothing, and is no reason not to stop what it is about', async () => {
  const { told, services: web } = services("{ start: 'true', stop: 'true', status: 'sleep 600' }")
  expect(await web.status(ctx)).toEqual([
    { service: 'web', state: 'unknown', output: 'the status command does not end' },
  ])
  await expect(web.stop(ctx)).rejects.toThrow('web is unknown after its stop: the status command does not end')
  expect(told).toEqual(['service.web: stopping...', 'FAILED'])
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
