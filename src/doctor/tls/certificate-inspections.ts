import type { X509Certificate } from 'node:crypto'
import { formatDuration } from '../../base/duration.ts'
import { oneLine } from '../../base/printable.ts'
import { breaks, cantTell, type Diagnosis, fine, warning } from '../diagnosis.ts'
import type { Inspection } from '../inspection.ts'
import { certificateOf, shownCertificates, type Validity, validityOf } from './certificates.ts'

const DAY_MS = 86_400_000
/** So near its end a certificate that nobody has renewed may be forgotten. */
const NEAR_MS = 14 * DAY_MS
/** One that lives for days is renewed when less than this part of its life is left. */
const LATE = 1 / 4

/** The agent's own certificate. */
export const serverCertificateInspection: Inspection = {
  code: 'CL201',
  topic: 'TLS',
  title: "agent's certificate",
  needs: ['CL102'],
  asksConsul: true,
  async look(ctx, { settings }) {
    const { own, objection } = await shownCertificates(ctx, settings)
    const validity = judgeValidity("the agent's certificate", validityOf(own), ctx.clock.now().wallMs)
    return validity.mark === 'failure' || !settings.tls.verify ? validity : (judgeName(objection, own) ?? validity)
  },
}

/** The certificates of those who have signed it. */
export const authorityInspection: Inspection = {
  code: 'CL202',
  topic: 'TLS',
  title: "CA's certificate",
  needs: ['CL102'],
  asksConsul: true,
  async look(ctx, { settings }) {
    const { own, issuers, objection } = await shownCertificates(ctx, settings)
    const ends = issuers.map(validityOf).toSorted((one, other) => one.toMs - other.toMs)
    return judgeAuthority(own.issuer, ends[0], settings.tls.verify ? objection : undefined, ctx.clock.now().wallMs)
  },
}

/** `first` is the validity of that one of the known issuers that ends first; `objection` is Node's. */
export function judgeAuthority(
  issuer: string,
  first: Validity | undefined,
  objection: string | undefined,
  nowMs: number,
): Diagnosis {
  if (first && nowMs >= first.toMs) return judgeValidity('the CA', first, nowMs)
  if (objection !== undefined && /UNABLE_TO|SELF_SIGNED|ISSUER|SIGNATURE/.test(objection)) {
    return breaks(
      `nobody whom we trust has signed the agent's certificate, but ${oneLine(issuer, 100)}`,
      "give the CA's certificate: --ca-file or CONSUL_CACERT; the right one, if it is given already",
    )
  }
  return first ? judgeValidity('the CA', first, nowMs) : cantTell('the certificate of the CA is not to be seen')
}

/** Whether the certificate is for the name by which the agent is called; `undefined` when it is. */
function judgeName(objection: string | undefined, { subjectAltName = '' }: X509Certificate): Diagnosis | undefined {
  if (objection !== 'ERR_TLS_CERT_ALTNAME_INVALID') return undefined
  return breaks(
    `the agent's certificate is not for its address, but for ${oneLine(subjectAltName, 100)}`,
    'call it by such a name, or expect one: --tls-server-name or CONSUL_TLS_SERVER_NAME',
  )
}

/** Our own. */
export const clientCertificateInspection: Inspection = {
  code: 'CL203',
  topic: 'TLS',
  title: 'client certificate',
  needs: ['CL101'],
  asksConsul: false,
  look(ctx, { settings }) {
    const file = settings.tls.clientCert
    const certificate = file === undefined ? undefined : certificateOf(file)
    if (!certificate) return fine('none is shown to the agent')
    return judgeValidity('our certificate', validityOf(certificate), ctx.clock.now().wallMs)
  },
}

/** Whether a certificate counts at `nowMs`, and will for a while. */
export function judgeValidity(whose: string, { subject, fromMs, toMs }: Validity, nowMs: number): Diagnosis {
  const what = `${whose} (${subject})`
  const end = new Date(toMs).toISOString().slice(0, 10)
  if (nowMs < fromMs) {
    return breaks(
      `${what} is not valid before ${new Date(fromMs).toISOString()}`,
      'is the clock of this machine right? It is the clock that the certificate is judged by',
    )
  }
  if (nowMs >= toMs)
    return breaks(`${what} ended ${formatDuration(nowMs - toMs)} ago`, 'renew it, and reload the agent')
  const leftMs = toMs - nowMs
  const said = `${what} is valid until ${end}`
  const isNear = leftMs < NEAR_MS && leftMs < (toMs - fromMs) * LATE
  return isNear ? warning(`${said}, for ${formatDuration(leftMs)} more`, 'renew it') : fine(said)
}
