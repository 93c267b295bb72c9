import { ENDED_VARIABLE, GUARDIAN_PATH, LEFT_VARIABLE, MARKER_VARIABLE, NOT_STARTED } from './guardian-arguments.ts'

/**
 * The guardian: a shell that outlives a killed, stopped or wedged runner. POSIX sh only (dash, busybox).
 *
 * Arguments: the signal that tells the command to end, without SIG; the grace in hundredths of a second; in the same,
 * how often what is left of a killed guardian looks whether the runner is dead, too; and the command that gives the
 * lock back. The marker, which stands in the environment of the command's processes, is in its own under another name.
 * On its standard input the runner writes a line for each thing that changes: `session ID`; `arm GROUP TIME REST`: end
 * that group unless I write again within that time, and kill it REST later at the latest, both in hundredths of a
 * second; `arm NAME=1 TIME REST`: the same of all that have this in their environment, for a group that is about to
 * begin; `again`: as before, from now on; `disarm WORD`: the command has ended, by that word if there is one, and there
 * is only the lock to give back; `handover`: the same, and it may take its time; `dismiss`: nothing is left to do. When
 * the input ends without `dismiss`, the runner is dead. A line that is none of these changes nothing. On its standard
 * output it says once that it has begun to read. Descriptor 3 is the program of the command: it is run by that when its
 * name means another file by then, or none.
 */
export const GUARDIAN_SCRIPT = `
trap '' INT TERM HUP QUIT TSTP
# What we know is no business of a core file's.
# shellcheck disable=SC3045 # Every sh that there is has it, and without it we go on.
ulimit -S -c 0 2>/dev/null
PATH=\${PATH:+$PATH:}${GUARDIAN_PATH}
signal=$1 grace=$2 look=$3 own=$${MARKER_VARIABLE} marker=$${MARKER_VARIABLE}
shift 3
group=none armed=yes ended='' session='' time='' rest='' kill_at='' sentinel='' sleeper=''

# Says that it can be relied on. Who would hear it may be dead already, which must not end us.
trap '' PIPE
echo ready 2>/dev/null
trap - PIPE
exec >/dev/null

# What sed makes of processes, each of them one record. A name is 15 bytes of any kind: brackets, line breaks, half a
# character of the user's language. What follows the last bracket is the kernel's, and longer than that.
records() {
  LC_ALL=C sed -n -e ':more
/^[0-9]* (.*) . [-0-9 ]\\{40,\\}$/!{
  N
  b more
}' "$@"
}

# Everything of the command's that still runs, as lines of group and process: its group, its session, and what left
# both but kept the environment and is our user's. Each of the two looks adds a line of its own when it has come to its
# end: without these nobody knows that there is nobody. GNU's sed gives up at a process that dies while it is read, but
# not where it looks ahead for the last line. A shell's own loop over all processes would take seconds on a busy machine.
members() {
  alive='s/^\\([0-9]*\\) (.*) [^ZX] [0-9]* \\([0-9]*\\)'
  {
    records -e "$alive $group [^)]*$/\\2 \\1/p" -e "s/^\\([0-9]*\\) (.*) [^ZX] [0-9]* $group [^)]*$/$group \\1/p" \\
      -e "\\$s/.*/looked/p" /proc/self/stat /proc/[0-9]*/stat /proc/self/stat
    [ "$marker" ] || { echo looked; return; }
    # An old grep heeds GREP_OPTIONS. It meets itself at both ends, which has the marker, too.
    carriers=$(echo "$marker" | ${MARKER_VARIABLE}=$marker LC_ALL=C GREP_OPTIONS='' grep -lzF -f - /proc/self/environ /proc/[0-9]*/environ /proc/self/environ)
    case $carriers in /proc/self/environ?*/proc/self/environ) echo looked ;; esac
    for environ in $carriers; do
      # shellcheck disable=SC3067 # Every shell that we know has it.
      [ ! -O "$environ" ] || records -e "/) . [0-9]* [0-9]* $$ [^)]*$/d" -e "$alive [^)]*$/\\2 \\1/p" "\${environ%environ}stat"
    done
  } 2>/dev/null
}

# Whether nobody is left. What can't be seen is not gone: without sed or grep, or with hidepid in the way, when kill
# still finds somebody in the group, or somebody else's.
gone() {
  [ "$(members)" = "looked
looked" ] || return
  [ -r /proc/1/stat ] || [ "$group" = none ] || case $(LC_ALL=C kill -s 0 -- "-$group" 2>&1) in
    '' | *permitted*) return 1 ;;
  esac
}

# Those outside of the group first: the job shell of a command on a terminal would take that away from the user's
# shell when it sees its job end. Then the group at one blow.
send() {
  members | while read -r pgrp pid; do
    [ "$pgrp" = "$group" ] || [ ! "$pid" ] || kill -s "$1" "$pid" 2>/dev/null
  done
  [ "$group" = none ] || kill -s "$1" -- "-$group" 2>/dev/null
}

# Hundredths of a second since the machine started. Where /proc has nothing but processes, a new one's start tells.
if read -r up _ </proc/uptime; then
  look_up() {
    read -r up _ </proc/uptime
    now=$((\${up%.*} * 100 + 1\${up#*.} - 100))
  }
else
  look_up() {
    # shellcheck disable=SC2046 # These are many numbers.
    set -- $(read -r stat </proc/self/stat; echo "\${stat##*) }")
    now=\${20}
  }
fi 2>/dev/null

gone_within() {
  look_up
  limit=$((now + $1))
  until gone; do
    look_up
    [ "$now" -lt "$limit" ] || return 1
    sleep 0.1 2>/dev/null || sleep 1
  done
}

# A lock is never given back while the command may still run. A runner that dies late has used up some of the grace.
act() {
  if [ "$armed" = yes ] && [ "$group" = none ] && gone; then
    ended=${NOT_STARTED}
  elif [ "$armed" = yes ]; then
    ended=killed
    send "$signal"
    send CONT
    look_up
    left=$grace
    [ -z "$kill_at" ] || [ "$((kill_at - now))" -ge "$left" ] || left=$((kill_at - now))
    gone_within "$left" || { send KILL; gone_within 500 || exit 1; }
  fi
  [ -n "$session" ] || exit 0
  look_up
  [ -z "$kill_at" ] || export ${LEFT_VARIABLE}="$((kill_at - now))"
  export ${ENDED_VARIABLE}="$ended"
  # shellcheck disable=SC3013 # Where a shell doesn't have it, the descriptor is as good.
  [ ! -e /proc/self/fd/3 ] || [ "$1" -ef /proc/self/fd/3 ] 2>/dev/null || { shift; set -- /proc/self/fd/3 "$@"; }
  exec "$@" "$session"
}

# Sleeps, but for what may wake us. The sleep itself goes on then, and serves the next nap: a new process each time
# would take more of the CPU than the runner does. Not every sleep takes fractions, and none has to load a language.
nap() {
  if [ -z "$sleeper" ]; then
    LC_ALL=C sleep "$(($1 / 100)).$(($1 / 10 % 10))$(($1 % 10))" 2>/dev/null &
    sleeper=$!
  fi
  wait "$sleeper"
  code=$?
  if [ "$code" -gt 128 ] && kill -s 0 "$sleeper" 2>/dev/null; then return; fi
  sleeper='' before=$!
  [ "$code" = 1 ] || return
  LC_ALL=C sleep "$(($1 / 100 + 1))" &
  sleeper=$!
}

prolong() {
  look_up
  end=$((now + span))
  kill_at=$((end + rest))
}

# Whether nobody is left who could tell us anything: the runner, who would have started another guardian otherwise, and
# the guardian itself.
is_orphan() {
  [ ! -d "/proc/$PPID" ] && [ ! -d "/proc/$$" ]
}

# Acts unless USR1 comes again and again within the time, and as soon as it finds itself an orphan; USR2 ends the watch.
watch() {
  before=$! span=$1
  # KILL: another signal would be lost on a process that is not a sleep yet. And not what $! was before: that has ended,
  # or is somebody else's.
  trap '[ "$!" = "$before" ] || kill -s KILL $! 2>/dev/null; exit 0' USR2
  trap prolong USR1
  prolong
  shift
  while
    look_up
    [ "$now" -lt "$end" ]
  do
    left=$((end - now))
    if [ "$left" -le "$look" ]; then nap "$left"; continue; fi
    is_orphan && break
    nap "$look"
  done
  act "$@"
}

relax() {
  [ -z "$sentinel" ] || kill -s USR2 "$sentinel" 2>/dev/null
  sentinel=''
}

# Digits, and no more than a shell can compare: what else stands where it calculates is run as a command by some.
is_number() {
  case $1 in '' | 0?* | *[!0123456789]* | ????????????????*) return 1 ;; esac
}

is_marker() {
  case $1 in =* | *[!A-Za-z0-9_=]*) return 1 ;; *=1) ;; *) return 1 ;; esac
}

# To kill, 0 is our own group, and 1 stands for all that there are.
is_order() {
  { is_number "$2" && is_number "$3"; } || return
  [ "$1" = none ] || is_marker "$1" || { is_number "$1" && [ "$1" -gt 1 ]; }
}

# What gets to the command that gives the lock back is a word, and no option.
is_word() {
  case $1 in '' | -* | *[!A-Za-z0-9:-]*) return 1 ;; esac
}

# Whether the sentinel has been told to go on. Who asks after jobs buries the dead, which would take any signal.
renewed() {
  jobs >/dev/null
  [ -n "$sentinel" ] && kill -s USR1 "$sentinel" 2>/dev/null
}

while read -r word one two three; do
  case $word in
    session) is_word "$one" || continue ;;
    arm)
      is_order "$one" "$two" "$three" || continue
      time=$two rest=$three span=$two armed=yes
      prolong
      # Its number follows at once. Until then the sentinel watches as it did, if there is one: bash tells of each that
      # USR2 meets before its trap.
      case $one in *=1) group=none marker=$one; continue ;; *) group=$one marker=$own ;; esac
      ;;
    again) [ "$time" ] || continue; span=$time; prolong; renewed && continue ;;
    disarm) [ -z "$one" ] || is_word "$one" || continue ;;
    handover | dismiss) ;;
    *) continue ;;
  esac
  relax
  case $word in
    session) session=$one ;;
    arm | again) watch "$time" "$@" & sentinel=$! ;;
    disarm) armed=no; ended=$one ;;
    handover) armed=no; exec 2>/dev/null ;;
    dismiss) exit 0 ;;
  esac
done
relax
act "$@"
`
