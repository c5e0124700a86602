# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs every code block of README.md, docs/*.md and plugins/*/README.md, as TAP with one case a block.

Whole programs run as they are; what is less than a program runs inside the frame of its language in frames/, which
has a client, a pubsub, a pool and so on. blocks.py tells how a page says what is printed, and what must not run.

In the code, port 6379 of localhost and /run/redis/redis.sock are the private server, port 6380 is one with TLS;
ca.pem and client.pem are files that fit it; n1,n2,n3 are the nodes of a cluster of the page. The blocks of a page run one
after the other in a directory of the page, each with an empty database.
"""

import importlib.util
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

import blocks

import gi
gi.require_version('TornadisHarness', '0')
from gi.repository import Gio, TornadisHarness

PARALLEL = 2
TIMEOUT = 60 * int(os.environ.get('TORNADIS_TEST_SLOW', '1'))
FRAMES = pathlib.Path(__file__).parent / 'frames'
WHOLE = {
    'c': re.compile(r'^#include <tornadis-glib', re.MULTILINE),
    'python': re.compile(r'^gi\.require_version', re.MULTILINE),
    'js': re.compile(r'^import ', re.MULTILINE),
    'vala': re.compile(r'\bmain \('),
}
# The first line of what stands outside of functions.
DEFINITION = {
    'c': re.compile(r'^(static |struct |typedef |#|G_)'),
    'vala': re.compile(r'^(class|interface|struct|enum|async|public|private|void|int|bool|string|delegate|\[)\b'),
}
TOOLS = {'c': 'gcc', 'js': 'gjs', 'vala': 'valac', 'sh': 'bash', 'console': 'bash', 'meson': 'meson'}


class Failed(Exception):
    """A program ended with an error."""


def flags(*options):
    command = ['pkg-config', *options, 'tornadis-glib-1.0', 'gmodule-2.0']
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()


class Page:
    """One page: its directory and what its blocks run with."""

    def __init__(self, directory, server, tls_server, cluster):
        self.directory = directory
        self.server = server
        self.cluster = cluster
        self.has_tls = tls_server is not None
        self.addresses = (
            (r'\b6379\b', str(server.get_port())),
            (r'\b6380\b', str(tls_server.get_tls_port() if self.has_tls else 0)),
            (r'/run/redis/redis\.sock', server.get_socket_path()),
            # The default port, which does not stand there.
            (r"(host='localhost')(?!, port)", rf'\1, port={server.get_port()}'),
            (r"(host: 'localhost')(?!, *\n? *port)", rf'\1, port: {server.get_port()}'),
            (r'((?:redis|valkey)://(?:[^/\s@]*@)?localhost)(?![\w.:])', rf'\1:{server.get_port()}'),
        )
        if cluster is not None:
            self.addresses += ((r'\bn1,n2,n3\b', cluster.get_hosts(False)),)
        directory.mkdir()
        if self.has_tls:
            for name, file in (('ca.pem', 'ca.pem'), ('client.pem', 'client-both.pem')):
                shutil.copy(tls_server.get_file(file), directory / name)

    def address(self, text):
        for pattern, replacement in self.addresses:
            text = re.sub(pattern, replacement, text)
        return text

    def command(self, arguments, wanted=0, mark='@@'):
        environment = dict(os.environ)
        environment.update(
            PATH=f'{self.directory.parent}/bin:{os.environ["PATH"]}',
            DOCS_SOCKET=self.server.get_socket_path(),
            DOCS_LINES=str(wanted),
            DOCS_MARK=mark,
            XDG_DATA_DIRS=f'{self.directory.parent}/share:/usr/local/share:/usr/share',
            TORNADIS_PLUGIN_PATH=f'{os.environ.get("TORNADIS_PLUGIN_PATH", "")}:{self.directory}',
        )
        # A session of its own, so that what a shell has started ends with it.
        process = subprocess.Popen(arguments, cwd=self.directory, env=environment, text=True, errors='replace',
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True)
        name = ' '.join(map(str, arguments))
        try:
            printed, complaints = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            printed, complaints = process.communicate()
            raise Failed(f'{name} did not end\n{printed}{complaints}') from None
        if process.returncode != 0:
            raise Failed(f'{name}: status {process.returncode}\n{printed}{complaints}')
        return printed

    def missing(self, block):
        """What is not installed, if a block needs it."""
        tools = [TOOLS.get(block.language, 'sh')]
        if block.language == 'sh':
            tools += set(TOOLS.values()).intersection(block.source().split())
        for tool in tools:
            if shutil.which(tool) is None:
                return tool
        if block.runs and 'import gbulb' in block.source() and importlib.util.find_spec('gbulb') is None:
            return 'gbulb'
        if block.runs and '6380' in block.source() and not self.has_tls:
            return 'openssl and glib-networking'
        return None

    def run(self, block):
        """Runs a block, or parses it, and checks what it prints."""
        if block.file is not None:
            (self.directory / block.file).write_text(self.address(block.source()), encoding='utf-8')
        self.server.command('FLUSHALL')
        for node in range(self.cluster.get_n_nodes() if self.cluster is not None else 0):
            self.cluster.command(node, 'FLUSHALL')
        block.check(getattr(self, 'run_' + block.language)(block))

    def write(self, block, suffix):
        """The source of a block as a program, in a file."""
        lines = block.tagged()
        whole = WHOLE[block.language].search(block.source()) is not None
        if whole:
            text = '\n'.join([block.first, *lines, block.then])
        else:
            text = fill(FRAMES / ('frame' + suffix), block, lines)
        path = self.directory / f'block-{block.line}{suffix}'
        path.write_text(self.address(text), encoding='utf-8')
        return path, whole

    def run_program(self, block, arguments):
        if block.output is not None:
            if block.values:
                raise blocks.DocsError('there are both arrows and a text')
            return self.command(arguments, len(block.output), '\n')
        return self.command(arguments, len(block.values))

    def run_c(self, block):
        path, whole = self.write(block, '.c')
        program = path.with_suffix('')
        compiler = ['gcc', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter', '-g', '-O0']
        if not whole:
            compiler += ['-Wno-unused-function', '-Wno-unused-variable', '-Wno-unused-but-set-variable']
        if not block.runs or whole and 'main (' not in block.source():
            # What is to be called by others: a module or a class.
            return self.command([*compiler, '-fsyntax-only', path, *flags('--cflags')])
        self.command([*compiler, '-o', program, path, *flags('--cflags', '--libs')])
        return self.run_program(block, [program])

    def run_vala(self, block):
        path, whole = self.write(block, '.vala')
        compiler = ['valac', '--quiet', '--pkg', 'tornadis-glib-1.0', '-X', '-w', path]
        if not block.runs:
            return self.command([*compiler, '-C', '--directory', self.directory / 'c'])
        program = path.with_suffix('')
        self.command([*compiler, '-o', program])
        return self.run_program(block, [program])

    def run_python(self, block):
        path, whole = self.write(block, '.py')
        if not block.runs:
            compile(path.read_text(encoding='utf-8'), str(path), 'exec')
            return ''
        if whole:
            # Python's own show() is that of the frame.
            path.write_text('def show(number, value): print(f"@@{number}", repr(value))\n' +
                            path.read_text(encoding='utf-8'), encoding='utf-8')
        return self.run_program(block, [sys.executable, path])

    def run_js(self, block):
        path, whole = self.write(block, '.js')
        if not block.runs:
            if whole:
                raise blocks.DocsError('a whole program can only be run')
            text = path.read_text(encoding='utf-8')
            path.write_text(text.replace('await block();', ''), encoding='utf-8')
        return self.run_program(block, ['gjs', '-m', path])

    def run_sh(self, block):
        return self.run_shell(block, block.lines)

    def run_console(self, block):
        commands = [line[2:] for line in block.lines if line.startswith('$ ')]
        if not commands:
            raise blocks.DocsError('no line begins with a $')
        if block.runs:
            block.output = [line for line in block.lines if not line.startswith('$ ')] or None
        return self.run_shell(block, commands)

    def run_shell(self, block, lines):
        path = self.directory / f'block-{block.line}.sh'
        path.write_text(self.address('\n'.join(['set -e', block.first, *lines, block.then, ''])), encoding='utf-8')
        return self.run_program(block, ['bash', *([] if block.runs else ['-n']), path])

    def run_meson(self, block):
        project = self.directory / f'meson-{block.line}'
        text = block.source()
        if 'project(' not in text:
            text = "project('app', 'c')\n" + text
        project.mkdir()
        for file in self.directory.iterdir():
            if file.is_file():
                shutil.copy(file, project)
        (project / 'meson.build').write_text(text, encoding='utf-8')
        self.command(['meson', 'setup', project / 'build', project])
        if block.runs:
            self.command(['meson', 'compile', '-C', project / 'build'])
        return ''

    def run_text(self, block):
        if block.runs:
            raise blocks.DocsError('this text is the output of nothing')
        return ''


def fill(frame, block, lines):
    """The frame with the block in it: definitions where they must be, the rest in a function."""
    definitions, statements = [], lines
    if block.language in DEFINITION:
        definitions, statements = split('\n'.join(lines), DEFINITION[block.language])
    parts = {
        'DEFINITIONS': definitions,
        'BLOCK': [*block.first.split('\n'), *statements, *block.then.split('\n')],
    }
    text = []
    for line in frame.read_text(encoding='utf-8').split('\n'):
        marker = re.match(r'^(\s*)(?://|#|/\*) (DEFINITIONS|BLOCK)\b', line)
        if marker is None:
            text.append(line)
        else:
            text += [marker[1] + part if part else part for part in parts[marker[2]]]
    return '\n'.join(text)


def split(text, definition):
    """Parts between empty lines, but for those within braces."""
    definitions, statements = [], []
    depth = 0
    part = []
    for line in [*text.split('\n'), '']:
        if line == '' and depth == 0:
            (definitions if definition.match('\n'.join(part)) else statements).extend([*part, ''])
            part = []
        else:
            part.append(line)
            depth += line.count('{') - line.count('}')
    return definitions, statements


def run_page(path, page, directory, servers, tls_server):
    """The outcome of each block: its name, and why it failed, or was skipped."""
    server = servers.get()
    outcomes = []
    try:
        has_cluster = 'n1,n2,n3' in path.read_text(encoding='utf-8')
        cluster = TornadisHarness.Cluster.new(3, 0, None) if has_cluster else None
        worker = Page(directory / page, server, tls_server, cluster)
        for block in blocks.read(path, page):
            failure = None
            skipped = worker.missing(block)
            if not hasattr(worker, 'run_' + block.language):
                failure = f'the language {block.language!r} is not known'
            elif skipped is None:
                try:
                    worker.run(block)
                except (blocks.DocsError, Failed, SyntaxError, ValueError) as error:
                    failure = f'{error}'
                except Exception:
                    failure = traceback.format_exc()
            outcomes.append((block.name, failure, skipped))
    except blocks.DocsError as error:
        outcomes.append((page, str(error), None))
    finally:
        servers.put(server)
    return outcomes


def check_list(source):
    """Every page is in the list that Meson reads and gives to gi-docgen."""
    names = sorted(path.name for path in (source / 'docs').glob('*.md'))
    listed = sorted(re.findall(r"'([\w-]+\.md)'", (source / 'docs' / 'meson.build').read_text(encoding='utf-8')))
    return None if listed == names else f'docs/meson.build has {listed}, not {names}'


def main():
    source, build = map(pathlib.Path, sys.argv[1:3])
    wanted = sys.argv[3:]
    pages = {path.name: path for path in (source / 'README.md', *sorted((source / 'docs').glob('*.md')))}
    pages |= {f'plugin-{path.parent.name}.md': path for path in sorted((source / 'plugins').glob('*/README.md'))
              # tests/template runs that one.
              if path.parent.name != 'template'}
    pages = {name: path for name, path in pages.items() if not wanted or name in wanted}
    servers = Queue()
    for _ in range(PARALLEL):
        servers.put(TornadisHarness.Redis.new(None))
    tls_server = None
    if shutil.which('openssl') is not None and Gio.TlsBackend.get_default().supports_tls():
        tls_server = TornadisHarness.Redis.new_tls(None)
    outcomes = [('list of pages', check_list(source), None)]

    with tempfile.TemporaryDirectory(prefix='tornadis-docs-') as directory, ThreadPoolExecutor(PARALLEL) as executor:
        directory = pathlib.Path(directory)
        # The Python that has PyGObject, whichever comes first in PATH.
        (directory / 'bin').mkdir()
        (directory / 'bin' / 'python3').symlink_to(sys.executable)
        # As it is when it is installed: the .deps file tells valac what the vapi needs.
        vapi = directory / 'share' / 'vala' / 'vapi'
        vapi.mkdir(parents=True)
        for file in (*build.glob('introspection/*.vapi'), *build.glob('meson-private/tornadis*.deps')):
            shutil.copy(file, vapi)
        futures = [executor.submit(run_page, path, name, directory, servers, tls_server) for name, path in pages.items()]
        for future in futures:
            outcomes += future.result()

    print(f'1..{len(outcomes)}')
    for number, (name, failure, skipped) in enumerate(outcomes, 1):
        print(f'{"not ok" if failure else "ok"} {number} - {name}' + (f' # SKIP no {skipped}' if skipped else ''))
        if failure:
            print(f'# {name}\n# ' + failure.rstrip().replace('\n', '\n# '), file=sys.stderr)
    sys.exit(1 if any(failure for _, failure, _ in outcomes) else 0)


main()
