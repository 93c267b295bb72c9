import { existsSync, globSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { environmentOf, findProgram, type Program, unpackPackage } from './debian.ts'

/**
 * Finds a Chromium: the one on PATH, or else Debian's, which is unpacked when it has to be (400 MB). Rejects as
 * `unpackPackage` does.
 */
export async function chromiumProgram(): Promise<Program> {
  const dirs = (process.env.PATH ?? '').split(delimiter)
  const installed = (await findProgram('chromium', dirs)) ?? (await findProgram('google-chrome', dirs))
  if (installed) return { path: installed, env: { ...process.env } }
  const root = await unpackPackage({ package: 'chromium' })
  const env = environmentOf(root)
  // A library of its audio has its own folder, which the loader knows by a path that isn't there.
  const folders = [
    ...new Set(globSync('usr/lib/*/pulseaudio/*.so', { cwd: root }).map((path) => join(root, dirname(path)))),
  ]
  const fonts = existsSync('/etc/fonts/fonts.conf') ? {} : { FONTCONFIG_FILE: await fontsIn(root) }
  return {
    // The program itself: the script that starts it looks for it where it isn't installed.
    path: join(root, 'usr/lib/chromium/chromium'),
    env: { ...env, ...fonts, LD_LIBRARY_PATH: [env.LD_LIBRARY_PATH, ...folders].filter(Boolean).join(delimiter) },
  }
}

/** A configuration with the fonts that came along. */
async function fontsIn(root: string): Promise<string> {
  const file = join(root, 'fonts.conf')
  const text = `<?xml version="1.0"?><fontconfig><dir>${root}/usr/share/fonts</dir><cachedir>${root}/fonts</cachedir></fontconfig>`
  await writeFile(file, text)
  return file
}
