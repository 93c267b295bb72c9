import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { afterTest } from './after-test.ts'
import { type Ended, Running } from './locker.ts'
import { removeFolder } from './remove-folder.ts'

const INIT = `
dir=$1 lower=$2
mount -t tmpfs none "$dir"
mkdir "$dir/upper" "$dir/work" "$dir/root"
mount -t overlay none -o "lowerdir=$lower,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
mount -t proc proc "$dir/root/proc"
for device in null zero urandom; do
  [ -e "$dir/root/dev/$device" ] || : >"$dir/root/dev/$device"
  mount --bind "/dev/$device" "$dir/root/dev/$device"
done
echo up
exec sleep infinity`

const ENTER = `read -r init </proc/$0/task/$0/children
exec nsenter -t "$init" -m -p chroot "$1" sh -ec "$2"`

/** A machine of the root in a directory, which stays as it is: what changes ends with the test. Its network is ours. */
export class DebianMachine {
  readonly #init: ChildProcess
  readonly #root: string

  private constructor(init: ChildProcess, root: string) {
    this.#init = init
    this.#root = root
  }

  static async start(lower: string): Promise<DebianMachine> {
    const dir = mkdtempSync(join(tmpdir(), 'consul-locker-debian-'))
    const words = ['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private']
    const init = spawn('unshare', [...words, 'sh', '-ec', INIT, 'sh', dir, lower], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(init, 'exit')
    afterTest(async () => {
      init.kill('SIGKILL')
      await ended
      removeFolder(dir)
    })
    const up = await Promise.race([
      once(init.stdout as NonNullable<typeof init.stdout>, 'data'),
      ended.then(() => undefined),
    ])
    if (!up) throw new Error(`there is no machine of ${lower}`)
    return new DebianMachine(init, join(dir, 'root'))
  }

  /** Starts lines of shell as root; the first that fails ends them. `input` is what they read. */
  run(text: string, input?: Buffer): Running {
    const env = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      LANG: 'C.UTF-8',
      CONSUL_HTTP_ADDR: inject('consulAddress'),
    }
    const words = ['-c', ENTER, String(this.#init.pid), this.#root, text]
    const running = new Running(spawn('sh', words, { env, stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'] }))
    if (input) running.child.stdin?.on('error', () => {}).end(input)
    return running
  }

  /** Runs them to their end. */
  does(text: string, input?: Buffer): Promise<Ended> {
    return this.run(text, input).ends()
  }
}
