#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# GIO: a hard link to a module, anywhere, makes every program load that module when it first looks for any extension, until
# the cache of modules is made anew. "perf record" makes such links, for its own cache of what it has seen.
#
# Seen with: GLib 2.74.6 (Debian 2.74.6-2+deb12u9), dconf-gsettings-backend 0.40.0-4.
#
# What one would think: giomodule.cache says which modules implement what, so that a program that wants a proxy resolver or
# TLS does not load the one of settings; it is out of date when a module has been changed, which its time of modification
# tells.
#
# What comes: what counts is the time of the inode's change, and a new link is one. The entry counts as none, and the module is
# loaded to ask it. Leak checkers then tell of what it allocates, in programs that have nothing to do with it.
#
# Output seen, twice:
#   as installed              not loaded
#   a link to it elsewhere    loaded
#   the cache made anew       not loaded
#
# Needs: Debian 12 on amd64 with apt's lists (apt-get update) and Python 3. Takes 10 s.

set -euo pipefail

packages=(libglib2.0-0=2.74.6-2+deb12u9 dconf-gsettings-backend=0.40.0-4)

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}" >/dev/null
for deb in ./*.deb; do dpkg-deb -x "$deb" root; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$lib GIO_MODULE_DIR=$lib/gio/modules

# Times of files are compared by seconds.
make_cache ()
{
  sleep 1.1
  "$lib/glib-2.0/gio-querymodules" "$GIO_MODULE_DIR"
  sleep 1.1
}

cat >look.py <<'END'
import ctypes

ctypes.CDLL('libgio-2.0.so.0').g_proxy_resolver_get_default()
with open('/proc/self/maps') as maps:
    print('loaded' if 'libdconfsettings.so' in maps.read() else 'not loaded')
END

look ()
{
  printf '  %-25s %s\n' "$1" "$(python3 look.py)"
}

{
  make_cache
  look 'as installed'
  ln "$GIO_MODULE_DIR/libdconfsettings.so" elsewhere
  look 'a link to it elsewhere'
  make_cache
  look 'the cache made anew'
} | tee said

cat >expected <<'END'
  as installed              not loaded
  a link to it elsewhere    loaded
  the cache made anew       not loaded
END
if ! cmp -s said expected; then
  echo 'CHANGED: this is no longer what happens' >&2
  exit 1
fi
