import { type Diagnosis, fine, warning } from '../diagnosis.ts'
import type { Inspection } from '../inspection.ts'

/** Meant for Node, OpenSSL and their kin; we don't heed them. */
const IGNORED = [
  'NODE_OPTIONS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_USE_ENV_PROXY',
  'OPENSSL_CONF',
  'HTTP_PROXY',
  'http_proxy',
]
/** Where certificates are found. */
const OF_CERTIFICATES = ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS', 'NODE_USE_SYSTEM_CA']
/** They say how Consul is reached, which is shown elsewhere. */
const OF_REACH = /^CONSUL_LOCKER_(HTTP_ADDR|TOKEN|TOKEN_FILE|CA_FILE|CA_PATH|CLIENT_CERT|CLIENT_KEY|TLS_SERVER_NAME)$/

/** Which variables change what a run does. */
export const variablesInspection: Inspection = {
  code: 'CL503',
  topic: 'This machine',
  title: 'variables',
  needs: [],
  asksConsul: false,
  look: (_ctx, { environment, optionVariables }) => judgeVariables(environment, optionVariables),
}

/** `optionVariables` are those that are options of ours. Values are not told: a token may be among them. */
export function judgeVariables(environment: NodeJS.ProcessEnv, optionVariables: readonly string[]): Diagnosis {
  const isSet = (name: string) => Boolean(environment[name])
  const inEffect = [...heededVariables(environment, optionVariables), 'DEBUG'].filter(isSet)
  const ignored = IGNORED.filter(isSet)
  const told = [
    ...(inEffect.length > 0 ? [`in effect: ${inEffect.sort().join(', ')}`] : []),
    ...(ignored.length > 0 ? [`not heeded: ${ignored.join(', ')}`] : []),
  ]
  const said = told.length > 0 ? `variables ${told.join('; ')}` : 'no variable changes what a run does'
  if (!optionVariables.some((name) => isSet(name) && !OF_REACH.test(name))) return fine(said)
  return warning(said, 'these options count for every run that is started from here, unless it says otherwise')
}

/** The names of the variables that are set, and by which a run reaches Consul or does something else. */
export function heededVariables(environment: NodeJS.ProcessEnv, optionVariables: readonly string[]): string[] {
  const names = Object.keys(environment).filter((name) => environment[name])
  return names.filter(
    (name) =>
      /^CONSUL_(?!LOCKER_)[A-Z_]+$/.test(name) || optionVariables.includes(name) || OF_CERTIFICATES.includes(name),
  )
}
