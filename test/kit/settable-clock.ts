import { globSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { unpackPackage } from '../../scripts/provide/debian.ts'
import { scratch } from './unique.ts'

/** A clock on the wall that only one program sees, and that is set while it runs: Debian's libfaketime. */
export interface SettableClock {
  /** For the program's environment. */
  readonly environment: NodeJS.ProcessEnv
  /** Sets it off by these hours. */
  set(hours: number): void
}

/** A clock that is right yet. */
export async function settableClock(): Promise<SettableClock> {
  const root = await unpackPackage({ package: 'libfaketime' })
  const [library] = globSync('usr/lib/*/faketime/libfaketimeMT.so.1', { cwd: root })
  if (library === undefined) throw new Error("Debian's package libfaketime has no library")
  const file = join(scratch(), 'offset')
  const set = (hours: number) => writeFileSync(file, `${hours < 0 ? '' : '+'}${hours * 3600}\n`)
  set(0)
  const environment = {
    LD_PRELOAD: join(root, library),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    // A machine's other clocks can't be set.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  }
  return { environment, set }
}
