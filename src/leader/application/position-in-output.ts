/** Nothing that counts has more digits. */
const LAST_WORD = /(?:^|\s)(\d{1,40})\s*$/

/** How much an application has, by what its readiness check prints: its last word, when that is a number. */
export function positionIn(output: string): bigint | undefined {
  const [, digits] = LAST_WORD.exec(output.slice(output.lastIndexOf('\0') + 1)) ?? []
  return digits === undefined ? undefined : BigInt(digits)
}
