import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type Metafile } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const PAGE = 'src/dashboard/page'

const COMMON = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  write: false,
  legalComments: 'none',
  logLevel: 'warning',
} satisfies BuildOptions

/** The dashboard's page, as texts that the executable serves. */
export interface PageBundle {
  readonly script: string
  readonly style: string
  /** What the script is made of. */
  readonly metafile: Metafile
}

/** Bundles the dashboard's page, for browsers of the last two years. */
export async function bundlePage(): Promise<PageBundle> {
  const target = ['chrome120', 'firefox121', 'safari17.4']
  const [script, style] = await Promise.all([
    build({
      ...COMMON,
      entryPoints: [`${PAGE}/main.tsx`],
      format: 'esm',
      target,
      jsx: 'automatic',
      jsxImportSource: 'preact',
      charset: 'utf8',
      metafile: true,
    }),
    build({ ...COMMON, entryPoints: [`${PAGE}/page.css`], target, charset: 'utf8' }),
  ])
  return { script: textOf(script.outputFiles), style: textOf(style.outputFiles), metafile: script.metafile }
}

function textOf([file]: readonly { readonly text: string }[]): string {
  if (!file) throw new Error('esbuild has made nothing')
  return file.text
}
