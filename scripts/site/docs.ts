import { join } from 'node:path'
import { makeSite } from './site.ts'

const output = 'dist/docs'

process.chdir(join(import.meta.dirname, '../..'))
try {
  const pages = await makeSite(output)
  console.log(`${pages.length} pages; the first is ${output}/index.html`)
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
