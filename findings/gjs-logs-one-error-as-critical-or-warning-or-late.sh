#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# GJS: one and the same Error is a critical when a handler throws it, a warning when a handler of JavaScript's own
# signals does or when logError () is given it, and nothing for long when an async handler throws it.
#
# Seen with: GJS 1.74.2 (Debian 1.74.2-1+deb12u1) with GLib 2.74.6, GJS 1.82.3 (1.82.3-1) with GLib 2.84.4.
#
# What one would think: an error that nobody catches is logged at once and at one level, async handler or not.
# logError () logs what was caught as GJS logs what was not.
#
# What comes:
#   - a handler of a GObject signal, a source's callback, the callback of an asynchronous call and a virtual function
#     that throw: critical, which with G_DEBUG=fatal-criticals is the program's end.
#   - logError (), and a handler of imports.signals that throws: warning.
#   - console.error (): critical again, in another domain.
#   - an async handler of a GObject signal: a warning, without the error's text, that comes when a promise's reaction
#     runs next, of whatever promise. Here ten callbacks of the main loop come before it; with no promise it comes when
#     the program ends.
# The exit status is 0 each time.
#
# Output seen, twice, of both:
#   signal handler           Gjs-CRITICAL
#   source                   Gjs-CRITICAL
#   asynchronous callback    Gjs-CRITICAL
#   virtual function         Gjs-CRITICAL
#   imports.signals handler  Gjs-WARNING
#   logError                 Gjs-WARNING
#   console.error            Gjs-Console-CRITICAL
#   async signal handler     before a promise: nothing, after it: Gjs-WARNING
#   async and no promise     in the main loop: nothing, after it: Gjs-WARNING
#
# Needs: Debian 12 on amd64 with apt's lists (apt-get update) and the keys of Debian 13 (debian-archive-keyring of
# 2025). Takes 40 s.

set -euo pipefail

debian12=(gjs=1.74.2-1+deb12u1 libgjs0g=1.74.2-1+deb12u1 libmozjs-102-0=102.15.1-1~deb12u1)
debian13=(gjs=1.82.3-1 gir1.2-glib-2.0=2.84.4-3~deb13u5)

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cd "$tmp"
mkdir -p 12 lists cache
(cd 12 && apt-get -qq -o APT::Sandbox::User=root download "${debian12[@]}" >/dev/null)
for deb in 12/*.deb; do dpkg-deb -x "$deb" root12; done

# Debian 13's, and what they need, from the mirror that apt has here; their own loader runs them.
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(ORIGIN)/$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "Debian/Debian" && !found++ { print $2 }')
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >sources.list
cat >apt.conf <<END
Dir::Etc::SourceList "$tmp/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$tmp/lists";
Dir::State::Status "/dev/null";
Dir::Cache "$tmp/cache";
APT::Sandbox::User "root";
Debug::NoLocking "true";
END
export APT_CONFIG=$tmp/apt.conf
apt-get -qq update
apt-get -qq -y --no-install-recommends --download-only install "${debian13[@]}" >/dev/null
for deb in cache/archives/*.deb; do dpkg-deb -x "$deb" root13; done
lib13=$tmp/root13/usr/lib/x86_64-linux-gnu

# It ends with status 0 whatever was thrown; its only words are on stderr, so that they stand between the log's.
cat >throws.js <<'END'
const {Gio, GLib, GObject} = imports.gi;
const Signals = imports.signals;
const System = imports.system;

const error = new Error('the error');
const context = GLib.MainContext.default();
const action = new Gio.SimpleAction({name: 'action'});
const Throwing = GObject.registerClass(class Throwing extends GObject.Object {
    vfunc_constructed() {
        super.vfunc_constructed();
        throw error;
    }
});

class Emitter {}
Signals.addSignalMethods(Emitter.prototype);

function iterate() {
    while (context.iteration(false))
        ;
}

function activate(handler) {
    const id = action.connect('activate', handler);
    action.activate(null);
    action.disconnect(id);
}

function source(callback) {
    GLib.idle_add(GLib.PRIORITY_DEFAULT, callback);
    iterate();
}

function throws() {
    throw error;
}

// An async function that throws, in the main loop, as a signal comes.
function reject() {
    source(() => {
        activate(async () => {
            throw error;
        });
        return GLib.SOURCE_REMOVE;
    });
    for (let i = 0; i < 10; i++)
        source(() => GLib.SOURCE_REMOVE);
}

const cases = {
    'signal': () => activate(throws),
    'source': () => source(throws),
    'asynchronous': () => {
        Gio.Task.new(null, null, throws).return_boolean(true);
        iterate();
    },
    'virtual': () => new Throwing(),
    'imports.signals': () => {
        const emitter = new Emitter();
        emitter.connect('event', throws);
        emitter.emit('event');
    },
    'logError': () => logError(error),
    'console.error': () => console.error(error),
    'async': () => {
        reject();
        printerr('AFTER');
        Promise.resolve().then(() => null);
        iterate();
        printerr('END');
    },
    'no promise': () => {
        reject();
        printerr('AFTER');
    },
};
if (System.version !== Number(ARGV[1]))
    throw new Error(`this is GJS ${System.version}`);
cases[ARGV[0]]();
END

lib12=$tmp/root12/usr/lib/x86_64-linux-gnu
gjs12 ()
{
  LD_LIBRARY_PATH="$lib12:$lib12/gjs" root12/usr/bin/gjs-console throws.js "$1" 17402
}

gjs13 ()
{
  GI_TYPELIB_PATH="$lib13/girepository-1.0:$lib13/gjs/girepository-1.0" \
    "$lib13/ld-linux-x86-64.so.2" --library-path "$lib13" root13/usr/bin/gjs-console throws.js "$1" 18203
}

# levels <LOG: domains and levels of what the log says.
levels ()
{
  local came
  came=$(grep -oE 'Gjs(-Console)?-(CRITICAL|WARNING)') || true
  # shellcheck disable=SC2086
  echo ${came:-nothing}
}

# check GJS CASE NAME SEEN
check ()
{
  local came

  if ! "$1" "$2" 2>log; then
    cat log >&2
    echo 'CHANGED: the exit status is not 0' >&2
    exit 1
  fi
  case $2 in
    async | 'no promise')
      if grep -q 'the error' log; then
        echo "CHANGED: it has the error's text" >&2
        exit 1
      fi ;;&
    async)
      came="before a promise: $(sed '/^AFTER/,$d' log | levels)"
      came+=", after it: $(sed -n '/^AFTER/,/^END/p' log | levels)" ;;
    'no promise')
      came="in the main loop: $(sed '/^AFTER/,$d' log | levels), after it: $(sed -n '/^AFTER/,$p' log | levels)" ;;
    *) came=$(levels <log) ;;
  esac
  printf '  %-24s %s\n' "$3" "$came"
  if [ "$came" != "$4" ]; then
    echo 'CHANGED: this is no longer what happens' >&2
    exit 1
  fi
}

for gjs in gjs12 gjs13; do
  if [ "$gjs" = gjs12 ]; then echo 'GJS 1.74.2'; else echo 'GJS 1.82.3'; fi
  check "$gjs" signal 'signal handler' Gjs-CRITICAL
  check "$gjs" source 'source' Gjs-CRITICAL
  check "$gjs" asynchronous 'asynchronous callback' Gjs-CRITICAL
  check "$gjs" virtual 'virtual function' Gjs-CRITICAL
  check "$gjs" imports.signals 'imports.signals handler' Gjs-WARNING
  check "$gjs" logError 'logError' Gjs-WARNING
  check "$gjs" console.error 'console.error' Gjs-Console-CRITICAL
  check "$gjs" async 'async signal handler' 'before a promise: nothing, after it: Gjs-WARNING'
  check "$gjs" 'no promise' 'async and no promise' 'in the main loop: nothing, after it: Gjs-WARNING'
done
