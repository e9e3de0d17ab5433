# Completion of `luna` for bash: source it, or put it into ~/.local/share/bash-completion/completions/luna

_luna() {
  COMPREPLY=()
  # COMP_WORDS are cut at : and = too, and what is completed is the last of these pieces.
  local current=${COMP_WORDS[COMP_CWORD]} options command='' word i words
  [[ $current == [:=] ]] && current=''
  read -ra words <<< "${COMP_LINE:0:COMP_POINT}"
  [[ ${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && words+=('')
  case ${words[-2]} in
    --language) mapfile -t COMPREPLY < <(compgen -W 'ko en' -- "$current") && return ;;
    --server | --user | --session | --target | --timeout | --count | --limit) return ;;
    --emotion | --since | --until | --from | --to) return ;;
  esac
  case ${words[-1]} in
    --language=*) mapfile -t COMPREPLY < <(compgen -W 'ko en' -- "$current") && return ;;
    --*=*) return ;;
  esac
  for ((i = 1; i < ${#words[@]} - 1; i++)); do
    word=${words[i]}
    case $word in
      --server | --user | --session | --target | --timeout | --language) ((i++)) ;;
      -*) ;;
      *) command+="${command:+ }$word" ;;
    esac
    case $command in '' | memory | cache) ;; *) break ;; esac
  done
  options='--help --server --user --session --target --language --timeout --json'
  case $command in
    '') options="ask chat memory cache translate analyze models $options --version" ;;
    memory) options='recent search export import clear' ;;
    cache) options='stats clear' ;;
    'memory recent') options+=' --count' ;;
    'memory search') options+=' --emotion --since --until --limit' ;;
    'memory import') compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    'memory clear') options+=' --yes' ;;
    translate) options+=' --from --to' ;;
  esac
  mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$options" -- "$current")
}

complete -F _luna luna
