# SPDX-License-Identifier: LGPL-2.1-or-later
"""No password, argument, key or value is in what the library writes: logs, traces, metrics, titles and errors.

A program in each language, and the tool, do what a story says, most of which goes wrong, with all debug output. Each of
the words that nobody may see has XYZZY in it; passwords have PLUGH too, which must not be seen even where arguments are shown
because the program wants that.
"""

import base64
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from tap import equal, main

from gi.repository import TornadisHarness

PROGRAMS = dict(argument.split('=', 1) for argument in sys.argv[1:])
SLOW = int(os.environ.get('TORNADIS_TEST_SLOW', '1'))
PASSWORD, WRONG, USER_PASSWORD, SENTINEL_PASSWORD = (
    f'xyzzyPlugh{word}plughXyzzy' for word in ('One', 'Wrong', 'User', 'Sentinel'))
KEY, HASH, VALUE, OTHER = (f'xyzzy{word}Xyzzy' for word in ('Key', 'Hash', 'Value', 'Other'))
PORT_OF_NOBODY = 1

# A server that quotes what it was sent, as old ones do, and one that answers nonsense.
QUOTING = f'''
expect HELLO
send "-ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `default`, `{PASSWORD}`, \\r\\n"
expect AUTH
send "-ERR {PASSWORD} is not what {PASSWORD} was\\r\\n"
close
'''
QUOTING_HELLO = f'''
expect HELLO
send "-WRONGPASS {PASSWORD} of user default\\r\\n"
close
'''
NONSENSE = '\n---\n'.join(f'handshake3\nexpect SET\n{end}\n' for end in (
    f'send "!{VALUE}\\r\\n"', f'send "${VALUE}\\r\\n"', f'send "*1\\r\\n:{VALUE}\\r\\n"', f'send "{VALUE}\\r\\n"', 'close',
    f'send "$20\\r\\n{VALUE[:4]}"\nreset'))

STORY = '''
open redis://:{WRONG}@127.0.0.1:{port}
connect
call SET {KEY} {VALUE}
open redis://:{WRONG}@127.0.0.1:{port}?protocol=resp2
connect
open redis://nobody:{WRONG}@127.0.0.1:{port}
call SET {KEY} {VALUE}
open redis://127.0.0.1:{port}
call SET {KEY} {VALUE}
open redis://:{PASSWORD}@127.0.0.1:{port}?protocol=3&plugins=retry,cache,key-prefix,limit&key-prefix.prefix={OTHER}
connect
call SET {KEY} {VALUE}
call GET {KEY}
call GET {KEY}
call LPUSH {KEY} {VALUE}
pipeline SET {KEY} {VALUE} | LPUSH {KEY} {VALUE} | GET {KEY}
metrics
open unix://:{PASSWORD}@{socket}?client-name={OTHER}
connect
call SET {KEY} {VALUE}
call HSET {HASH} field {VALUE}
call LPUSH {KEY} {VALUE}
call INCRBY {KEY} {VALUE}
call SET {KEY} {VALUE} {OTHER}
call GET {KEY} {VALUE}
call NOSUCHCOMMAND {KEY} {VALUE}
call EVALSHA {VALUE}{VALUE} 1 {KEY} {OTHER}
call EVAL {VALUE} 1 {KEY}
call EVAL return~redis.error_reply('MINE~{VALUE}') 1 {KEY}
call EVAL return~redis.call('LPUSH',KEYS[1],'{VALUE}') 1 {KEY}
call AUTH {WRONG}
call AUTH nobody {WRONG}
call AUTH {WRONG} {WRONG} {WRONG}
call HELLO 3 AUTH default {WRONG}
call HELLO 3 {PASSWORD}
call CONFIG SET masterauth {PASSWORD}
call CONFIG SET requirepass {PASSWORD} {OTHER}
call CONFIG SET {OTHER} {PASSWORD}
call ACL SETUSER ann on >{USER_PASSWORD} allkeys +@all
call ACL SETUSER ann <{WRONG}
call ACL SETUSER ann {PASSWORD}
call MIGRATE 127.0.0.1 {nobody} {KEY} 0 100 AUTH {PASSWORD}
call MIGRATE 127.0.0.1 {nobody} {KEY} {PASSWORD} 100 AUTH2 ann {PASSWORD}
call SUBSCRIBE {KEY}
call MONITOR {KEY}
call CLIENT SETNAME {OTHER}~{VALUE}
call SELECT {VALUE}
pipeline SET {KEY} {VALUE} | AUTH {WRONG}
pipeline MULTI | SET {KEY} {VALUE} {OTHER} | CONFIG SET masterauth {PASSWORD} | EXEC
pipeline LPUSH {KEY} {VALUE} | MIGRATE 127.0.0.1 {nobody} {KEY} 0 100 AUTH {PASSWORD} | EVALSHA {VALUE} 0
call AUTH ann {USER_PASSWORD}
call CLIENT KILL TYPE normal SKIPME no
call GET {KEY}
lock {HASH}
record {KEY}
reader {KEY}
script return~redis.call('LPUSH',KEYS[1],'{VALUE}') {KEY}
script {VALUE}~{OTHER} {KEY}
library #!lua~name=mine~~{VALUE}
library {VALUE}
call CONFIG SET notify-keyspace-events ~
record {KEY}
metrics
open redis://127.0.0.1:{port}?plugins=password-file&password-file.path={file}
connect
open redis://127.0.0.1:{port}?plugins=password-file&password-file.path={file}-none
connect
open redis://127.0.0.1:{port}?plugins=password-file&password-file.path={bad_file}
connect
open redis://127.0.0.1:{port}?plugins=keyring&keyring.attributes=service:example
connect
open redis://127.0.0.1:{port}?plugins=cache,log&cache.max-bytes={VALUE}
open redis://:{PASSWORD}@127.0.0.1:{quoting}
connect
metrics
open redis://:{PASSWORD}@127.0.0.1:{quoting_hello}
call SET {KEY} {VALUE}
open redis://127.0.0.1:{nonsense}
call SET {KEY} {VALUE}
call SET {KEY} {VALUE}
call SET {KEY} {VALUE}
call SET {KEY} {VALUE}
call SET {KEY} {VALUE}
call SET {KEY} {VALUE}
metrics
open redis://:{PASSWORD}@127.0.0.1:{nobody}
connect
call SET {KEY} {VALUE}
open redis-sentinel://:{PASSWORD}@127.0.0.1:{nobody}/main?sentinel-password={SENTINEL_PASSWORD}
connect
call SET {KEY} {VALUE}
open redis-sentinel://:{PASSWORD}@127.0.0.1:{port}/main?sentinel-username=ann&sentinel-password={WRONG}
connect
open redis-cluster://:{PASSWORD}@127.0.0.1:{nobody}
connect
open redis-cluster://:{PASSWORD}@127.0.0.1:{port}
connect
call SET {KEY} {VALUE}
open redis-cluster://:{WRONG}@127.0.0.1:{port},127.0.0.1:{nobody}
connect
metrics
open {PASSWORD}
open redis://:{PASSWORD}/{PASSWORD}@127.0.0.1:{port}
open redis://:{PASSWORD}?{PASSWORD}@127.0.0.1:{port}
open redis://:{PASSWORD}#{PASSWORD}@127.0.0.1:{port}
open redis://:{PASSWORD}%{PASSWORD}@127.0.0.1:{port}
open redis://:{PASSWORD}%ff@127.0.0.1:{port}
open redis://:{PASSWORD}:{PASSWORD}@127.0.0.1:{PASSWORD}
open redis://:{PASSWORD}@[{PASSWORD}
open redis://:{PASSWORD}@127.0.0.1:{port}/{PASSWORD}
open redis://:{PASSWORD}@127.0.0.1:{port}?db={PASSWORD}
open redis://:{PASSWORD}@127.0.0.1:{port}?call-timeout-msec={PASSWORD}
open redis://:{PASSWORD}@127.0.0.1:{port}?password={PASSWORD}
open redis-sentinel://:{PASSWORD}@127.0.0.1:{port}?sentinel-password={PASSWORD}
open redis-sentinel://:{PASSWORD}@127.0.0.1:{port}/main?sentinel-password={PASSWORD}&{PASSWORD}
open redis-sentinel://:{PASSWORD}@127.0.0.1:{port}/main?role={PASSWORD}
open redis-cluster://:{PASSWORD}/{PASSWORD}@127.0.0.1:{port}
open redis-cluster://:{PASSWORD}@127.0.0.1:{port},{PASSWORD}:{PASSWORD}
'''
# What programs in every language must have come across, or the story shows nothing.
TOLD = ['WRONGPASS', 'WRONGTYPE', 'NOSCRIPT', ' IOERR', ' MINE', ' ERR',
        'The reply to SET', 'The connection was lost while SET', 'Invalid URI', 'HELLO', 'The end']


def encodings(word):
    """How it looks in what was encoded: as base64, from any bit on, and in hexadecimal digits."""
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + word.encode()).decode()
        yield text[-(-shift * 8 // 6):(shift + len(word)) * 8 // 6]
    yield word.encode().hex()


def find_secrets(text, word='xyzzy'):
    """The lines that have it, in letters of any case."""
    forms = [word, *(form.lower() for form in encodings(word))]
    return [line for line in text.splitlines() if any(form in line.lower() for form in forms)]


class Scene:
    """What the story needs: servers, peers, files."""

    def __init__(self, server, directory):
        self.server = server
        answer = server.command(f'CONFIG SET requirepass {PASSWORD} notify-keyspace-events KEA')
        assert answer.startswith('+OK'), answer
        self.file, self.bad_file = directory / 'password', directory / 'bad'
        self.file.write_text(f'{WRONG}\n')
        self.bad_file.write_bytes(PASSWORD.encode() + b'\0\n')
        for path in self.file, self.bad_file:
            path.chmod(0o600)
        self.path = directory / 'story'

    def tell(self, *command, **extra):
        """All that a program writes. Its peers are its own."""
        quoting, quoting_hello, nonsense = (TornadisHarness.Peer.new(script) for script in (QUOTING, QUOTING_HELLO, NONSENSE))
        story = STORY.lstrip().replace(' ', '\t').replace('~', ' ').format(
            **{name: value for name, value in globals().items() if name.isupper() and isinstance(value, str)},
            port=self.server.get_port(), socket=self.server.get_socket_path(), nobody=PORT_OF_NOBODY, file=self.file,
            bad_file=self.bad_file, quoting=quoting.get_port(), quoting_hello=quoting_hello.get_port(),
            nonsense=nonsense.get_port())
        self.path.write_text(story)
        done = self.run([*command, self.path], **extra)
        assert done.returncode == 0, f'{done.returncode}: {done.stdout}\n{done.stderr}'
        text = done.stdout + done.stderr
        for words in TOLD:
            assert words in text, f'{words} is not in {text}'
        return text

    def run(self, command, stdin='', **extra):
        environment = {**os.environ, 'G_MESSAGES_DEBUG': 'all', 'LC_ALL': 'C.UTF-8',
                       'DBUS_SESSION_BUS_ADDRESS': 'unix:path=/none', **extra}
        return subprocess.run(command, input=stdin, capture_output=True, text=True, errors='backslashreplace', env=environment,
                              timeout=90 * SLOW)


def play(server, program, *command):
    if program not in PROGRAMS:
        raise unittest.SkipTest(f'there is no {program}')
    with tempfile.TemporaryDirectory() as directory:
        text = Scene(server, pathlib.Path(directory)).tell(*command, PROGRAMS[program])
    equal(find_secrets(text), [])
    # It has been seen what there was to be seen.
    assert 'Tornadis-trace' in text and 'Tornadis-log' in text, text
    for words in 'db_client_operation_duration_seconds_count', "'commands': <":
        assert words in text, words


def test_words(server):
    """They are found however they are written."""
    for text in (f'a {KEY}', KEY.upper(), base64.b64encode(f'a{KEY}'.encode()).decode(), base64.b64encode(KEY.encode()).decode(),
                 base64.b64encode(f'ab{KEY}'.encode()).decode(), KEY.encode().hex()):
        equal(find_secrets(f'one\n{text}\ntwo'), [text])
    equal(find_secrets('eighty'), [])
    for word in PASSWORD, WRONG, USER_PASSWORD, SENTINEL_PASSWORD:
        equal(find_secrets(word, 'plugh'), [word])


def test_c(server):
    play(server, 'c')


def test_python(server):
    play(server, 'python', sys.executable, '-X', 'dev')


def test_javascript(server):
    play(server, 'javascript', PROGRAMS.get('gjs', 'gjs'), '-m')


def test_vala(server):
    play(server, 'vala')


def test_passwords_where_arguments_are_shown(server):
    with tempfile.TemporaryDirectory() as directory:
        text = Scene(server, pathlib.Path(directory)).tell(PROGRAMS['c'], STORY_ARGUMENTS='1')
    assert f'SET {KEY} {VALUE} ' in text, text
    equal(find_secrets(text, 'plugh'), [])


def test_tool(server):
    """What it prints of replies and of the server's own words is for whoever has typed the command."""
    if 'tool' not in PROGRAMS:
        raise unittest.SkipTest('there is no tool')
    seen = ['--plugin', 'log', '--plugin', 'trace:level=message', '--plugin', 'metrics']
    with tempfile.TemporaryDirectory() as directory:
        scene = Scene(server, pathlib.Path(directory))
        uri = f'redis://127.0.0.1:{server.get_port()}'
        right = f'redis://:{PASSWORD}@127.0.0.1:{server.get_port()}'
        for arguments, environment, stdin, words in (
                (['call', '--uri', right, *seen, 'SET', KEY, VALUE], {}, '', 'OK'),
                (['call', *seen, 'LPUSH', KEY, VALUE], {'TORNADIS_URI': right}, '', 'WRONGTYPE'),
                (['call', '--uri', uri, *seen, 'SET', KEY, VALUE, OTHER], {'TORNADIS_PASSWORD': PASSWORD}, '', 'syntax error'),
                (['call', '--uri', uri, *seen, 'EVALSHA', VALUE, '0'], {'TORNADIS_PASSWORD': PASSWORD}, '', 'NOSCRIPT'),
                (['call', '--uri', uri, *seen, 'PING'], {'TORNADIS_PASSWORD': WRONG}, '', 'WRONGPASS'),
                (['call', '--uri', uri, '--pass', WRONG, *seen, 'SET', KEY, VALUE], {}, '', 'WRONGPASS'),
                (['call', '--uri', uri, *seen, 'SET', KEY, VALUE], {}, '', 'NOAUTH'),
                (['call', '--uri', right, '--pasword', WRONG, 'PING'], {}, '', 'pasword'),
                (['call', '--uri', right, f'--pasword={WRONG}', 'PING'], {}, '', 'pasword'),
                (['call', '--uri', f'redis://:{PASSWORD}/{PASSWORD}@h', 'PING'], {}, '', 'Invalid URI'),
                (['call', '--uri', f'redis://:{PASSWORD}?{PASSWORD}@h', 'PING'], {}, '', 'Invalid URI'),
                (['call', 'PING'], {'TORNADIS_URI': f'redis://:{PASSWORD}@{PASSWORD}:{PASSWORD}'}, '', 'Invalid URI'),
                (['call', '--uri', f'redis://:{PASSWORD}@127.0.0.1:{PORT_OF_NOBODY}', *seen, 'PING'], {}, '', 'refused'),
                (['call', '--uri', f'redis-sentinel://:{PASSWORD}@127.0.0.1:{PORT_OF_NOBODY}/main?sentinel-password={PASSWORD}',
                  'PING'], {}, '', 'refused'),
                (['call', '--uri', f'redis-cluster://:{WRONG}@127.0.0.1:{server.get_port()}', 'PING'], {}, '', 'WRONGPASS'),
                (['call', '--uri', uri, '--plugin', f'password-file:path={scene.file}', 'PING'], {}, '', 'WRONGPASS'),
                (['call', '--uri', uri, '--plugin', f'password-file:path={scene.bad_file}', 'PING'], {}, '', 'not a password'),
                (['call', '--uri', uri, '--plugin', f'log:{PASSWORD}', 'PING'], {}, '', 'log'),
                (['call', '--uri', uri, '--plugin', f'password-file:frob={PASSWORD}', 'PING'], {}, '', 'frob'),
                (['pipe', '--uri', right, *seen], {}, f'SET {KEY} {VALUE}\nLPUSH {KEY} {VALUE}\nSET "{KEY} {VALUE}\n', 'line 3')):
            done = scene.run([PROGRAMS['tool'], *arguments], stdin, **environment)
            text = done.stdout + done.stderr
            assert words in text, f'{arguments}: {words} is not in {text}'
            equal(find_secrets(text), [])


main(sys.modules[__name__])
