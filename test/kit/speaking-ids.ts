/** Ids of sessions that would be more than one line, or more than a word, to whoever takes them for ids. */
export function speakingIds(victim: number, trace: string): string[] {
  const commands = [`arm ${victim} 0 0`, `arm ${victim} 0 x[$(touch\${IFS}${trace})]`, 'dismiss']
  const uuid = 'adf4238a-882b-9ddc-4a9d-5b6758e4159e'
  return ['', '-x', '../../../agent/leave', `$(touch ${trace})`, ...commands.map((line) => `${uuid}\n${line}`)]
}
