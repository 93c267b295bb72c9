import { statSync } from 'node:fs'
import { parse } from 'yaml'
import { Failure } from '../../base/failure.ts'
import { readConfigText } from '../../config/config-file.ts'
import type { FileKind } from './examined-file.ts'

/** Keys that only one kind of file has, the commonest first. */
const KEYS: readonly (readonly [FileKind, readonly string[]])[] = [
  ['init', ['consul_service', 'cluster_key', 'local_services', 'service_command']],
  ['leader', ['ensure_master', 'ensure_slave', 'application', 'module', 'lock_key', 'port', 'health', 'demote']],
  [
    'rollout',
    ['upgrade', 'version_file', 'bootstrap', 'validate', 'limits', 'role_patterns', 'prefix', 'roles', 'fix'],
  ],
]

/** What a file is for, by its first line or its keys. Throws a `config` failure when neither tells. */
export function kindOfFile(path: string): FileKind {
  const text = readText(path)
  const word = /^#!.*consul-locker[^\s]*\s+(leader|init|rollout)\b/.exec(text)?.[1]
  if (word !== undefined) return word as FileKind
  const keys = keysIn(text)
  const kind = KEYS.find(([, own]) => own.some((key) => keys.includes(key)))?.[0]
  if (kind !== undefined) return kind
  throw new Failure('config', `${path} is no file of leader, init or rollout: it has none of their keys`, {
    hint: 'is it the right file? A leader has port, an init script consul_service, a rollout upgrade',
  })
}

function readText(path: string): string {
  // Who opens a pipe that nobody writes to waits for ever, deaf to signals; and the loader reads it once more.
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats?.isFIFO() || stats?.isCharacterDevice()) {
    throw new Failure('config', `${path} is a pipe or a device, and doctor reads the file twice`, {
      hint: 'give the file itself',
    })
  }
  return readConfigText('the file', path)
}

/** Its keys, as far as it can be read; what is wrong with it is for the loader to say. */
function keysIn(text: string): string[] {
  try {
    const values: unknown = parse(text)
    return typeof values === 'object' && values !== null ? Object.keys(values) : []
  } catch {
    return [...text.matchAll(/^(\w+):/gm)].map(([, key = '']) => key)
  }
}
