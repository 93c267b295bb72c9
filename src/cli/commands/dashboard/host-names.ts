import { Failure } from '../../../base/failure.ts'
import { quoted } from '../../../base/printable.ts'

const HOST_NAME = /^[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?$/i

/** Checks names of hosts. Throws a `usage` failure. */
export function checkHostNames(names: readonly string[]): readonly string[] {
  const wrong = names.find((name) => !HOST_NAME.test(name))
  if (wrong === undefined) return names
  throw new Failure('usage', `--allow-host ${quoted(wrong)} is no host's name`, {
    hint: 'a name alone, without https:// or a port: locks.example.com',
  })
}
