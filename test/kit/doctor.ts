import { type LockerOptions, runLocker } from './locker.ts'

/** One line of what doctor prints as JSON. */
export interface DoctorLine {
  readonly code: string
  readonly title: string
  readonly result: 'fine' | 'warning' | 'failure' | 'untried'
  readonly message: string
  readonly cure?: string
}

/** What a doctor has found. */
export interface Diagnosis {
  readonly exit: number | null
  readonly lines: readonly DoctorLine[]
  /** What isn't fine, as `CL102 failure`. What hangs on it, and was not tried, is not among that. */
  readonly found: readonly string[]
  /** What is said of a code. */
  said(code: string): string
}

/** They depend on what else runs on the machine just now. */
const OF_THE_MACHINE = ['CL107', 'CL505', 'CL506', 'CL507']

/** Has doctor look at an agent; words are those behind `doctor`. */
export async function diagnose(
  address: string,
  words: readonly string[] = [],
  { env = {}, ...options }: Omit<LockerOptions, 'address'> = {},
): Promise<Diagnosis> {
  // cron would have no other settings.
  const ours = { CONSUL_HTTP_ADDR: undefined, ...env }
  const ended = await runLocker(['doctor', '--json', `--http-addr=${address}`, ...words], { ...options, env: ours })
  if (ended.stdout === '') throw new Error(`doctor says nothing: ${ended.code} ${ended.stderr}`)
  const { checks: lines } = JSON.parse(ended.stdout) as { checks: DoctorLine[] }
  const found = lines.filter(
    ({ code, result }) => !['fine', 'untried'].includes(result) && !OF_THE_MACHINE.includes(code),
  )
  return {
    exit: ended.code,
    lines,
    found: found.map(({ code, result }) => `${code} ${result}`),
    said(code) {
      const line = lines.find((line) => line.code === code)
      return line ? `${line.message} → ${line.cure ?? ''}` : ''
    },
  }
}
