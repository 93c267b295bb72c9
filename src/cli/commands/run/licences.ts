import { brotliDecompressSync } from 'node:zlib'
import { printText } from '../../output/print.ts'
import { LICENCE_TEXTS } from './licence-texts.ts'

/** Prints the licences of all that is in the executable. Returns the exit code. */
export function printLicences(): number {
  if (LICENCE_TEXTS === undefined) return printText('unbuilt\n')
  return printText(brotliDecompressSync(Buffer.from(LICENCE_TEXTS, 'base64')).toString())
}
