import { execute } from '../provide/execute.ts'

/**
 * What a command wrote to a terminal of its own, colours included, with line ends as in files. Rejects when it fails.
 */
export async function recorded(command: string, env: NodeJS.ProcessEnv): Promise<string> {
  const output = await execute('script', ['--quiet', '--return', '--command', command, '/dev/null'], { env })
  return output.replaceAll('\r\n', '\n')
}

/** Where, and as which process, somebody ran it says nothing: names for the host, the processes and the port. */
export function withoutPlace(text: string, host: string): string {
  const pids = [...new Set([...text.matchAll(/\(pid (\d+)/g)].map(([, pid]) => pid))]
  return text
    .replaceAll(`held by ${host} `, 'held by host ')
    .replaceAll(/\(pid (\d+)/g, (_, pid) => `(pid ${812 + pids.indexOf(pid)}`)
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:8500')
}
