import { spawn } from 'node:child_process'
import { Running } from './locker.ts'

/** Somebody else on this machine, with no rights but to connect. */
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']

/** Opens so many connections to `host:port` as another user, sends half a request on each, and holds all of them. */
export async function crowd(address: string, connections: number): Promise<void> {
  const [host, port] = address.split(':')
  const script = `ulimit -n ${connections + 100}
for ((n = 0; n < ${connections}; n++)); do
  exec {fd}<>/dev/tcp/${host}/${port} && printf 'PUT /new HTTP/1.1\\r\\ncontent-length: 10\\r\\n' >&$fd
done 2>/dev/null
echo crowded
exec sleep 600`
  const [file = '', ...words] = process.getuid?.() === 0 ? [...NOBODY, 'bash', '-c', script] : ['bash', '-c', script]
  const running = new Running(spawn(file, words, { stdio: ['ignore', 'pipe', 'pipe'] }))
  await running.prints(/crowded/)
}
