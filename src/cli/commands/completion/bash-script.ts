/**
 * For bash 4.1 or newer. Without the package bash-completion, the user's own command gets names of programs and files.
 */
export const BASH = String.raw`# bash completion for consul-locker: consul-locker completion bash

_consul_locker() {
  # What stands without a blank between is one word; bash breaks it at = and :.
  local words=() raw=() rest=$COMP_LINE word i n=-1
  for (( i = 0; i <= COMP_CWORD; i++ )); do
    word=\${COMP_WORDS[i]}
    if (( i > 0 )) && [[ $rest != [[:blank:]]* ]]; then
      words[n]+=$word
    else
      (( ++n ))
      words[n]=$word
      raw[n]=$i
    fi
    rest=\${rest#*"$word"}
  done
  COMPREPLY=()

  local answer lines
  answer=$(command consul-locker completion candidates -- "\${words[@]:1}" 2>/dev/null) || return
  mapfile -t lines <<<"$answer"

  local current=\${words[n]} kept=
  if [[ $current == *[=:]* ]]; then
    kept=\${current%"\${current##*[=:]}"}
  fi
  for word in "\${lines[@]:1}"; do
    word=\${word%%$'\t'*}
    COMPREPLY+=("\${word#"$kept"}")
  done
  if [[ \${COMPREPLY[0]-} == *[:/] ]]; then
    compopt -o nospace
  fi

  case \${lines[0]} in
    command\ *)
      local at=\${raw[\${lines[0]#command } + 1]}
      if declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$at"
      elif declare -F _command_offset >/dev/null; then
        _command_offset "$at"
      elif (( at == COMP_CWORD )); then
        mapfile -t COMPREPLY < <(compgen -c -- "$current")
      else
        compopt -o default
      fi
      ;;
    files) compopt -o default ;;
    folders) compopt -o dirnames ;;
  esac
}

complete -F _consul_locker consul-locker
`.replaceAll('\\$', '$')
