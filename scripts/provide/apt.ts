import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AptSource, debianArchive, parseSourceList, parseSources } from './apt-sources.ts'
import { execute } from './execute.ts'

export const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
const listsMaxAgeMs = 24 * 3_600_000

/** An apt of our own: its lists, sources, cache and state lie below one directory, the system's are only read. */
export class Apt {
  readonly #dir: string
  readonly #suite: string
  readonly #lock: number

  /** `lock` is a file descriptor that every apt process inherits, so that a lock on it lasts as long as they live. */
  constructor(dir: string, suite: string, lock: number) {
    this.#dir = dir
    this.#suite = suite
    this.#lock = lock
  }

  /** Downloads `name` and what it needs beyond the installed packages; resolves with the paths of the `.deb` files. */
  async download(name: string): Promise<string[]> {
    const archive = await archiveOfMachine()
    await this.#prepare()
    return this.#downloadFrom(archive, name)
  }

  async #prepare(): Promise<void> {
    await rm(this.#path('archives'), { recursive: true, force: true })
    for (const dir of ['lists/partial', 'archives/partial', 'empty']) await mkdir(this.#path(dir), { recursive: true })
    await writeFile(this.#path('apt.conf'), await this.#config())
    // Lets a library be older than the installed one where the package asks for exactly its own version.
    await writeFile(this.#path('preferences'), 'Package: *\nPin: release o=Debian\nPin-Priority: 1001\n')
    await copyFile('/var/lib/dpkg/status', this.#path('status'))
  }

  async #downloadFrom(archive: AptSource, name: string): Promise<string[]> {
    const source = this.#sourceLine(archive)
    if (await this.#listsAreFresh(source)) {
      const found = await this.#fetch(name).catch(() => [])
      if (found.length > 0) return found
    }
    await rm(this.#path('updated'), { force: true })
    await writeFile(this.#path('sources.list'), source)
    await this.#apt('update', '--error-on=any')
    await writeFile(this.#path('updated'), '')
    return this.#fetch(name)
  }

  async #fetch(name: string): Promise<string[]> {
    const flags = ['--no-install-recommends', '--allow-downgrades', '--allow-change-held-packages', '--yes']
    await this.#apt('install', '--download-only', ...flags, name)
    const isItself = (file: string) => file.startsWith(`${name}_`)
    if (!(await this.#debs()).some(isItself)) await this.#apt('download', name)
    return (await this.#debs()).map((file) => join(this.#path('archives'), file))
  }

  async #debs(): Promise<string[]> {
    return (await readdir(this.#path('archives'))).filter((file) => file.endsWith('.deb'))
  }

  async #listsAreFresh(source: string): Promise<boolean> {
    const updated = await stat(this.#path('updated')).catch(() => undefined)
    if (!updated || Date.now() - updated.mtimeMs > listsMaxAgeMs) return false
    return (await readFile(this.#path('sources.list'), 'utf8')) === source
  }

  #sourceLine(archive: AptSource): string {
    const keys = [...new Set([keyring, ...archive.signedBy])].filter((path) => existsSync(path))
    const options = [keys.length > 0 ? `signed-by=${keys.join(',')}` : '', archive.trusted ? 'trusted=yes' : '']
    return `deb [ ${options.join(' ')} ] ${archive.uri} ${this.#suite} main\n`
  }

  /**
   * Replaces the machine's configuration rather than adding to it: its hooks clean the system's cache after an update.
   * What concerns reaching the mirror (proxies, time-outs) is taken over.
   */
  async #config(): Promise<string> {
    const dump = await execute('apt-config', ['dump'])
    const inherited = dump.split('\n').filter((line) => /^Acquire::(?!IndexTargets)\S+ "/.test(line))
    const ours = {
      'Dir::Etc::main': '/dev/null',
      'Dir::Etc::parts': this.#path('empty'),
      'Dir::Etc::sourcelist': this.#path('sources.list'),
      'Dir::Etc::sourceparts': this.#path('empty'),
      'Dir::Etc::preferences': this.#path('preferences'),
      'Dir::Etc::preferencesparts': this.#path('empty'),
      'Dir::State': this.#dir,
      'Dir::State::status': this.#path('status'),
      'Dir::Cache': this.#dir,
      'Dir::Cache::pkgcache': '',
      'Dir::Cache::srcpkgcache': '',
      'Dir::Log': this.#dir,
      'APT::Sandbox::User': 'root',
      'Acquire::Check-Valid-Until': 'false',
      'Acquire::Languages': 'none',
      'Acquire::Retries': '2',
    }
    return [...inherited, ...Object.entries(ours).map(([key, value]) => `${key} "${value}";`), ''].join('\n')
  }

  #apt(...args: string[]): Promise<string> {
    return execute('apt-get', ['--quiet', '--quiet', ...args], {
      cwd: this.#path('archives'),
      env: { ...process.env, APT_CONFIG: this.#path('apt.conf'), LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
      fd3: this.#lock,
    })
  }

  #path(name: string): string {
    return join(this.#dir, name)
  }
}

/** The mirror of the Debian archive that this machine uses. Rejects when apt's configuration names none. */
export async function archiveOfMachine(): Promise<AptSource> {
  const archive = debianArchive(await machineSources())
  if (!archive) throw new Error("apt's configuration on this machine names no mirror of the Debian archive")
  return archive
}

async function machineSources(): Promise<AptSource[]> {
  const settings = ['list', 'Dir::Etc::sourcelist/f', 'parts', 'Dir::Etc::sourceparts/d']
  const shell = await execute('apt-config', ['shell', ...settings])
  const path = (name: string) => new RegExp(`^${name}='(.*)'$`, 'm').exec(shell)?.[1] ?? ''
  const parts = await readdir(path('parts')).catch(() => [])
  const files = [path('list'), ...parts.sort().map((file) => join(path('parts'), file))]
  const sources = files.map(async (file) => {
    const text = await readFile(file, 'utf8').catch(() => '')
    if (file.endsWith('.sources')) return parseSources(text)
    return file.endsWith('.list') ? parseSourceList(text) : []
  })
  return (await Promise.all(sources)).flat()
}
