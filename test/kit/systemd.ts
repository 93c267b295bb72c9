import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { program } from '../../scripts/provide/debian.ts'
import { Running } from './locker.ts'
import { scratch } from './unique.ts'

/** The ear of systemd: a datagram socket, and what was sent to it. */
export interface Systemd {
  /** What a unit of `Type=notify` finds in its environment. */
  readonly environment: NodeJS.ProcessEnv
  /** Waits until something was said that matches. */
  hears(pattern: RegExp): Promise<unknown>
  /** All that was said so far, each message in one line. */
  readonly heard: string[]
}

// Prints each datagram as a line, line breaks shown as blanks.
const RECEIVER = `$| = 1;
socket(S, AF_UNIX, SOCK_DGRAM, 0) && bind(S, sockaddr_un($ARGV[0])) or die $!;
print "bound\\n";
while (defined recv(S, $_, 65536, 0)) { s/\\n/ /g; print "$_\\n" }`

/** Listens as long as the test runs. */
export async function startSystemd(): Promise<Systemd> {
  const socket = join(scratch(), 'notify')
  const perl = await program('perl', 'perl-base')
  const notify = await program('systemd-notify', 'systemd')
  const receiver = new Running(spawn(perl.path, ['-MSocket', '-e', RECEIVER, socket], { env: perl.env }))
  await receiver.prints(/bound/)
  const { PATH, LD_LIBRARY_PATH } = notify.env
  return {
    environment: {
      NOTIFY_SOCKET: socket,
      PATH: `${dirname(notify.path)}:${PATH}`,
      ...(LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH }),
    },
    hears: (pattern) => receiver.prints(pattern),
    get heard() {
      const lines = receiver.stdout.split('\n').map((line) => line.trim())
      return lines.filter((line) => !/^(bound|BARRIER=1|)$/.test(line))
    },
  }
}
