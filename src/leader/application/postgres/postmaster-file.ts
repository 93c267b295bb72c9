/** What a running server says of itself in `postmaster.pid`. */
export interface PostmasterFile {
  readonly pid: number
  readonly port: number
  /** Where clients of this machine find it: the folder of a socket, or an address. */
  readonly host: string
}

const ANY: Readonly<Record<string, string>> = { '*': '127.0.0.1', '0.0.0.0': '127.0.0.1', '::': '::1', '': '127.0.0.1' }

/**
 * Reads a `postmaster.pid`: process id, data directory, start, port, folder of the socket, first address, shared
 * memory, status, each on its line; a server that has just begun hasn't written all of them
 * (`src/include/utils/pidfile.h`). `undefined` when there is no process id in it.
 */
export function parsePostmasterFile(text: string): PostmasterFile | undefined {
  const [first = '', , , port = '', folder = '', address = ''] = text.split('\n').map((line) => line.trim())
  const pid = /^\d{1,10}$/.test(first) ? Number(first) : 0
  // A signal to the group 0 or 1 would be one to ourselves or to everybody.
  if (pid < 2) return undefined
  return { pid, port: Number(port) || 0, host: folder || (ANY[address] ?? address) }
}
