import { AbortReason, withTimeout } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { messageOf } from '../base/failure.ts'

/** What a look at something gave. */
export interface ProbeResult {
  readonly healthy: boolean
  /** Part of a sentence, for people: `it answers 503`, `connection refused`. */
  readonly why: string
  /** What it says of itself: the beginning of an answer's body, or the end of what a command wrote. */
  readonly output: string
}

/**
 * Looks once, for `timeoutMs` milliseconds at most. What fails, or doesn't end in time, isn't healthy. Rejects only
 * with the signal's reason.
 */
export async function probeWithin(
  ctx: Context,
  timeoutMs: number,
  options: (ctx: Context) => Promise<ProbeResult>,
): Promise<ProbeResult> {
  try {
    const late = () => new AbortReason(`no answer within ${formatDuration(timeoutMs)}`)
    return await withTimeout(ctx, timeoutMs, late, options)
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    return { healthy: false, why: connectFailure(thrown), output: '' }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'no answer',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'no name server answers',
  ENODATA: 'the name has no address',
  ESERVFAIL: 'the name server fails',
  EREFUSED: 'the name server refuses',
  ENOENT: 'it is not there',
  ENOTDIR: 'it is not there',
  EACCES: 'permission denied',
  ERR_SCRIPT_EXECUTION_TIMEOUT: 'its pattern takes too long to match',
  // OpenSSL's verdicts on a certificate; see x509_vfy.h
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself, and not trusted here',
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate's authority is not trusted here",
  UNABLE_TO_GET_ISSUER_CERT: "its certificate's authority is not trusted here",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate's authority is not trusted here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate's authority is not trusted here",
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  EPROTO: 'it speaks no TLS',
}

/** Why somebody could not be reached, as part of a sentence. */
export function connectFailure(thrown: unknown): string {
  const { code = '' } = thrown as NodeJS.ErrnoException
  if (code.startsWith('HPE_')) return 'it speaks no HTTP'
  return REASONS[code] ?? (messageOf(thrown) || code || 'it fails')
}
