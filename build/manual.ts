import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'

/** The completions, by the names that tell the shells' own apart. */
const COMPLETIONS = { bash: 'consul-locker.bash', zsh: '_consul-locker', fish: 'consul-locker.fish' }

const TITLE = /^\.TH "([^"]*)"/

/**
 * Writes what an executable says of itself into `folder`: pages of the manual as `man/NAME.1`, and `completions`. What
 * was there is gone. `through` are words that stand before the executable to run it here.
 */
export function writeManual(executable: string, folder: string, through: readonly string[] = []): void {
  const [file = executable, ...words] = [...through, executable]
  const says = (...asked: string[]) => execFileSync(file, [...words, ...asked], { encoding: 'utf8', env: {} })
  const write = (path: string, text: string) => writeFileSync(`${folder}/${path}`, text)
  for (const part of ['man', 'completions']) {
    rmSync(`${folder}/${part}`, { recursive: true, force: true })
    mkdirSync(`${folder}/${part}`, { recursive: true })
  }
  for (const page of says('help', '--roff', '--all').split(/^(?=\.TH )/m)) write(`man/${nameOf(page)}.1`, page)
  for (const [shell, name] of Object.entries(COMPLETIONS)) write(`completions/${name}`, says('completion', shell))
}

function nameOf(page: string): string {
  const [, title = ''] = TITLE.exec(page) ?? []
  return title.replaceAll('\\-', '-').toLowerCase()
}
