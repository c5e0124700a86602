# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Completion of tornadis(1) in bash.

# The options of a subcommand as the program itself names them.
_tornadis_options ()
{
  "$1" "$2" --help 2>/dev/null | sed -nE 's/^ +(-., )?(--[a-z][a-z0-9-]*).*/\2/p'
}

_tornadis ()
{
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local program=$1 subcommand=${COMP_WORDS[1]}

  COMPREPLY=()
  # The “=” of --plugin=NAME is a word of its own.
  if [ "$current" = = ]; then
    current=
  elif [ "$previous" = = ] && [ "$COMP_CWORD" -gt 2 ]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi

  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W 'call pipe subscribe bench plugins help --help --version' -- "$current")
    return
  fi

  case $previous in
    help)
      mapfile -t COMPREPLY < <(compgen -W 'call pipe subscribe bench plugins' -- "$current")
      return ;;
    --plugin)
      mapfile -t COMPREPLY < <(compgen -W "$("$program" plugins --names 2>/dev/null)" -- "$current")
      return ;;
    --unix-domain-socket|-u)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return ;;
  esac

  case $subcommand/$current in
    call/-*|pipe/-*|subscribe/-*|bench/-*|plugins/-*)
      mapfile -t COMPREPLY < <(compgen -W "$(_tornadis_options "$program" "$subcommand")" -- "$current") ;;
  esac
}

complete -F _tornadis tornadis
