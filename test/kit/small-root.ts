import { chmodSync, copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program } from '../../scripts/provide/debian.ts'
import { scratch } from './unique.ts'

/** What a root has in it. */
export interface RootPlan {
  readonly programs?: readonly string[]
  /** How /proc is mounted; by default it isn't. */
  readonly proc?: 'whole' | 'subset=pid' | 'hidepid=2'
  readonly devNull?: boolean
  /** Whose processes run in it; by default root's. */
  readonly user?: number
  /** All programs are this one's applets. */
  readonly busybox?: boolean
  /** Its shell is there, and ends at once. */
  readonly brokenShell?: boolean
}

/** Mounts come and go with the process that has made them. */
const ENTER = `
set -e
root=$1 proc=$2 devnull=$3 user=$4
shift 4
bind() { mount --bind "$1" "$root$1"; }
bind /usr/lib
[ ! -d "$root/usr/lib64" ] || bind /usr/lib64
mount --bind "$1" "$root/locker"
shift
case $proc in
  none) ;;
  whole) mount -t proc proc "$root/proc" ;;
  *) mount -t proc -o "$proc" proc "$root/proc" ;;
esac
[ "$devnull" = no ] || mount --bind /dev/null "$root/dev/null"
exec chroot --userspec="$user:$user" "$root" /locker "$@"
`

/** A root directory with little more than the executable in it. It is removed when its test has ended. */
export class SmallRoot {
  /** A folder in it that everybody may write to: `/log` for those who are inside. */
  readonly log: string
  /** Stands before the executable's words. */
  readonly through: readonly string[]

  private constructor(root: string, { proc, devNull = true, user = 0 }: RootPlan) {
    this.log = join(root, 'log')
    const words = [root, proc ?? 'none', devNull ? 'yes' : 'no', String(user)]
    this.through = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', ENTER, 'sh', ...words]
  }

  static async build(plan: RootPlan): Promise<SmallRoot> {
    const root = scratch()
    chmodSync(root, 0o755)
    for (const folder of ['usr/lib', 'usr/bin', 'proc', 'dev', 'log', 'tmp'])
      mkdirSync(join(root, folder), { recursive: true })
    for (const folder of ['log', 'tmp']) chmodSync(join(root, folder), 0o1777)
    if (existsSync('/usr/lib64')) mkdirSync(join(root, 'usr/lib64'))
    for (const name of ['lib', 'lib64', 'bin']) symlinkSync(`usr/${name}`, join(root, name))
    for (const file of ['locker', ...(plan.devNull === false ? [] : ['dev/null'])]) writeFileSync(join(root, file), '')
    for (const name of plan.programs ?? []) {
      const { path } = await program(plan.busybox ? 'busybox' : name === 'sh' ? 'dash' : name, 'busybox')
      copyFileSync(path, join(root, 'bin', name))
    }
    if (plan.brokenShell) copyFileSync('/bin/false', join(root, 'bin/sh'))
    return new SmallRoot(root, plan)
  }
}

/** Whether this machine lets us make roots. */
export const makesRoots = process.getuid?.() === 0
