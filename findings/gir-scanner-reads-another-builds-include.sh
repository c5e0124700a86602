#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# g-ir-scanner takes what it has parsed for another build for a GIR of this one, when the two have the same relative name.
#
# Seen with: gobject-introspection 1.74.0-3 (Debian 12), Python 3.11.2, gcc 12.2.
#
# What one would think: a GIR that is given with --include-uninstalled is read, or its parsed form is taken from a cache that
# knows which file it is of.
#
# What comes: the cache in ~/.cache/g-ir-scanner goes by the name as it was given. meson gives the one of a build directory,
# such as introspection/Foo-1.0.gir, which is the same in all of them; and what is there is taken for any file that is not
# newer. So in the build of one branch the types are those of another, which was built at the same time: "Unresolved type",
# or the wrong one without a word. With GI_SCANNER_DISABLE_CACHE it is read.
#
# Output seen, twice:
#   one, alone: Foo.Old
#   two, after that: bar_take: argument it: Unresolved type: 'FooNew*'
#   two, without the cache: Foo.New
#   two, with a newer file: Foo.New
#
# Needs: Debian 12 on amd64 with gcc, Python 3.11 and apt's lists (apt-get update). Takes 8 s.

set -euo pipefail

packages=(gobject-introspection=1.74.0-3 libgirepository-1.0-1=1.74.0-3 libgirepository1.0-dev=1.74.0-3 gir1.2-glib-2.0=1.74.0-3
  python3-mako=1.2.4+ds-1 python3-markdown=3.4.1-2+deb12u1 python3-markupsafe=2.1.2-1+b1)

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}" >/dev/null
for deb in ./*.deb; do dpkg-deb -x "$deb" root; done
# Where it looks for its own modules first.
ln -s x86_64-linux-gnu/gobject-introspection root/usr/lib/
export LD_LIBRARY_PATH=$tmp/root/usr/lib/x86_64-linux-gnu PYTHONPATH=$tmp/root/usr/lib/python3/dist-packages
export PYTHONDONTWRITEBYTECODE=1 XDG_CACHE_HOME=$tmp/cache XDG_DATA_DIRS=$tmp/root/usr/share

make_build ()
{
  mkdir "$1"
  cat >"$1/Foo-1.0.gir" <<END
<?xml version="1.0"?>
<repository version="1.2" xmlns="http://www.gtk.org/introspection/core/1.0" xmlns:c="http://www.gtk.org/introspection/c/1.0">
  <namespace name="Foo" version="1.0" c:identifier-prefixes="Foo" c:symbol-prefixes="foo">
    <record name="$2" c:type="Foo$2"/>
  </namespace>
</repository>
END
  echo "typedef struct _Foo$2 Foo$2;" >"$1/foo.h"
  printf '#include "foo.h"\nvoid bar_take (Foo%s *it);\n' "$2" >"$1/bar.h"
}

scan ()
{
  local said

  said=$(cd "$1"; /usr/bin/python3.11 "$tmp/root/usr/bin/g-ir-scanner" \
    --header-only --warn-all --namespace=Bar --nsversion=1.0 -I. --include-uninstalled=Foo-1.0.gir --output=Bar-1.0.gir \
    "$PWD/bar.h" 2>&1 | sed 's/^.*Bar: //')
  echo "$1, $2: ${said:-$(grep -o 'Foo\.[A-Z]\w*' "$1/Bar-1.0.gir" | head -n 1)}"
}

make_build two New
make_build one Old
touch -d '1 minute ago' two/Foo-1.0.gir

{
  scan one alone
  scan two 'after that'
  GI_SCANNER_DISABLE_CACHE=1 scan two 'without the cache'
  touch -d '1 minute' two/Foo-1.0.gir
  scan two 'with a newer file'
} | tee now

cat >seen <<'END'
one, alone: Foo.Old
two, after that: bar_take: argument it: Unresolved type: 'FooNew*'
two, without the cache: Foo.New
two, with a newer file: Foo.New
END
if ! diff seen now; then
  echo 'CHANGED: this is no longer what happens' >&2
  exit 1
fi
