#compdef hapg
# Completion of hapg for zsh. "hapg __complete" knows the words; this hands them over.
_hapg() {
  local line text
  local -a found begun
  for line in "${(@f)$(${(Q)words[1]/#\~/$HOME} __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      '') ;;
      :files) [[ $PREFIX == -*=* ]] && compset -P '*='; _files; return ;;
      :directories) [[ $PREFIX == -*=* ]] && compset -P '*='; _files -/; return ;;
      # A word that is only begun is gone on with.
      (*[=.]|*[=.]$'\t'*)) begun+=("${${line%%$'\t'*}//:/\\:}${${(M)line:#*$'\t'*}:+:${line#*$'\t'}}") ;;
      *$'\t'*) text=${line%%$'\t'*}; found+=("${text//:/\\:}:${line#*$'\t'}") ;;
      *) found+=("${line//:/\\:}") ;;
    esac
  done
  (( ${#begun} )) && _describe -t words hapg begun -S ''
  (( ${#found} )) && _describe -t words hapg found
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
if [[ $funcstack[1] == _hapg ]]; then _hapg "$@"; else compdef _hapg hapg; fi
