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
PATH=$PATH:/usr/local/bin:/usr/bin:/bin
grace=$1 marker=$2
shift 2
group=none armed=yes session='' sentinel=''

# Everything of the command's that still runs, as lines of group and process: its group, its session, and what left
# both but kept the environment.
members() {
  marked=" $(grep -lF -- "$marker" /proc/[0-9]*/environ 2>/dev/null | tr '\\n' ' ')"
  for stat in /proc/[0-9]*/stat; do
    { read -r line <"$stat"; } 2>/dev/null || continue
    pid=\${line%% *}
    IFS=' ' read -r state _ pgrp sid _ <<EOL
\${line##*) }
EOL
    case $state in Z | X) continue ;; esac
    case $marked in
      *" /proc/$pid/environ "*) ;;
      *) [ "$pgrp" = "$group" ] || [ "$sid" = "$group" ] || continue ;;
    esac
    echo "$pgrp $pid"
  done
}

# The group at one blow, then those that left it.
send() {
  [ "$group" = none ] || kill -s "$1" -- "-$group" 2>/dev/null
  members | while read -r pgrp pid; do
    [ "$pgrp" = "$group" ] || kill -s "$1" "$pid" 2>/dev/null
  done
}

gone_within() {
  tenths=$1
  while [ -n "$(members)" ]; do
    [ "$tenths" -gt 0 ] || return 1
    if sleep 0.1 2>/dev/null; then tenths=$((tenths - 1)); else sleep 1; tenths=$((tenths - 10)); fi
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
  trap 'kill -s USR1 $! 2>/dev/null; exit 0' USR1
  seconds=$1
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
