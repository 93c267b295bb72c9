/** The script travels in this variable: among the arguments it would fill every list of processes. */
export const GUARDIAN_VARIABLE = 'CONSUL_LOCKER_GUARDIAN'

/**
 * The guardian: a shell that outlives a killed, stopped or wedged runner. POSIX sh only (dash, busybox).
 *
 * Arguments: the grace in tenths of a second, the marker that stands in the environment of the command's processes,
 * and the command that gives the lock back. On its standard input the runner writes a line for each thing that
 * changes: `session ID`; `arm GROUP SECONDS`: end that group unless I write again within that time; `disarm`: the
 * command has ended, there is only the lock to give back; `dismiss`: nothing is left to do. When the input ends
 * without `dismiss`, the runner is dead.
 */
export const GUARDIAN_SCRIPT = `
trap '' INT TERM HUP QUIT TSTP
PATH=\${PATH:+$PATH:}/usr/local/bin:/usr/bin:/bin
grace=$1 marker=$2
shift 2
group=none armed=yes session='' sentinel=''

# Everything of the command's that still runs, as lines of group and process: its group, its session, and what left
# both but kept the environment. A shell's own loop over all processes would take seconds on a busy machine.
members() {
  alive='s/^\\([0-9]*\\) (.*) [^ZX] [0-9]* \\([0-9]*\\)'
  {
    sed -n -e "$alive $group .*/\\2 \\1/p" -e "s/^\\([0-9]*\\) (.*) [^ZX] [0-9]* $group .*/$group \\1/p" /proc/[0-9]*/stat
    marked=$(grep -lF -- "$marker" /proc/[0-9]*/environ | sed 's/environ$/stat/')
    # shellcheck disable=SC2086 # These are many files.
    [ -z "$marked" ] || sed -n "$alive .*/\\2 \\1/p" $marked
  } 2>/dev/null
}

# Those outside of the group first: the job shell of a command on a terminal would take that away from the user's
# shell when it sees its job end. Then the group at one blow.
send() {
  members | while read -r pgrp pid; do
    [ "$pgrp" = "$group" ] || kill -s "$1" "$pid" 2>/dev/null
  done
  [ "$group" = none ] || kill -s "$1" -- "-$group" 2>/dev/null
}

# Tenths of a second since the machine started.
now() {
  read -r up _ </proc/uptime
  up=\${up%?}
  echo "\${up%.*}\${up#*.}"
}

gone_within() {
  end=$(($(now) + $1))
  while [ -n "$(members)" ]; do
    [ "$(now)" -lt "$end" ] || return 1
    sleep 0.1 2>/dev/null || sleep 1
  done
}

# A lock is never given back while the command may still run.
act() {
  if [ "$armed" = yes ]; then
    send TERM
    send CONT
    gone_within "$grace" || { send KILL; gone_within 50 || exit 1; }
  fi
  [ -n "$session" ] || exit 0
  exec "$@" "$session"
}

# Not every sleep takes fractions.
nap() {
  sleep "$1" 2>/dev/null & wait $! && return
  sleep "\${1%.*}" & wait $!
}

watch() {
  # KILL: another signal would be lost on a process that is not a sleep yet. And nobody else's last process.
  before=$! seconds=$1
  trap '[ "$!" = "$before" ] || kill -s KILL $! 2>/dev/null; exit 0' USR1
  shift
  nap "$seconds" && act "$@"
}

relax() {
  [ -z "$sentinel" ] || kill -s USR1 "$sentinel" 2>/dev/null
  sentinel=''
}

while read -r word one two; do
  relax
  case $word in
    session) session=$one ;;
    arm) group=$one; armed=yes; watch "$two" "$@" & sentinel=$! ;;
    disarm) armed=no ;;
    dismiss) exit 0 ;;
  esac
done
relax
act "$@"
`
