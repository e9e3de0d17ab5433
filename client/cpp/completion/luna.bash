# Completion of `luna` for bash: source it, or put it into ~/.local/share/bash-completion/completions/luna

_luna() {
  COMPREPLY=()
  local current=${COMP_WORDS[COMP_CWORD]} options command='' word i
  case ${COMP_WORDS[COMP_CWORD - 1]} in
    --language) mapfile -t COMPREPLY < <(compgen -W 'ko en' -- "$current") && return ;;
    --server | --user | --session | --target | --timeout | --count | --limit) return ;;
    --emotion | --since | --until | --from | --to) return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
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
    'memory import') mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    'memory clear') options+=' --yes' ;;
    translate) options+=' --from --to' ;;
  esac
  mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$options" -- "$current")
}

complete -F _luna luna
