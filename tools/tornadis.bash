# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Completion of tornadis(1) in bash.

# The options of a subcommand, or of the program without one, as the program itself names them.
_tornadis_options ()
{
  "$@" --help 2>/dev/null | sed -nE 's/^ +(-., )?(--[a-z][a-z0-9-]*).*/\2/p'
}

_tornadis ()
{
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local program=$1 subcommand='' i
  local subcommands='call pipe subscribe monitor scan keys stat latency bench plugins'

  COMPREPLY=()
  # The “=” of --plugin=NAME is a word of its own.
  if [ "$current" = = ]; then
    current=
  elif [ "$previous" = = ] && [ "$COMP_CWORD" -gt 2 ]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi

  # Options may stand before the subcommand.
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ " $subcommands help " == *" ${COMP_WORDS[i]} "* ]]; then
      subcommand=${COMP_WORDS[i]}
      break
    fi
  done

  case $previous in
    --plugin)
      mapfile -t COMPREPLY < <(compgen -W "$("$program" plugins --names 2>/dev/null)" -- "$current")
      return ;;
    --socket|-s|--cacert|--cert|--key)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return ;;
    --host|-h|--sni)
      mapfile -t COMPREPLY < <(compgen -A hostname -- "$current")
      return ;;
  esac

  case $subcommand/$current in
    help/*)
      mapfile -t COMPREPLY < <(compgen -W "$subcommands" -- "$current") ;;
    /-*)
      mapfile -t COMPREPLY < <(compgen -W "$(_tornadis_options "$program") --version" -- "$current") ;;
    /*)
      mapfile -t COMPREPLY < <(compgen -W "$subcommands help" -- "$current") ;;
    */-*)
      mapfile -t COMPREPLY < <(compgen -W "$(_tornadis_options "$program" "$subcommand")" -- "$current") ;;
  esac
}

complete -F _tornadis tornadis
