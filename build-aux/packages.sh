# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Sourced by tests/run, examples/run and .ci/run: the one place where packages are installed.
# shellcheck shell=bash

# PyGObject, meson and the introspection scanner are packages of the system's Python: another
# python3 earlier in PATH must not be taken for it.
use_system_path ()
{
  export PATH="/usr/bin:$PATH"
}

# missing_packages NAME...: those of the Debian packages that are not installed, one a line. Of A|B, where B is a
# package that provides A in some releases, one is enough; A is what is installed.
missing_packages ()
{
  local name one found

  for name in "$@"; do
    found=
    for one in ${name//|/ }; do
      if [ "$(dpkg-query -W -f '${db:Status-Status}' "$one" 2>/dev/null)" = installed ]; then
        found=$one
      fi
    done
    if [ -z "$found" ]; then
      echo "$name"
    fi
  done
}

# need_packages NAME...: installs the Debian packages that are missing. With nothing missing it
# needs neither network nor rights. Without the rights it says how to install them, and fails; where
# there is no apt-get it names the packages and goes on.
need_packages ()
{
  local missing policy=/usr/sbin/policy-rc.d own_policy=false status=0
  local -a names as_root=()

  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    echo "No apt-get here. Needed, by their Debian names: $*" >&2
    return 0
  fi

  missing=$(missing_packages "$@")
  if [ -z "$missing" ]; then
    return 0
  fi
  mapfile -t names <<< "$missing"

  if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then
      printf 'Some packages are missing. Install them, as root, and run this again:\n\n' >&2
      printf 'apt install --no-install-recommends %s\n' "${names[*]%%|*}" >&2
      return 1
    fi
    as_root=(sudo -n)
  fi

  echo "Installing ${names[*]}"
  # Debian starts a server as soon as it is installed; the tests bring up their own.
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    own_policy=true
  fi
  { "${as_root[@]}" apt-get -q -o DPkg::Lock::Timeout=120 update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "${names[@]%%|*}"
  } </dev/null || status=$?
  if "$own_policy"; then
    "${as_root[@]}" rm -f "$policy"
  fi
  return "$status"
}
