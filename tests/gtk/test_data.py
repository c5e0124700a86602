# SPDX-License-Identifier: LGPL-2.1-or-later
"""What data/ has for desktops, stores and builders is what they take, and the example runs as it is installed."""

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import desktop
from desktop import until

ROOT = sys.argv[1]
DATA = os.path.join(ROOT, 'data')
ID = 'org.example.Channels'

sys.path.insert(0, os.path.join(ROOT, 'tests', 'python'))
from tap import equal, main

from gi.repository import Tornadis


def run(*command, **options):
    """What it says, which has to end well."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    assert done.returncode == 0, f'{command}: {done.stdout}'
    return done.stdout


def check(*command):
    """As run(), where the program is installed: tests/run installs them all."""
    if shutil.which(command[0]) is None:
        print(f'# no {command[0]}')
        return
    run(*command)


def read(name):
    with open(os.path.join(DATA, name), encoding='utf-8') as file:
        return file.read()


def get_version():
    with open(os.path.join(ROOT, 'meson.build'), encoding='utf-8') as file:
        return re.search("version: '([0-9.]+)'", file.read())[1]


def test_valid(_):
    check('desktop-file-validate', os.path.join(DATA, f'{ID}.desktop'))
    check('appstreamcli', 'validate', '--no-net', os.path.join(DATA, f'{ID}.metainfo.xml'))
    names = [os.path.join(directory, name) for directory, _, names in os.walk(DATA) for name in names]
    for name in names:
        if name.endswith(('.xml', '.doap', '.svg')):
            ElementTree.parse(name)
            check('xmllint', '--noout', '--nonet', name)


def test_same_names(_):
    """The files say the same of the application as each other, and as the application."""
    entry = configparser.ConfigParser(interpolation=None)
    entry.read_string(read(f'{ID}.desktop'))
    entry = entry['Desktop Entry']
    metainfo = ElementTree.fromstring(read(f'{ID}.metainfo.xml'))
    manifest = json.loads(read(f'{ID}.json'))
    equal(metainfo.findtext('id'), ID)
    equal(metainfo.findtext('launchable'), f'{ID}.desktop')
    equal(manifest['id'], ID)
    equal(entry['Icon'], ID)
    equal(metainfo.findtext('name'), entry['Name'])
    equal(metainfo.findtext('summary'), entry['Comment'])
    equal([entry['Exec'], metainfo.findtext('provides/binary'), manifest['command']], 3 * ['tornadis-channels'])
    for program in 'channels.py', 'channels.js':
        with open(os.path.join(ROOT, 'examples', 'gtk', program), encoding='utf-8') as file:
            assert f"APPLICATION_ID = '{ID}'" in file.read(), program
    for icon in f'scalable/apps/{ID}.svg', f'symbolic/apps/{ID}-symbolic.svg':
        assert os.path.exists(os.path.join(DATA, 'icons', 'hicolor', icon)), icon
    doap = '{http://usefulinc.com/ns/doap#}'
    equal(ElementTree.fromstring(read('tornadis-glib.doap')).findtext(f'.//{doap}revision'), get_version())


def test_manifest(_):
    """What Flatpak builds it with are options that there are, of a commit that is not another tomorrow."""
    manifest = json.loads(read(f'{ID}.json'))
    with open(os.path.join(ROOT, 'meson_options.txt'), encoding='utf-8') as file:
        known = re.findall("^option\\('([^']+)'", file.read(), re.MULTILINE)
    library = manifest['modules'][-1]
    options = [option.removeprefix('-D').partition('=')[0] for option in library['config-opts']]
    assert set(options) <= set(known), (options, known)
    equal(os.path.realpath(os.path.join(DATA, library['sources'][0]['path'])), os.path.realpath(ROOT))
    for module in manifest['modules'][:-1]:
        for source in module['sources']:
            assert re.fullmatch('[0-9a-f]{40}', source['commit']), source
    if shutil.which('flatpak-builder'):
        # It leaves a directory where it is.
        with tempfile.TemporaryDirectory() as directory:
            shown = run('flatpak-builder', '--show-manifest', os.path.join(DATA, f'{ID}.json'), cwd=directory)
        equal(json.loads(shown)['id'], ID)


def test_wrap(_):
    """A project that has the wrap, with the address of the repository, has the library."""
    wrap = configparser.ConfigParser(interpolation=None)
    wrap.read_string(read('tornadis-glib.wrap'))
    equal(wrap['wrap-git']['revision'], get_version())
    if shutil.which('git') is None or not os.path.exists(os.path.join(ROOT, '.git')):
        print('# no repository')
        return
    wrap['wrap-git']['url'], wrap['wrap-git']['revision'] = ROOT, 'HEAD'
    with tempfile.TemporaryDirectory() as directory:
        os.mkdir(os.path.join(directory, 'subprojects'))
        with open(os.path.join(directory, 'subprojects', 'tornadis-glib.wrap'), 'w', encoding='utf-8') as file:
            wrap.write(file)
        with open(os.path.join(directory, 'meson.build'), 'w', encoding='utf-8') as file:
            file.write("project('consumer', 'c')\n"
                       "dependency('tornadis-glib-1.0', default_options: ['tests=false', 'examples=false', "
                       "'introspection=disabled'])\n")
        env = {**os.environ, 'GIT_CONFIG_COUNT': '1', 'GIT_CONFIG_KEY_0': 'safe.directory', 'GIT_CONFIG_VALUE_0': '*'}
        said = run('meson', 'setup', '--wrap-mode=forcefallback', 'build', cwd=directory, env=env)
        assert 'tornadis-glib undefined' not in said and 'YES' in said, said


async def check_installed(server, language, build, prefix):
    run('meson', 'setup', f'--prefix={prefix}', f'-Dexample-app={language}', '-Dtests=false', '-Dexamples=false',
        '-Dintrospection=disabled', build, ROOT,
        # With the Python that has PyGObject, as this one.
        env={**os.environ, 'PATH': f'{os.path.dirname(sys.executable)}:{os.environ["PATH"]}'})
    run('meson', 'install', '-C', build, '--no-rebuild', '--tags', 'example-app')
    for name in (f'applications/{ID}.desktop', f'metainfo/{ID}.metainfo.xml', f'icons/hicolor/scalable/apps/{ID}.svg',
                 f'icons/hicolor/symbolic/apps/{ID}-symbolic.svg'):
        assert os.path.exists(os.path.join(prefix, 'share', name)), name
    application = desktop.Application([os.path.join(prefix, 'bin', 'tornadis-channels'),
                                       f'redis://127.0.0.1:{server.get_port()}'])
    try:
        await until(lambda: application.find('label', f'127.0.0.1:{server.get_port()}'))
        equal(application.find('push button', 'Close').do_action(0), True)
        equal(application.wait(), 0)
        equal(application.get_output(), [])
    finally:
        application.kill()


async def test_installed(server):
    """The application as it is installed, in both languages, with its icon."""
    reason = desktop.missing()
    if reason:
        print(f'# {reason}')
        return
    # AT-SPI stays with the bus that it has seen first.
    with desktop.session():
        for language in 'python', 'javascript':
            with tempfile.TemporaryDirectory() as directory:
                build, prefix = os.path.join(directory, 'build'), os.path.join(directory, 'a prefix')
                await check_installed(server, language, build, prefix)


main(sys.modules[__name__])
