import { readFileSync } from 'node:fs'
import { Failure, reasonOf } from '../../base/failure.ts'

/**
 * The secret in a file; `undefined` without a file. Throws a `usage` failure when it can't be read, or has none in it.
 */
export function readSecret(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  let secret: string
  try {
    secret = readFileSync(file, 'utf8').trim()
  } catch (thrown) {
    throw new Failure('usage', `the secret file ${file} can't be read: ${reasonOf(thrown)}`, {
      hint: 'see --secret-file',
    })
  }
  // An empty file would open the server to all.
  if (/^[!-~]+$/.test(secret)) return secret
  throw new Failure('usage', `the secret file ${file} has no secret in it`, {
    hint: 'one word of printable characters, as from: openssl rand -hex 32',
  })
}
