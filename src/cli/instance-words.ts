import { hostname } from 'node:os'
import { Failure } from '../base/failure.ts'
import { checkLabel, checkServiceId } from '../discovery/label.ts'
import { option } from './options.ts'
import type { Given } from './parse.ts'

/** Options that say which instance of which service. */
export const LABEL_OPTION = {
  label: option('Service:', 'NAME', "the service's name in Consul; capitals make no difference"),
}
export const INSTANCE_OPTIONS = {
  ...LABEL_OPTION,
  'service-id': option('Service:', 'ID', "which of its instances (this machine's host name)"),
}

/** The label. Throws a `usage` failure. */
export function labelOf(given: Given): string {
  const label = given('label')
  if (label === undefined) throw new Failure('usage', 'no service was named', { hint: 'give --label' })
  return checkLabel(label)
}

/** The instance's id. Throws a `usage` failure. */
export function serviceIdOf(given: Given): string {
  return checkServiceId(given('service-id') ?? hostname())
}

/** Throws a `usage` failure for words that a command has no use for. */
export function checkNoWords(words: readonly string[], hint: string): void {
  const [extra] = words
  if (extra !== undefined) throw new Failure('usage', `${JSON.stringify(extra)} is one word too many`, { hint })
}
