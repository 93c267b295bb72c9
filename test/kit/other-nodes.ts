import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { npm } from './npm-packages.ts'
import { removeFolder } from './remove-folder.ts'

const KEPT = join(import.meta.dirname, '../../.cache/nodes')

/** A Node of this version, from npm; `20` is the newest of that line. Once it is there, it stays. */
export async function otherNode(version: string): Promise<string> {
  return join(await keptPackage(`node-linux-${process.arch}`, version), 'bin/node')
}

/** The folder of a package from npm, with what it needs. Once it is there, it stays. */
export async function keptPackage(name: string, version: string): Promise<string> {
  const place = join(KEPT, `${name}@${version}`)
  if (!existsSync(place)) {
    const unpacking = `${place}.${process.pid}`
    try {
      mkdirSync(unpacking, { recursive: true })
      await npm(['install', '--prefix', unpacking, `${name}@${version}`], {})
      renameSync(unpacking, place)
    } catch (thrown) {
      removeFolder(unpacking)
      if (!existsSync(place)) throw thrown
    }
  }
  return join(place, 'node_modules', name)
}
