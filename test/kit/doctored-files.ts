import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { scratch } from './unique.ts'

export const agentAddress = () => inject('consulAddress')

export function fileWith(text: string): string {
  const path = join(scratch(), 'file.yaml')
  writeFileSync(path, text)
  return path
}

export const leaderFile = (name: string) => `name: ${name}
port: 6379
health: { command: [/bin/true] }
ensure_master: [/bin/true]
ensure_slave: [sh, -c, 'true']
demote: /bin/true --now
`
