/** As a file of a folder in `fpath`, or sourced behind `compinit`. */
export const ZSH = String.raw`#compdef consul-locker
# zsh completion for consul-locker: consul-locker completion zsh

_consul-locker() {
  local answer kind line word
  local -a lines plain open
  answer=$(command consul-locker completion candidates -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null) || return 1
  lines=("\${(@f)answer}")
  kind=$lines[1]
  shift lines

  if [[ $kind == command\ * ]]; then
    local before=$(( \${kind#command } + 1 ))
    words=("\${(@)words[before+1,-1]}")
    (( CURRENT -= before ))
    _normal
    return
  fi

  local found=1 inline=0
  if [[ $PREFIX == --*=* ]] && compset -P 1 '--*='; then
    inline=1
  fi
  for line in $lines; do
    word=\${line%%$'\t'*}
    (( inline )) && word=\${word#--*=}
    [[ $line == *$'\t'* ]] && line=\${line#*$'\t'} || line=
    if [[ $word == *[:/] ]]; then
      open+=("\${word//:/\\:}\${line:+:$line}")
    else
      plain+=("\${word//:/\\:}\${line:+:$line}")
    fi
  done
  (( $#plain )) && _describe -t values consul-locker plain && found=0
  (( $#open )) && _describe -t values consul-locker open -S '' && found=0
  case $kind in
    (files) _files && found=0 ;;
    (folders) _files -/ && found=0 ;;
  esac
  return found
}

if [[ $funcstack[1] == _consul-locker ]]; then
  _consul-locker "$@"
else
  compdef _consul-locker consul-locker
fi
`.replaceAll('\\$', '$')
