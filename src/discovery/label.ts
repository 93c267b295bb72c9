import { Failure } from '../base/failure.ts'
import { quoted } from '../base/printable.ts'

/** A label of DNS: Consul answers for `<label>.service.consul`, and existing labels have underscores. */
const LABEL = /^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$/

const SERVICE_ID = /^[A-Za-z0-9._@:-]{1,128}$/

/**
 * The name of a group of instances, which is its service's name in Consul. Capitals make no difference, as in DNS.
 * Throws a `usage` failure.
 */
export function checkLabel(text: string): string {
  const label = text.toLowerCase()
  if (LABEL.test(label)) return label
  throw new Failure('usage', `--label ${quoted(text)} can't be the name of a service`, {
    hint: 'letters, digits, - and _ are fine, 63 at most, a letter or digit first and last',
  })
}

/** Tells an instance from the others of its label. Throws a `usage` failure. */
export function checkServiceId(text: string): string {
  if (SERVICE_ID.test(text)) return text
  throw new Failure('usage', `--service-id ${quoted(text)} can't be the id of a service`, {
    hint: 'letters, digits and . _ @ : - are fine, 128 at most',
  })
}
