/** Descriptors of the job shell's own. */
export interface JobDescriptors {
  readonly talk: number
  readonly errors: number
}

/** The lowest two that the command doesn't get, if there are two; a shell's own can have one digit only. */
export function jobDescriptors(passed: readonly number[]): JobDescriptors {
  const [talk = 8, errors = talk === 9 ? 8 : 9] = [3, 4, 5, 6, 7, 8, 9].filter((fd) => !passed.includes(fd))
  return { talk, errors }
}

/**
 * A shell with job control, which is what it takes to make a process group the foreground of a terminal; Node can't.
 * The command is its only job. Descriptor `talk` is a socket to us: it reports the job's group, then `stopped STATUS`
 * when the job seems to be stopped (Ctrl-Z), and waits for our word: go on in the foreground (`fg`) or the background
 * (`bg`), or `no`, it has ended with that status. At last it reports `ended STATUS`. Whoever was in the foreground
 * hands the terminal back, and its modes when the command was killed, as a shell does; in the background a shell must
 * not, and would at its exit (dash, busybox) or at its job's end (bash; unless its standard error, its notion of the
 * terminal, is none). Descriptor `errors` is the command's standard error. When a job dies of INT, dash and busybox
 * send INT to themselves, and bash drops what it does; when a job is stopped, bash breaks out of loops, hence the
 * recursion.
 */
const script = ({ talk, errors }: JobDescriptors) => `
exec ${errors}>&2 2>/dev/tty
modes=$(stty -g </dev/tty)
[ "$BASH_VERSION" ] || trap : INT QUIT
set -m
/bin/sh -c "$CONSUL_LOCKER_JOB" "$0" "$@"
code=$? place=fg
while_stopped() {
  [ $code -ge 147 ] && [ $code -le 150 ] || return
  echo stopped $code >&${talk}
  read -r word <&${talk} || kill -s KILL $$
  [ "$word" != no ] || return
  place=$word
  if [ "$place" = fg ]; then fg %1 >/dev/null; else bg %1 >/dev/null; wait %1 2>/dev/null; fi
  code=$?
  while_stopped
}
while_stopped
echo ended $code >&${talk}
[ "$place" = fg ] || kill -s KILL $$
[ $code -le 128 ] || stty "$modes" </dev/tty
exit $code
`

/** Variables that every shell passes on as they are: with a name that it can have, and that none sets by itself. */
const PLAIN =
  /^(?!(?:PWD|OLDPWD|SHLVL|_|IFS|OPT(?:IND|ARG)|P?PID|PS[0-4]|LINE(?:S|NO)|COLUMNS|RANDOM|SECONDS|E?UID|(?:SHELL|BASH)OPTS)$)[A-Za-z_][A-Za-z0-9_]*$/

/**
 * The arguments and the environment of a job shell for a command. Variables that shells drop or change travel inside
 * of others. So does the marker: its entry tells the command's processes, and the job shell is none of them. (The
 * guardian, which looks for the marker anywhere, does find it: without us the job shell must not survive its job.)
 */
export function jobShell(
  words: readonly [string, ...string[]],
  environment: NodeJS.ProcessEnv,
  marker: string | undefined,
  own: JobDescriptors,
) {
  const isPlain = ([name, value]: [string, unknown]) => PLAIN.test(name) && `${name}=${value}` !== marker
  const all = Object.entries(environment)
  const odd = all.filter((entry) => !isPlain(entry)).map(([name, value]) => `${name}=${value}`)
  const carriers = odd.map((entry, n) => [`CONSUL_LOCKER_JOB_${n}`, entry] as const)
  return {
    args: ['-c', 'eval "$CONSUL_LOCKER_JOB_SHELL"', 'consul-locker-job', ...words],
    env: {
      ...Object.fromEntries([...all.filter(isPlain), ...carriers]),
      CONSUL_LOCKER_JOB_SHELL: script(own),
      CONSUL_LOCKER_JOB: firstSteps(
        words[0],
        carriers.map(([name]) => name),
        own,
      ),
    },
  }
}

/** The job's shell tells its process id, which is the group's, puts the environment right, and becomes the command. */
function firstSteps(command: string, carriers: string[], { talk, errors }: JobDescriptors): string {
  // `env` takes all words with an equals sign for variables until one comes without.
  const through = command.includes('=') ? `/bin/sh -c 'exec "$@"' sh` : ''
  return `
echo $$ >&${talk}
exec ${talk}>&- 2>&${errors} ${errors}>&-
set -- ${carriers.map((name) => `"$${name}"`).join(' ')} ${through} "$@"
unset CONSUL_LOCKER_JOB_SHELL CONSUL_LOCKER_JOB ${carriers.join(' ')}
exec /usr/bin/env -- "$@"`
}
