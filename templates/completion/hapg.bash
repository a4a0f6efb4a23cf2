# Completion of hapg for bash. "hapg __complete" knows the words; this hands them over.
_hapg() {
  local i word line joined= last=${COMP_WORDS[COMP_CWORD]} cut n
  local -a words=()
  # Bash splits words at "=" and ":"; they are joined again, and only the part after the last one is replaced.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]} n=${#words[@]}
    if ((n)) && [[ $joined || $word =~ ^[=:]+$ ]]; then words[n-1]+=$word; else words+=("$word"); fi
    if [[ $word =~ ^[=:]+$ ]]; then joined=1; else joined=; fi
  done
  [[ $last =~ ^[=:]+$ ]] && last=
  cut=${words[${#words[@]}-1]%"$last"}
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$last") ;;
      :directories) compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$last") ;;
      *) line=${line%%$'\t'*}; COMPREPLY+=("${line#"$cut"}")
        # A word that is only begun is gone on with.
        [[ $line == *[=.] ]] && compopt -o nospace 2>/dev/null ;;
    esac
  done < <("${1/#\~/$HOME}" __complete "${words[@]//[\"\'\\]/}" 2>/dev/null)
}
complete -F _hapg hapg
