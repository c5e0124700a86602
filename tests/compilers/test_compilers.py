# SPDX-License-Identifier: LGPL-2.1-or-later
"""What others compile with our headers and our Vala binding gives no warning: in C, in C++, and in the C of valac."""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

SOURCE, BUILD = map(pathlib.Path, sys.argv[1:])
STRICT = ['-Wall', '-Wextra', '-Wpedantic', '-Werror']
HEADER = '#include <tornadis-glib/tornadis-glib.h>\nint main (void) { return tornadis_error_quark () == 0; }\n'
# Everything in the binding that takes a GStrv or an error.
VALA = '''
class Eye : Tornadis.Plugin {
  public override void observe (Tornadis.Client client, Tornadis.Command? command, Tornadis.Pipeline? pipeline,
                                Tornadis.Reply? reply, Error? error, int64 elapsed) {
    print ("%s\\n", error != null ? error.message : "");
  }
}

async void use (Tornadis.PubSubClient client, string[] words) throws Error {
  var pipeline = new Tornadis.Pipeline ();
  pipeline.stack_strv (words);
  client.add_plugin (new Eye ());
  client.add_plugin (Tornadis.Plugin.new_with_options ("log", words));
  yield client.call_async (new Tornadis.Command.strv (words));
  yield client.subscribe_async (words);
  yield client.psubscribe_async ({ "a", "b" });
  yield client.unsubscribe_async ();
  yield client.punsubscribe_async (words);
}

void main (string[] args) {
  use.begin (new Tornadis.PubSubClient ("localhost", 6379), args);
}
'''


def run(*command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def flags():
    """Of pkg-config; what is GLib's in its headers is not for us to mend."""
    found = shlex.split(run('pkg-config', '--cflags', 'tornadis-glib-1.0'))
    return [flag.replace('-I', '-isystem') if str(SOURCE) not in flag else flag for flag in found]


def compile_header(program, suffix, *options):
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / f'program{suffix}'
        path.write_text(HEADER, encoding='utf-8')
        run(program, *STRICT, *options, *flags(), '-c', '-o', os.devnull, path)


def test_c():
    for standard in ['gnu11', 'c99', 'gnu17']:
        compile_header('cc', '.c', f'-std={standard}')


def test_cplusplus():
    for standard in ['c++11', 'c++17', 'c++20']:
        compile_header('c++', '.cc', f'-std={standard}')


def test_vala():
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / 'program.vala'
        path.write_text(VALA, encoding='utf-8')
        run('valac', '-C', '--vapidir', BUILD / 'introspection', '--pkg', 'gio-2.0', '--pkg', 'tornadis-glib-1.0', path,
            cwd=directory)
        # valac leaves variables unused.
        run('cc', '-Wall', '-Wextra', '-Werror', '-Wno-unused', *flags(), '-c', '-o', os.devnull, 'program.c', cwd=directory)


NEEDS = {'test_cplusplus': 'c++', 'test_vala': 'valac'}
tests = [value for name, value in list(globals().items()) if name.startswith('test_')]
print(f'1..{len(tests)}')
for number, test in enumerate(tests, 1):
    name = test.__name__
    if not shutil.which(NEEDS.get(name, 'cc')):
        print(f'ok {number} - {name} # SKIP no {NEEDS[name]}')
        continue
    try:
        test()
        print(f'ok {number} - {name}', flush=True)
    except AssertionError as error:
        print(f'not ok {number} - {name}', flush=True)
        print(f'# {name}\n# ' + str(error).rstrip().replace('\n', '\n# '), file=sys.stderr, flush=True)
