import { hostname } from 'node:os'
import { Failure } from '../../base/failure.ts'
import { checkLabel, checkServiceId } from '../../discovery/label.ts'
import { option, type Values } from '../syntax/option.ts'

/** Options that say which instance of which service. */
export const LABEL_OPTION = {
  label: {
    ...option('Service:', 'NAME', "the service's name in Consul; capitals make no difference", checkLabel),
    operand: { kind: 'service' as const },
  },
}
export const INSTANCE_OPTIONS = {
  ...LABEL_OPTION,
  'service-id': option('Service:', 'ID', "which of its instances (this machine's host name)", checkServiceId),
}

/** The label. Throws a `usage` failure. */
export function labelOf({ label }: Values<typeof LABEL_OPTION>): string {
  if (label === undefined) throw new Failure('usage', 'no service was named', { hint: 'give --label' })
  return label
}

/** The instance's id. Throws a `usage` failure. */
export function serviceIdOf({ 'service-id': id }: Values<typeof INSTANCE_OPTIONS>): string {
  return id ?? checkServiceId(hostname())
}
