import type { Client, Dispatcher } from 'undici'
import { unlessAborted } from '../base/abort.ts'
import { MAX_REPLY_BYTES, tooLarge } from './reply-failure.ts'
import type { WireReply } from './wire.ts'

/**
 * Sends one request through a client that no other request uses meanwhile, and reads the reply whole. Rejects with
 * undici's error, with the signal's reason as soon as that aborts, or with a `too-large` failure when the server at
 * this address says too much; the client's connection is of no use then. What `receive` throws ends it as well.
 *
 * undici's own `request` gives the body as a stream, which takes a short run longer than Consul takes to answer.
 */
export function exchange(
  client: Client,
  request: Dispatcher.DispatchOptions,
  address: string,
  signal: AbortSignal,
  receive?: (chunk: Buffer) => void,
): Promise<WireReply> {
  const { promise, resolve, reject } = Promise.withResolvers<WireReply>()
  const chunks: Buffer[] = []
  let size = 0
  let status = 0
  let headers: WireReply['headers'] = {}
  client.dispatch(request, {
    onRequestStart() {},
    onResponseStart(_controller, statusCode, fields) {
      status = statusCode
      headers = fields
    },
    onResponseData(controller, chunk) {
      if (receive && status === 200) return receive(chunk)
      size += chunk.length
      chunks.push(chunk)
      if (size > MAX_REPLY_BYTES) controller.abort(tooLarge(address))
    },
    onResponseEnd() {
      resolve({ status, headers, text: Buffer.concat(chunks).toString('utf8') })
    },
    onResponseError: (_controller, error) => reject(error),
  })
  return unlessAborted(signal, promise)
}
