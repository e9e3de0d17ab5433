# What zsh offers: $1 is the folder of _luna, $2 the line. Each match in <>, "done" last.
zmodload zsh/zpty
zpty -b shell zsh -f -i
zpty -w shell "PROMPT=; unsetopt zle_bracketed_paste; fpath=($1 \$fpath); autoload -Uz compinit; compinit -D -u
compadd() { local -a found; builtin compadd -O found \"\$@\"; print -rl -- '<'\$^found'>'; builtin compadd \"\$@\"; }
probe() { zle complete-word; print '<<done>>'; }
zle -N probe; bindkey '^I' probe; stty -echo; print '<<'ready'>>'"
zpty -r shell out '*<<ready>>*'
zpty -w -n shell "$2"$'\t'
zpty -r shell out '*<<done>>*'
print -r -- "$out"
