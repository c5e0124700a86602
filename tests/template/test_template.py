# SPDX-License-Identifier: LGPL-2.1-or-later
"""plugins/template/ as somebody else builds it: outside of this tree, against an installed library.

The library is installed below a temporary directory; its .pc file is told so, as that of a package that was moved.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from tap import equal, main

SOURCE = pathlib.Path(os.environ['TORNADIS_TEMPLATE'])
BUILD = os.environ['TORNADIS_BUILD']
SLOW = int(os.environ.get('TORNADIS_TEST_SLOW', '1'))

directory = tempfile.TemporaryDirectory(prefix='tornadis-template-')
top = pathlib.Path(directory.name)


def run(*command, cwd=top, environment=None):
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=90 * SLOW)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout, done.stderr


def find(pattern):
    return next((top / 'root').rglob(pattern))


def install():
    """Installs the library; the environment of somebody who uses it and has nothing of this tree."""
    own = ('TORNADIS_', 'GI_TYPELIB_PATH', 'GJS_PATH', 'LD_LIBRARY_PATH', 'PYTHONPATH', 'PKG_CONFIG', 'MESON', 'DESTDIR')
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    run('meson', 'install', '-C', BUILD, '--no-rebuild', '--destdir', top / 'root', '--quiet')
    pc = find('tornadis-glib-1.0.pc')
    text = pc.read_text()
    prefix = re.search('^prefix=(.*)$', text, re.MULTILINE)[1]
    pc.write_text(text.replace(f'prefix={prefix}', f'prefix={top}/root{prefix}', 1))
    environment.update(
        PKG_CONFIG_PATH=str(pc.parent),
        GI_TYPELIB_PATH=str(find('Tornadis-1.0.typelib').parent),
        LD_LIBRARY_PATH=f"{find('libtornadis-glib-1.0.so').parent}:{find('libtornadis-bridge-1.0.so').parent}",
        PYTHONPATH=str(find('gi/overrides/Tornadis.py').parents[2]),
        PYTHONDONTWRITEBYTECODE='1',
        PATH=f'{find("bin/tornadis").parent}:{os.environ["PATH"]}',
    )
    return environment


def shell_block(containing):
    """The block of the README that has this in it."""
    text = (SOURCE / 'README.md').read_text(encoding='utf-8')
    blocks = re.findall('```sh\n(.*?)```', text, re.DOTALL)
    return next(block for block in blocks if containing in block).replace('sudo ', '')


def check_use(server, environment):
    """By the tool and by a program, which find it by its name."""
    environment = dict(environment, TORNADIS_URI='unix://' + server.get_socket_path())
    out, _ = run('tornadis', 'plugins', environment=environment)
    assert 'slow-log: logs calls that take long\n  threshold-msec: ' in out and '(default: 100); How long' in out, out
    call = ['call', 'BLPOP', 'nothing', '0.05']
    out, err = run('tornadis', call[0], '--plugin', 'slow-log:threshold-msec=1', *call[1:], environment=environment)
    assert re.search(r'slow-log-Message: .*BLPOP took \d+\.\d ms, 0 others are pending\n', err), err
    out, err = run('tornadis', call[0], '--plugin', 'slow-log:threshold-msec=60000', *call[1:], environment=environment)
    equal(err, '')
    uri = environment['TORNADIS_URI'] + '?plugins=slow-log&slow-log.threshold-msec=1'
    program = f"""if True:
        import gi
        gi.require_version('Tornadis', '1.0')
        from gi.repository import Tornadis
        async def main():
            client = Tornadis.Client.new_for_uri_full({uri!r}, Tornadis.UriFlags.ALLOW_PLUGINS)
            print(client.get_plugins().get_item(0).props.threshold_msec)
            plugin = Tornadis.Plugin.new_by_name('slow-log')
            print(plugin.props.threshold_msec)
            plugin.props.threshold_msec = 2
            client.add_plugin(plugin)
            await client.call('BLPOP', 'nothing', 0.05)
        Tornadis.run(main())"""
    out, err = run(sys.executable, '-c', program, environment=environment)
    equal((out, err.count('BLPOP took')), ('1\n100\n', 2))


def test_meson(server):
    shutil.copytree(SOURCE, top / 'with-meson')
    run('sh', '-ec', shell_block('meson setup'), cwd=top / 'with-meson', environment=used)
    installed = find('libtornadis-slow-log.so')
    equal(installed.parent, find('libtornadis-log.so').parent)
    check_use(server, dict(used, TORNADIS_PLUGIN_PATH=str(installed.parent)))
    installed.unlink()


def test_gcc(server):
    """The three lines without Meson; and the directory while one works on it."""
    shutil.copytree(SOURCE, top / 'with-gcc')
    run('sh', '-ec', shell_block('gcc'), cwd=top / 'with-gcc', environment=used)
    find('libtornadis-slow-log.so').unlink()
    check_use(server, dict(used, TORNADIS_PLUGIN_PATH=str(top / 'with-gcc')))


def test_python(server):
    _, err = run(sys.executable, SOURCE / 'slow_log.py', 'unix://' + server.get_socket_path(), environment=used)
    assert re.fullmatch(r'(PING took .*\n)?BLPOP took \d+\.\d ms, 0 others are pending\n', err), err


def test_size(server):
    """It is to be read in one go."""
    assert len((SOURCE / 'slow-log-plugin.c').read_text(encoding='utf-8').splitlines()) < 80


used = install()
main(sys.modules[__name__])
