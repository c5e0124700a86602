# SPDX-License-Identifier: LGPL-2.1-or-later
"""tornadis alone on a terminal: the prompt, typed at through a pseudo terminal."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios

from tap import count_blocked, equal, main
from tool import TOOL, environment, good, read_terminal, run, wait_for

from gi.repository import TornadisHarness

PLAIN = os.environ['TORNADIS_TOOL_PLAIN']
HAS_READLINE = os.environ['TORNADIS_TOOL_READLINE'] == '1'
CTRL_C, CTRL_D, CTRL_U, CTRL_Z, REDRAW, UP, TAB, ENTER = b'\x03', b'\x04', b'\x15', b'\x1a', b'\x0c', b'\x1b[A', b'\t', b'\r'
DIM, RED, END = b'\x1b[2m', b'\x1b[31m', b'\x1b[0m'


def tcp_uri(server, rest=''):
    return f'redis://127.0.0.1:{server.get_port()}{rest}'


class Prompt:
    """A prompt on a terminal of its own, of 120 columns."""

    def __init__(self, uri, *args, tool=TOOL, state=None, **extra):
        self.directory = tempfile.TemporaryDirectory()
        self.state = state or self.directory.name
        self.shown = b''
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 120, 0, 0))
        values = {'TERM': 'xterm', 'XDG_STATE_HOME': self.state, 'TORNADIS_URI': uri, 'INPUTRC': '/dev/null', **extra}
        self.process = subprocess.Popen([tool, *args], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
                                        env=environment(None, **values))
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        self.directory.cleanup()

    def type(self, *texts):
        for text in texts:
            rest = text if isinstance(text, bytes) else text.encode()
            # Less is written where the test is stopped meanwhile.
            while rest:
                rest = rest[os.write(self.master, rest):]

    def see(self, pattern):
        """What is shown up to the next match, which is passed by."""
        pattern = pattern if isinstance(pattern, bytes) else pattern.encode()
        found = None

        def is_there():
            nonlocal found
            try:
                self.shown += read_terminal(self.master)
            except OSError:
                pass
            found = re.search(pattern, self.shown)
            return found

        try:
            wait_for(is_there, pattern)
        except AssertionError as error:
            raise AssertionError(f'{error}; shown is {self.shown!r}') from None
        before, self.shown = self.shown[:found.end()], self.shown[found.end():]
        return before

    def prompt(self, state=b''):
        """Waits until a line can be typed."""
        return self.see(br'127\.0\.0\.1:[0-9]+' + re.escape(state) + b'> ')

    def call(self, line, state=b''):
        """What a line shows, up to the next prompt."""
        self.type(line, ENTER if HAS_READLINE and self.process.args[0] != PLAIN else b'\n')
        self.see(b'\r?\n')
        shown = self.prompt(state)
        # The terminal is told what may be pasted.
        shown = re.sub(b'\x1b\\[\\?2004.|\r', b'', shown)
        return shown[:shown.rfind(b'\n') + 1].decode()

    def settle(self):
        """Waits until all that was typed has its reply."""
        self.type('echo settled', ENTER)
        self.see('"settled"\r\n')
        self.prompt()

    def hint(self, pattern):
        """What is in dim behind the cursor."""
        return re.search(re.escape(DIM) + b'(.*?)' + re.escape(END), self.see(re.escape(DIM + pattern) + b'.*?' + re.escape(END)))[1]

    def file(self):
        with open(f'{self.state}/tornadis/history', encoding='utf-8') as file:
            return file.read().splitlines()


def open_prompt(server, *args, **options):
    prompt = Prompt(tcp_uri(server), *args, **options)
    prompt.prompt()
    return prompt


def test_replies(server):
    """As on a terminal, errors in red, and a number in front repeats."""
    with open_prompt(server) as prompt:
        equal(prompt.call('set "a b" \'x y\''), 'OK\n')
        equal(prompt.call('get "a b"'), '"x y"\n')
        equal(prompt.call('get nothing'), '(nil)\n')
        equal(prompt.call('3 incr n'), '(integer) 1\n(integer) 2\n(integer) 3\n')
        equal(prompt.call('rpush l a b'), '(integer) 2\n')
        equal(prompt.call('lrange l 0 -1'), '1) "a"\n2) "b"\n')
        equal(prompt.call('incr l').encode(),
              RED + b'(error) WRONGTYPE Operation against a key holding the wrong kind of value' + END + b'\n')
        nested = 'eval "return {1, {redis.error_reply(\'E x\')}}" 0'
        equal(prompt.call(nested).encode(), b'1) (integer) 1\n' + RED + b'2) 1) (error) E x' + END + b'\n')
        equal(prompt.call(''), '')
        equal(prompt.call('# a comment'), '')
        assert 'a quote is not closed' in prompt.call('get "a')
        assert prompt.call('info server').startswith('# Server\nredis_version:')
        equal(prompt.call(':json'), '')
        equal(prompt.call('lrange l 0 -1'), '["a", "b"]\n')
        # How long it took is for people.
        equal(prompt.call('blpop nothing 1'), 'null\n')
        equal(prompt.call(':csv'), '')
        equal(prompt.call('lrange l 0 -1'), '"a","b"\n')
        equal(prompt.call(':quoted'), '')
        equal(prompt.call('llen l'), '(integer) 2\n')
        assert re.fullmatch('\\(nil\\)\n\\([1-9][0-9.]*s\\)\n', prompt.call('blpop nothing 1'))
    with Prompt(tcp_uri(server), '--json', '-n', '3') as prompt:
        prompt.prompt(b'[3]')
        equal(prompt.call('get nothing', b'[3]'), 'null\n')


def test_control_characters(server):
    """None that a server sends reaches the terminal."""
    with open_prompt(server) as prompt:
        equal(prompt.call(r'set k "\x1b[31m\x9b\xc2\x9b\x07"'), 'OK\n')
        equal(prompt.call('get k'), r'"\x1b[31m\x9b\xc2\x9b\a"' + '\n')
        raw = r'''eval "return redis.status_reply('a\\27[5m\\194\\155\\8\\255')" 0'''
        equal(prompt.call(raw), r'a\x1b[5m\xc2\x9b\x08' + '\ufffd\n')
        error = r'''eval "return redis.error_reply('E a\\27[5m')" 0'''
        equal(prompt.call(error).encode(), RED + rb'(error) E a\x1b[5m' + END + b'\n')
        equal(prompt.call('subscribe news'), 'Subscribed to 1 channel; messages appear above\n')
        server.command(r'PUBLISH news "\x1b[2J\xff\r\n"')
        prompt.see(re.escape(rb'\x1b[2J\xff\r\n'))
        prompt.prompt()
        equal(prompt.call(':json'), '')
        equal(prompt.call(r'set k "\xc2\x9b\x7f"'), '"OK"\n')
        equal(prompt.call('get k'), r'"\u009b\u007f"' + '\n')


def test_leave(server):
    for leave in CTRL_D, b'quit\r', b'exit\r', b'QUIT\r':
        with open_prompt(server) as prompt:
            prompt.type(leave)
            equal(prompt.process.wait(60), 0)


def test_cancel(server):
    """Ctrl+C ends a call, or a line, and not the prompt."""
    with open_prompt(server) as prompt:
        prompt.type('blpop nothing 0', ENTER)
        wait_for(lambda: count_blocked(server) == 1, 'the call')
        prompt.type(CTRL_C)
        prompt.see(b'Cancelled')
        prompt.prompt()
        wait_for(lambda: count_blocked(server) == 0, 'its end')
        prompt.type('set k 1')
        prompt.see(b'set k 1')
        prompt.type(CTRL_C)
        prompt.see(b'\\^C')
        prompt.prompt()
        equal(prompt.call('exists k'), '(integer) 0\n')
        # The connection goes with it.
        prompt.call('watch k')
        prompt.type('blpop nothing 0', ENTER)
        wait_for(lambda: count_blocked(server) == 1, 'the call')
        prompt.type(CTRL_C)
        prompt.see('Connected again; nothing is watched any more')
        prompt.prompt()
        # Those behind it are not called.
        prompt.type('1000 blpop nothing 0', ENTER)
        wait_for(lambda: count_blocked(server) == 1, 'the call')
        prompt.type(CTRL_C)
        prompt.see(b'Cancelled')
        prompt.prompt()
        # Nobody reads the terminal until then.
        prompt.type('eval "local t = {} for i = 1, 200000 do t[i] = i end return t" 0', ENTER)
        # As much as a terminal holds, and no more, though it is written as fast as it is read.
        while b' 10) (integer) 10\r\n' not in prompt.shown:
            prompt.shown += os.read(prompt.master, 64)
        prompt.type(CTRL_C)
        assert b'200000) ' not in prompt.see('Cancelled')
        prompt.prompt()
        equal(prompt.call('ping'), 'PONG\n')


def test_state(server):
    with open_prompt(server) as prompt:
        equal(prompt.call('select 2', b'[2]'), 'OK\n')
        equal(prompt.call('watch k', b'[2]'), 'OK\n')
        equal(prompt.call('multi', b'[2](TX)'), 'OK\n')
        equal(prompt.call('set k v', b'[2](TX)'), 'QUEUED\n')
        equal(prompt.call('select 0', b'[2](TX)'), 'QUEUED\n')
        equal(prompt.call('exec'), '1) OK\n2) OK\n')
        equal(prompt.call('multi', b'(TX)'), 'OK\n')
        assert 'EXECABORT' in prompt.call('exec x')
        prompt.call('multi', b'(TX)')
        equal(prompt.call('discard'), 'OK\n')


def test_reconnect(server):
    """The database stays, what was watched and the transaction do not, and the line that is typed is not disturbed."""
    with open_prompt(server) as prompt:
        prompt.call('select 2', b'[2]')
        prompt.call('watch k', b'[2]')
        prompt.call('multi', b'[2](TX)')
        prompt.call('set k v', b'[2](TX)')
        prompt.type('set half')
        prompt.see('set half')
        server.kill()
        prompt.see('not connected> set half')
        server.restart()
        prompt.see('Connected again; the transaction is gone; nothing is watched any more')
        prompt.see(re.escape('[2]> set half'))
        equal(prompt.call('-way there', b'[2]'), 'OK\n')
        equal(prompt.call('get half-way', b'[2]'), '"there"\n')
        assert 'EXEC without MULTI' in prompt.call('exec', b'[2]')


def kill_links(server):
    """The server ends all connections, as it does with those that are idle, and waits until that of the prompt is back."""
    def find():
        return re.findall(' ?id=([0-9]+) .* name=me ', server.command('CLIENT LIST TYPE normal'))

    before = find()
    assert before
    server.command('CLIENT KILL TYPE normal')
    wait_for(lambda: find() not in ([], before), 'the next connection')


def test_idle_connection(server):
    """One that the server ends while nobody uses it is made again without a word, unless something ends with it."""
    with open_prompt(server) as prompt:
        equal(prompt.call('client setname me'), 'OK\n')
        prompt.type('set k ')
        prompt.see('set k ')
        for _ in range(5):
            kill_links(server)
        prompt.type('v', ENTER)
        equal(re.sub(rb'\x1b\[[^a-zA-Z]*[a-zA-Z]|\r', b'', prompt.prompt()).split(b'\n')[1:-1], [b'OK'])
        equal(prompt.call('watch k'), 'OK\n')
        kill_links(server)
        prompt.see('Connected again; nothing is watched any more')
        prompt.prompt()
        equal(prompt.call('multi', b'(TX)'), 'OK\n')
        kill_links(server)
        prompt.see('Connected again; the transaction is gone')
        prompt.prompt()
        assert 'EXEC without MULTI' in prompt.call('exec')
        # Channels have a connection of their own.
        prompt.call('subscribe news')
        server.command('CLIENT KILL TYPE pubsub')
        assert b'No messages' not in prompt.see('Subscribed again; messages may be missing')


def test_tracking(server):
    """Keys that the server says have changed are shown, and that it does not say so any more, too."""
    with open_prompt(server) as prompt:
        equal(prompt.call('client tracking on bcast'), 'OK\n')
        prompt.type('set half')
        prompt.see('set half')
        server.command(r'SET "a b\x1b" 1')
        prompt.see(re.escape(rb'[invalidate]' + END + rb' a b\x1b' + b'\r\n'))
        prompt.see('127[^\r\n]*> set half')
        server.command('FLUSHALL')
        prompt.see(re.escape(b'[invalidate]' + END + b' (all keys)\r\n'))
        prompt.type(CTRL_C)
        prompt.see('\\^C')
        prompt.prompt()
        for chosen, one, every in ((':json', '{"invalidate": ["k"]}', '{"invalidate": null}'), (':csv', '"invalidate","k"', '"invalidate",NULL')):
            equal(prompt.call(chosen), '')
            server.command('SET k 1')
            prompt.see(re.escape(one + '\r\n'))
            server.command('FLUSHALL')
            prompt.see(re.escape(every + '\r\n'))
            prompt.prompt()
        prompt.call(':quoted')
        server.command('CLIENT KILL TYPE normal')
        prompt.see('Connected again; no keys are tracked any more')
        prompt.prompt()
        # Neither when it is refused, nor when it was ended, nor in a transaction that did not run.
        for lines in (('client tracking on frob',), ('client tracking on', 'client tracking off'),
                      ('multi', 'client tracking on', 'discard')):
            for line in lines:
                prompt.type(line, ENTER)
                prompt.see('> ')
            prompt.settle()
            shown = prompt.call('hello 3')
            assert 'Connected anew' in shown and 'tracked' not in shown, (lines, shown)
        for line in 'multi', 'client tracking on', 'exec':
            prompt.type(line, ENTER)
            prompt.see('> ')
        prompt.settle()
        assert 'Reset; RESP3; user default; database 0; no keys are tracked any more' in prompt.call('reset')


def test_at_once(server):
    """A command does not wait for the time of the next attempt to connect, which is seconds away after a few of them."""
    with open_prompt(server) as prompt:
        prompt.call('watch k')
        server.kill()
        prompt.see('not connected> ')
        # First it is said that this is not as it was meant.
        prompt.type('ping', ENTER)
        prompt.see('PING was not sent')
        prompt.see('not connected> ')
        for _ in range(100):
            prompt.type('ping', ENTER)
            prompt.see('Could not connect')
            prompt.see('not connected> ')
        server.restart()
        prompt.type('ping', ENTER)
        prompt.see('PONG\r\n')


def runs_command(prompt):
    """While a command runs the terminal is as it was."""
    return termios.tcgetattr(prompt.master)[3] & termios.ICANON != 0


def test_server_that_hangs(server):
    """It is said what is waited for; Ctrl+C gives it up, and Ctrl+D leaves."""
    with open_prompt(server) as prompt:
        prompt.type('blpop nothing 0', ENTER)
        wait_for(lambda: count_blocked(server) == 1, 'the call')
        server.pause()
        prompt.type(CTRL_C)
        prompt.see('Cancelled')
        prompt.prompt()
        prompt.type('get k', ENTER)
        prompt.see('Connecting to 127.0.0.1:[0-9]+…')
        prompt.type(CTRL_C)
        prompt.see('Cancelled')
        prompt.see('not connected> ')
        with Prompt(tcp_uri(server)) as other:
            other.see('Connecting to 127.0.0.1:[0-9]+…')
            other.see('not connected> ')
            other.type(CTRL_C)
            other.see('not connected> ')
            other.type('get k', ENTER)
            wait_for(lambda: runs_command(other), 'the call')
            other.type(CTRL_C)
            other.see('Cancelled')
            other.see('not connected> ')
            other.type(CTRL_D)
            equal(other.process.wait(60), 0)
        server.resume()
        prompt.see('Connected again')
        prompt.prompt()
        equal(prompt.call('ping'), 'PONG\n')


def test_given_up(server):
    """What was given up may run all the same: where that would change what later commands mean, it is not waited for."""
    with open_prompt(server) as prompt:
        for command in ('select 5', 'multi', 'watch k'):
            server.pause()
            prompt.type(command, ENTER)
            wait_for(lambda: runs_command(prompt), 'the call')
            prompt.type(CTRL_C)
            prompt.see('Cancelled')
            server.resume()
            prompt.see('Connected again')
            prompt.prompt()
            equal(prompt.call('set given-up 1'), 'OK\n')
            equal(server.command('GET given-up'), '$1\r\n1\r\n')
            server.command('DEL given-up')
        equal(prompt.call('multi', b'(TX)'), 'OK\n')
        server.pause()
        prompt.type('incr given-up', ENTER)
        wait_for(lambda: runs_command(prompt), 'the call')
        prompt.type(CTRL_C)
        prompt.see('Cancelled')
        server.resume()
        prompt.see('Connected again; the transaction')
        prompt.prompt()
        equal(prompt.call('get given-up'), '(nil)\n')


def test_names_and_users(server):
    with open_prompt(server) as prompt:
        prompt.type('hello 3 setname "a b"', ENTER)
        shown = prompt.see('The name of a client')
        assert b'WARNING' not in shown and b'Connected' not in shown, shown
        prompt.prompt()
        equal(prompt.call('multi', b'(TX)'), 'OK\n')
        prompt.type('auth bob secret', ENTER)
        shown = prompt.see('\\(TX\\)> ')
        assert b'cluster' not in shown, shown


def test_shutdown(server):
    """The server is gone because it was told to."""
    with open_prompt(server) as prompt:
        prompt.type('shutdown nosave', ENTER)
        shown = prompt.see('not connected> ')
        assert b'The server has shut down' in shown and b'lost' not in shown and b'closed' not in shown, shown
        server.restart()
        shown = prompt.see('Connected again')
        assert b'Could not' not in shown, shown
        prompt.prompt()
        assert 'No shutdown in progress' in prompt.call('shutdown abort')
        prompt.type(CTRL_D)
        equal(prompt.process.wait(60), 0)


def test_not_there(server):
    """It waits for a server, and says so once."""
    port = server.get_port()
    server.kill()
    with Prompt(f'redis://127.0.0.1:{port}') as prompt:
        shown = prompt.see('not connected> ')
        assert b'Could not connect' in shown and b'trying again' in shown, shown
        server.restart()
        shown = prompt.prompt()
        assert b'Could not connect' not in shown, shown
        equal(prompt.call('ping'), 'PONG\n')


def test_messages(server):
    """They come above the line, which stays."""
    with open_prompt(server) as prompt:
        equal(prompt.call('subscribe news "b c"'), 'Subscribed to 2 channels; messages appear above\n')
        equal(prompt.call('psubscribe n*'), 'Subscribed to 1 pattern; 3 subscriptions in all; messages appear above\n')
        equal(prompt.call('ssubscribe shard shard'), 'Subscribed to 1 shard channel; 4 subscriptions in all; messages appear above\n')
        equal(prompt.call('subscribe news'), 'Subscribed already; 4 subscriptions in all\n')
        assert 'Which channel?' in prompt.call('subscribe')
        prompt.type('set half')
        prompt.see('set half')
        server.command('PUBLISH news "hello world"')
        prompt.see(re.escape('[news]' + END.decode() + ' hello world\r\n'))
        prompt.see(re.escape('[news ← n*]' + END.decode() + ' hello world\r\n'))
        prompt.see('127[^\r\n]*> set half')
        server.command('SPUBLISH shard x')
        prompt.see(re.escape('[shard]' + END.decode() + ' x\r\n'))
        prompt.see('127[^\r\n]*> set half')
        equal(prompt.call('-way there'), 'OK\n')
        assert 'not part of the transaction' in (prompt.call('multi', b'(TX)') and prompt.call('subscribe x', b'(TX)'))
        prompt.call('discard')
        server.kill()
        prompt.see('not connected> ')
        server.restart()
        for _ in range(2):
            prompt.see('messages may be missing|Connected again')
        server.command('PUBLISH news again')
        prompt.see('again\r\n')
        prompt.type(CTRL_C)
        prompt.see('\\^C')
        prompt.prompt()
        equal(prompt.call('unsubscribe news other'), 'Unsubscribed from 1 channel; 3 subscriptions left\n')
        equal(prompt.call('unsubscribe news'), 'Unsubscribed from 0 channels; 3 subscriptions left\n')
        equal(prompt.call('unsubscribe'), 'Unsubscribed from 1 channel; 2 subscriptions left\n')
        equal(prompt.call('punsubscribe'), 'Unsubscribed from 1 pattern; 1 subscription left\n')
        equal(prompt.call('sunsubscribe'), 'Unsubscribed from 1 shard channel; none is left\n')
        wait_for(lambda: 'id=' not in server.command('CLIENT LIST TYPE pubsub'), 'its end')
        equal(prompt.call('unsubscribe'), 'There is no subscription\n')


def test_formats(server):
    """Messages and errors are shown as replies are."""
    with open_prompt(server) as prompt:
        prompt.call('psubscribe n*')
        for chosen, message, error in ((':json', '{"channel": "news", "pattern": "n*", "payload": "a \\"b\\""}',
                                        '{"error": "ERR unknown command'),
                                       (':csv', '"news","a ""b"""', 'ERROR,"ERR unknown command'),
                                       (':quoted', '[news ← n*]' + END.decode() + ' a "b"', RED.decode() + '(error) ERR unknown')):
            equal(prompt.call(chosen), '')
            server.command(r'PUBLISH news "a \"b\""')
            prompt.see(re.escape(message + '\r\n'))
            prompt.prompt()
            shown = prompt.call('frob')
            assert shown.startswith(error), shown
    with open_prompt(server, '--json') as prompt:
        equal(prompt.call('reset x'), '{"error": "RESET has no arguments here"}\n')
        prompt.call('subscribe news')
        server.command('PUBLISH news 1')
        prompt.see(re.escape('{"channel": "news", "payload": "1"}\r\n'))


def test_ascii(server):
    """Where a terminal has no other characters the prompt's own words have none."""
    with open_prompt(server, LC_ALL='C') as prompt:
        prompt.call('psubscribe n*')
        server.command('PUBLISH news hello')
        prompt.see(re.escape('[news <- n*]'))
        prompt.prompt()
        assert '"tornadis monitor"' in prompt.call('monitor')


def test_many_messages(server):
    """A flood hides no key that is typed, and all come in order."""
    with open_prompt(server) as prompt:
        prompt.call('subscribe news')
        server.command('EVAL "for i = 1, 20000 do redis.call(\'PUBLISH\', \'news\', i) end return 1" 0')
        prompt.type('set k typed', ENTER)
        numbers = re.findall(rb'\] (?:\x1b\[0m )?([0-9]+)\r\n|' + re.escape(b'[news]' + END) + rb' ([0-9]+)\r\n',
                             prompt.see(re.escape(b'[news]' + END + b' 20000\r\n')))
        equal([int(first or second) for first, second in numbers], list(range(1, 20001)))
        wait_for(lambda: server.command('GET k').endswith('typed\r\n'), 'what was typed')


def test_completion(server):
    for key in '"my key 1"', '"my key 2"', r'"bin\xff\x00\""', '"grün"', 'star*', 'starry', 'sta', '"it\'s"', r'"back\\"':
        server.command(f'SET {key} x')
    with open_prompt(server) as prompt:
        prompt.type('get')
        prompt.hint(b' key')
        for typed, completed in (
                ('confi', 'config '), ('CONF', 'CONFIG '), ('CONFIG g', 'CONFIG get '), ('CONFIG RES', 'CONFIG RESETSTAT '),
                ('help zinterc', 'help zintercard '), ('help @hyp', 'help @hyperloglog '), ('help config res', 'help config resetstat '),
                ('get bi', r'get "bin\xff\x00\"" '), ('get gr', 'get grün '), ("get 'my key 2", "get 'my key 2' "), ("get 'bi", r'get "bin\xff\x00\"" '), ("get 'it", r"get 'it\'s' "),
                ('get "it', 'get "it\'s" '), ('get it', 'get "it\'s" '), ("get 'back", r'get "back\\" '), ("get 'gr", "get 'grün' "),
                ('Conf', 'Config '), ('cONF', 'cONFIG '), ('Config RES', 'Config RESETSTAT '), ('Config rESets', 'Config rESetstat '),
                (':js', ':json '), ('HELP ZInterc', 'HELP ZIntercard '), ('Connec', 'Connect '),
                
                ('get my', 'get "my key '), ('get star\\*', None), ('get "star*', 'get "star*" '), ('mget k starr', 'mget k starry '),
                ('3 get starr', '3 get starry '), ('eval x 1 starr', 'eval x 1 starry '), ('eval x 0 starr', None),
                ('xread streams starr', 'xread streams starry '), ('set k starr', None), ('frob starr', None),
                ('get "x"starr', None)):
            prompt.type(CTRL_U, typed, TAB)
            if completed is None:
                prompt.see(b'\x07')
            else:
                # Drawn anew it is whole.
                prompt.type(REDRAW)
                prompt.see(re.escape(b'\x1b[2J') + b'.*> ' + re.escape(completed.encode()) + b'(?! )')
        prompt.type(CTRL_U, 'get "my key ', TAB, TAB)
        shown = prompt.see('"my key 2" *\r\n')
        assert b'"my key 1"  "my key 2"' in shown, shown
        for typed, shown in (('config ', b'get +help +resetstat'), ('CONFIG ', b'GET +HELP +RESETSTAT')):
            prompt.type(CTRL_U, typed, TAB, TAB)
            prompt.see(shown)
        # A quote that is open stays: what follows may have blanks.
        server.command('SET my x')
        for mark in "'", '"':
            prompt.type(CTRL_U, f'get {mark}m', TAB, REDRAW)
            prompt.see(re.escape(b'\x1b[2J') + f'.*> get {mark}my(?! )'.encode())
        prompt.type(' key 1"', ENTER)
        prompt.see('"x"\r\n')
        prompt.prompt()
        equal(prompt.call(CTRL_U + b'multi', b'(TX)'), 'OK\n')
        prompt.type('get starr', TAB)
        prompt.see('y ')
        # Its connection is that of the user's database.
        prompt.call(CTRL_U + b'discard')
        prompt.call('select 1', b'[1]')
        prompt.call('set second x', b'[1]')
        prompt.type('get s', TAB)
        prompt.see('econd ')


def test_completion_in_time(server):
    """A server that does not answer does not hold up the terminal."""
    with open_prompt(server) as prompt:
        prompt.type('get')
        prompt.hint(b' key')
        server.pause()
        prompt.type(' k', TAB)
        prompt.see(b'\x07')
        prompt.type('ey')
        prompt.see('y')
        server.resume()
        equal(prompt.call(''), '(nil)\n')


def test_select_at_once(server):
    """What the server was asked about its commands is asked again on the connection that SELECT makes."""
    server.pause()
    with Prompt(tcp_uri(server)) as prompt:
        prompt.type('select 3', ENTER)
        server.resume()
        prompt.see(br'\[3\]> ')
        prompt.type('get')
        prompt.hint(b' key')


def test_hints(server):
    with open_prompt(server) as prompt:
        prompt.type('set')
        prompt.hint(b' key value [NX|XX')
        prompt.type(' k')
        prompt.hint(b' value [')
        prompt.type(' v ex')
        prompt.hint(b' seconds [NX|XX')
        prompt.type(' 3 nx')
        equal(prompt.hint(b' [GET]'), b' [GET]')
        # It is gone when the line is typed.
        prompt.type(ENTER)
        prompt.prompt()
        prompt.type('zadd z 1')
        prompt.hint(b' member [score member ...]')
        prompt.type(CTRL_U, 'client kill id')
        prompt.hint(b' client-id')
        prompt.type(CTRL_U, '3 lpush l')
        prompt.hint(b' element [element ...]')
        prompt.type(CTRL_U, 'del k')
        equal(prompt.hint(b' [key'), b' [key ...]')
        prompt.type(ENTER)
        equal(prompt.see(b'\r\n'), b'\x1b[10D\x1b[K\r\n')
    with open_prompt(server, NO_COLOR='1') as prompt:
        prompt.type('set')
        prompt.hint(b' key value [')
        assert '\x1b[31m' not in prompt.call(CTRL_U + b'incr')
    with open_prompt(server, TERM='dumb') as prompt:
        assert '\x1b' not in prompt.call('set k v') + prompt.call('incr k')


def test_help(server):
    with open_prompt(server) as prompt:
        prompt.type('get')
        prompt.hint(b' key')
        shown = re.fullmatch('GET key\n  summary: .+\n  since: 1.0.0\n  complexity: O\\(1\\)\n  group: string\n',
                             prompt.call(CTRL_U + b'help get'))
        assert shown, shown
        assert prompt.call('help client kill').startswith('CLIENT KILL ')
        assert 'no such command' in prompt.call('help frob')
        shown = prompt.call('help client')
        assert shown.startswith('CLIENT\n  summary: ') and re.search('\nCLIENT PAUSE timeout .*\n  [A-Z].+\n', shown), shown
        names = re.findall('^([A-Z]+) .*\n  summary: .+\n  since: [0-9.]+$', prompt.call('help @string'), re.MULTILINE)
        assert names[0] == 'APPEND' and {'GET', 'SET', 'STRLEN'} <= set(names) and 'LPUSH' not in names, names
        assert re.search('^CONFIG SET ', prompt.call('help @SERVER'), re.MULTILINE)
        assert 'no such group' in prompt.call('help @frob')
        assert 'connect HOST PORT' in prompt.call('help')
        # The prompt's own words.
        for word, text in (('connect', 'Goes to another server'), (':json', 'as JSON'), ('quit', 'Leaves the prompt'), ('HELP', '@string'),
                           ('?', '@string'), (':quoted', 'as at first'), (':csv', 'as CSV'), ('clear', 'the terminal'), ('exit', 'Leaves')):
            assert text in prompt.call(f'help {word}'), word
        for line in ':frob', ':JSONx 1', ':':
            equal(prompt.call(line).encode(), RED + f'There is no {line.split()[0]}; there are :json, :csv, :quoted'.encode() + END + b'\n')
        # They did not reach the server.
        assert 'errorstat_' not in server.command('INFO errorstats')


def test_history(server):
    with tempfile.TemporaryDirectory() as state:
        with open_prompt(server, state=state) as prompt, open_prompt(server, state=state) as other:
            for line in ('set k 1', 'auth secret', 'AUTH user secret', 'acl setuser x >secret',
                         'config set requirepass secret frob x', 'CONFIG SET maxmemory 0 masterauth secret',
                         'migrate h 1 k 0 1 auth secret', 'migrate h 1 k 0 1 AUTH2 user secret',
                         'sentinel set main auth-pass secret', '2 auth secret', ' get secret', 'auth "secret'):
                prompt.call(line)
            prompt.type('hello 3 auth user secret', ENTER)
            prompt.see('WRONGPASS')
            prompt.prompt()
            other.call('get other')
            equal(prompt.call('get k'), '"1"\n')
            equal(prompt.file(), ['set k 1', 'get other', 'get k'])
            equal(os.stat(f'{state}/tornadis/history').st_mode & 0o777, 0o600)
            prompt.type(UP, UP, REDRAW)
            prompt.see('> set k 1')
        with open_prompt(server, state=state) as prompt:
            prompt.type(UP, UP, REDRAW)
            prompt.see('> get other')

        # It is cut when it has become long, and is for nobody else.
        path = f'{state}/tornadis/history'
        with open(path, 'w', encoding='utf-8') as file:
            file.writelines(f'get {i}\n' for i in range(2001))
        os.chmod(path, 0o644)
        with open_prompt(server, state=state) as prompt:
            equal(prompt.file(), [f'get {i}' for i in range(1001, 2001)])
            prompt.call('get last')
            equal(prompt.file()[-1], 'get last')
            equal(os.stat(path).st_mode & 0o777, 0o600)
            equal(os.listdir(f'{state}/tornadis'), ['history'])


def test_history_that_cannot_be_kept(server):
    with tempfile.NamedTemporaryFile() as state:
        with Prompt(tcp_uri(server), state=state.name) as prompt:
            prompt.see('The history is not kept: ')
            prompt.prompt()
            equal(prompt.call('ping'), 'PONG\n')


def test_paste(server):
    """Several lines at once are called one after the other; a line may be long."""
    with open_prompt(server) as prompt:
        prompt.type('\x1b[200~set a 1\nset b "x\ny"\r\n# don\'t\nget b\x1b[201~', ENTER)
        prompt.see(re.escape('OK\r\nOK\r\n"x\\ny"\r\n'))
        prompt.prompt()
        prompt.type('set c 3\rset d 4\r')
        prompt.see('OK\r\n')
        prompt.see('OK\r\n')
        prompt.prompt()
        equal(prompt.call('mget a c d'), '1) "1"\n2) "3"\n3) "4"\n')
        prompt.type('\x1b[200~set long ' + 'x' * 100000 + '\x1b[201~', ENTER)
        prompt.see('OK\r\n')
        prompt.prompt()
        equal(prompt.call('strlen long'), '(integer) 100000\n')


def test_own_ways(server):
    """What the client does in another way, and what it does not do."""
    with open_prompt(server) as prompt:
        for line, text in (('monitor', 'tornadis monitor'), ('client reply off', 'without replies'),
                           ('sync', 'replication is not supported'), ('hello', 'HELLO 2|3')):
            assert text in prompt.call(line), line
        equal(prompt.call('watch k'), 'OK\n')
        shown = prompt.call('hello 2 setname me')
        assert 'Connected anew; RESP2; user default; database 0; nothing is watched any more' in shown, shown
        equal(prompt.call('client getname'), '"me"\n')
        equal(prompt.call('hgetall h'), '(empty array)\n')
        # One that is refused leaves all as it was.
        equal(prompt.call('watch k'), 'OK\n')
        before = prompt.call('client id')
        for line in 'hello 3 auth nobody wrong', 'hello 2 auth nobody wrong':
            shown = prompt.call(line)
            assert '(error) WRONGPASS' in shown and 'onnect' not in shown and shown.count('\n') == 1, shown
        equal(prompt.call('client id'), before)
        equal(prompt.call('hgetall h'), '(empty array)\n')
        prompt.call('unwatch')
        prompt.call('select 1', b'[1]')
        prompt.call('multi', b'[1](TX)')
        assert 'EXEC or DISCARD first' in prompt.call('hello 3', b'[1](TX)')
        equal(prompt.call('exec', b'[1]'), '(empty array)\n')
        assert 'Connected anew; RESP3; user default; database 1' in prompt.call('hello 3', b'[1]')
        prompt.call('subscribe news', b'[1]')
        prompt.call('multi', b'[1](TX)')
        shown = prompt.call('reset')
        assert 'Reset; RESP3; user default; database 0; the transaction is gone; 1 subscription has ended' in shown, shown
        assert 'no arguments here' in prompt.call('reset x')
        equal(prompt.call('unsubscribe'), 'There is no subscription\n')
        equal(prompt.call('hgetall h'), '(empty hash)\n')
        other = TornadisHarness.Redis.new(None)
        other.command('SET where there')
        prompt.call(f'connect 127.0.0.1 {other.get_port()}')
        equal(prompt.call('get where'), '"there"\n')
        prompt.call(f'connect {tcp_uri(server, "/1")}', b'[1]')
        equal(prompt.call('get where', b'[1]'), '(nil)\n')
        assert 'connect HOST PORT' in prompt.call('connect', b'[1]')
        for port in '99999', '0', '-1', 'x', '"6379 "':
            assert f'{port.strip(chr(34))} is no port: that is a number from 1 to 65535' in prompt.call(f'connect 127.0.0.1 {port}', b'[1]')
        assert 'valkey+unix' in prompt.call('connect http://x', b'[1]')
        prompt.type('clear', ENTER)
        prompt.see(re.escape('\x1b[H\x1b[2J'))


def test_login(server):
    guarded = TornadisHarness.Redis.new(['--requirepass', 's3cret'])
    with Prompt(tcp_uri(guarded)) as prompt:
        prompt.see('NOAUTH')
        prompt.see('not connected> ')
        prompt.type('auth wrong', ENTER)
        prompt.see('WRONGPASS')
        prompt.see('not connected> ')
        equal(prompt.call('auth s3cret'), 'OK\n')
        equal(prompt.call('set k v'), 'OK\n')
        # The clients for messages and for completion, too.
        equal(prompt.call('subscribe news'), 'Subscribed to 1 channel; messages appear above\n')
        prompt.type('get')
        prompt.hint(b' key')
    with Prompt(tcp_uri(guarded), TORNADIS_PASSWORD='s3cret') as prompt:
        prompt.prompt()
        equal(prompt.call('set k v'), 'OK\n')


def test_stop(server):
    """Ctrl+Z stops it, with the terminal as it was, and it goes on where it was."""
    with Prompt(tcp_uri(server), '-c', 'set -m; "$0"; echo "stopped"; read -r line; fg', TOOL, tool='bash') as prompt:
        prompt.prompt()
        prompt.type('get k')
        prompt.see('get k')
        equal(termios.tcgetattr(prompt.master)[3] & termios.ICANON, 0)
        prompt.type(CTRL_Z)
        prompt.see('stopped\r\n')
        equal(termios.tcgetattr(prompt.master)[3] & termios.ICANON, termios.ICANON)
        prompt.type('\n')
        prompt.see('> get k')
        equal(prompt.call(''), '(nil)\n')


def test_resize(server):
    with open_prompt(server) as prompt:
        prompt.type('set')
        assert len(prompt.hint(b' key')) > 40
        fcntl.ioctl(prompt.master, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 40, 0, 0))
        # As much as fits in the new width.
        hint = prompt.hint(b' key')
        assert len(hint) < 40, hint


def test_sentinel(server):
    group = TornadisHarness.Sentinel.new(None, None)
    with Prompt(group.make_uri('/0')) as prompt:
        prompt.see('main 127')
        prompt.see('> ')
        prompt.type('multi', ENTER)
        prompt.see(re.escape('(TX)> '))
        group.get_server(group.find_master()).kill()
        prompt.see('not connected> ')
        prompt.see('; the master is 127.0.0.1:[0-9]+ now; the transaction is gone')
        prompt.see('main 127[0-9.:]+> ')
        prompt.type('role', ENTER)
        prompt.see('1\\) "master"')


def test_cluster(server):
    cluster = TornadisHarness.Cluster.new(3, 0, None)
    with Prompt(f'redis-cluster://{cluster.get_hosts(False)}') as prompt:
        prompt.prompt()
        equal(prompt.call('mset name-1 1 name-2 2 name-3 3 name-45 5'), 'OK\n')
        equal(prompt.call('subscribe news'), 'Subscribed to 1 channel; messages appear above\n')
        prompt.type('publish news hello', ENTER)
        prompt.see(re.escape(b'[news]' + END + b' hello\r\n'))
        prompt.settle()
        equal(prompt.call('multi', b'(TX)'), 'OK\n')
        equal(prompt.call('get name-1', b'(TX)'), 'QUEUED\n')
        assert 'of one slot' in prompt.call('get name-2', b'(TX)') + prompt.call('get name-3', b'(TX)')
        assert 'EXECABORT' in prompt.call('exec')
        assert 'several slots' in prompt.call('rename name-1 name-2') + prompt.call('rename name-1 name-3')
        # In the words of the prompt, not for programs.
        for line, text in (('select 1', 'tornadis -c -n 1'), ('readonly', 'read-from=replica'), ('client setname x', 'HELLO 3 SETNAME'),
                           ('client tracking on', 'for one command'), ('auth nobody wrong', 'tornadis -c --user')):
            shown = prompt.call(line)
            assert text in shown and 'propert' not in shown, shown
            # They are those of the other commands.
            result = run(None, 'call', f'--uri=redis-cluster://{cluster.get_hosts(False)}', *line.split())
            equal(result.err, 'tornadis: ' + re.sub(r'\x1b\[[0-9]*m', '', shown))
        if HAS_READLINE:
            prompt.type('get name-4', TAB)
            prompt.see('5 ')


def test_no_cluster(server):
    """It is said once that the server is none of a cluster, and another one, or the same without -c, is gone to."""
    with Prompt(f'redis-cluster://127.0.0.1:{server.get_port()}') as prompt:
        shown = prompt.see('not connected> ')
        assert b'none of a cluster' in shown and b'trying' not in shown, shown
        prompt.type('ping', ENTER)
        prompt.see('cluster support disabled')
        prompt.see('not connected> ')
        prompt.call(f'connect 127.0.0.1 {server.get_port()}')
        equal(prompt.call('ping'), 'PONG\n')


def test_plain(server):
    """Without Readline it is a prompt, too."""
    with open_prompt(server, tool=PLAIN) as prompt:
        equal(prompt.call('set k v'), 'OK\n')
        equal(prompt.call('multi', b'(TX)'), 'OK\n')
        prompt.call('discard')
        equal(prompt.call('subscribe news'), 'Subscribed to 1 channel; messages appear above\n')
        server.command('PUBLISH news hello')
        prompt.see('hello\r\n')
        prompt.prompt()
        prompt.type('set l 1\nget l\n')
        prompt.see('OK\r\n')
        prompt.see('"1"\r\n')
        prompt.prompt()
        server.kill()
        prompt.see('not connected> ')
        server.restart()
        prompt.see('Connected again')
        prompt.prompt()
        prompt.type('blpop nothing 0', ENTER)
        wait_for(lambda: count_blocked(server) == 1, 'the call')
        prompt.type(CTRL_C)
        prompt.see('Cancelled')
        prompt.prompt()
        prompt.type(CTRL_D)
        equal(prompt.process.wait(60), 0)


def test_no_terminal(server):
    result = run(server)
    equal((result.status, result.out), (2, b''))
    assert 'terminal' in result.err and 'tornadis pipe' in result.err, result.err


# What needs Readline.
if not HAS_READLINE:
    for name in ('completion', 'completion_in_time', 'hints', 'help', 'history', 'history_that_cannot_be_kept', 'paste',
                 'reconnect', 'messages', 'cancel', 'login', 'stop', 'given_up', 'names_and_users', 'resize', 'many_messages',
                 'idle_connection', 'tracking', 'at_once', 'server_that_hangs', 'shutdown', 'formats', 'ascii'):
        del globals()['test_' + name]

try:
    os.close(pty.openpty()[0])
except OSError as error:
    print(f'1..0 # SKIP there is no pseudo terminal: {error}')
else:
    main(sys.modules[__name__])
