# SPDX-License-Identifier: LGPL-2.1-or-later
"""tornadis pipe."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

from tap import equal, main
from tool import (good, peak_kib, read_terminal, read_terminal_until, run, settle, shell, start, terminal,
                  wait_for)

from gi.repository import TornadisHarness


def pipe(server, text, *options):
    return run(server, 'pipe', *options, stdin=text if isinstance(text, bytes) else text.encode())


def test_replies(server):
    text = ('SET k "x y"\nGET k\n\n   \n# comment\n  # too\nGET none\nINCR n\nRPUSH l a "b\\tc" \'\'\n'
            'LRANGE l 0 -1\nECHO #')
    equal(good(pipe(server, text)), b'OK\nx y\n(nil)\n1\n3\na\tb\\tc\t\n#\n')
    equal(good(pipe(server, '')), b'')
    equal(good(pipe(server, '\n\n#\n')), b'')
    equal(good(pipe(server, 'PING')), b'PONG\n')
    equal(good(pipe(server, 'PING\r\nPING\r\n')), b'PONG\nPONG\n')
    equal(good(pipe(server, 'EVAL "return {1, {2, {}}, {\'a b\'}}" 0\n')), b'1\t[2\t[]]\t[a b]\n')


def test_quoting(server):
    for written, value in (
            (b'"a b"', b'a b'), (b"'a b'", b'a b'), (b'"\\x00\\xff\\x7f\\xAg"', b'\x00\xff\x7fxAg'),
            (b'"\\n\\r\\t\\b\\a\\q\\"\\\\"', b'\n\r\t\b\aq"\\'), (b"'\\n\\'\\a'", b"\\n'\\a"), (b'a\\n', b'a\\n'),
            (b'""', b''), (b"''", b''), (b'a"b c"', b'ab c'), (b'"a\'b"', b"a'b"), (b'\xff\x00\xfe', b'\xff\x00\xfe'),
            ('"grün"'.encode(), 'grün'.encode()), (b'\t  x \t', b'x'), (b'a#b', b'a#b'), (b'"\\x4"', b'x4')):
        equal(good(pipe(server, b'SET k ' + written + b'\n')), b'OK\n')
        equal(good(run(server, 'call', '--no-newline', 'GET', 'k')), value)


def test_output_is_input(server):
    """What is printed of a string can be read again between double quotes."""
    value = bytes(range(256)) + 'grün \u0085'.encode()
    run(server, 'call', 'SET', 'k', '-', stdin=value)
    printed = good(pipe(server, 'GET k'))
    equal(printed.count(b'\n'), 1)
    assert not any(c < 32 for c in printed[:-1])
    good(pipe(server, b'SET again "' + printed[:-1].replace(b'"', b'\\"') + b'"'))
    equal(good(run(server, 'call', '--no-newline', 'GET', 'again')), value)


def test_errors(server):
    result = pipe(server, 'SET k v\n\nLPUSH k x\nECHO "open\n# c\nECHO "a"b\nSUBSCRIBE a\nNOSUCH\nGET k')
    equal(result.status, 1)
    lines = result.out.decode().split('\n')
    equal(len(lines), 8)
    assert lines[0] == 'OK' and lines[6] == 'v' and all(line.startswith('(error) ') for line in lines[1:6]), lines
    equal([line.split(':')[1] for line in result.err.splitlines()], [f' line {n}' for n in (3, 4, 6, 7, 8)])
    result = pipe(server, 'LPUSH k x\nGET k', '--json')
    error, value = map(json.loads, result.out.decode().splitlines())
    assert error['error'].startswith('WRONGTYPE') and value == 'v' and result.status == 1


def test_quiet(server):
    equal(good(pipe(server, 'SET k v\nGET k\n#\n', '--quiet')), b'2 commands, 0 errors\n')
    result = pipe(server, 'LPUSH k v\nGET k\n', '-q')
    equal((result.status, result.out), (1, b'2 commands, 1 error\n'))
    result = pipe(server, 'LPUSH k v\nGET k\n', '-q', '--json')
    equal(json.loads(result.out), {'commands': 2, 'errors': 1})
    assert 'line 1: WRONGTYPE' in result.err


def test_json(server):
    lines = good(pipe(server, 'SET k "\\xff"\nGET k\nHSET h a b\nHGETALL h\nGET none\n', '--json'))
    equal([json.loads(line) for line in lines.decode().splitlines()], ['OK', {'base64': '/w=='}, 1, {'a': 'b'}, None])


def test_usage(server):
    for result, status in ((pipe(server, 'PING', 'file'), 2), (pipe(server, 'PING', '--uri', 'x'), 2),
                           (pipe(server, 'PING', '--uri', 'redis://127.0.0.1:1'), 1)):
        assert result.status == status and result.out == b'' and result.err.count('\n') == 1, result
    result = shell(server, 'tornadis pipe < /')
    assert result.status == 1 and 'standard input' in result.err, result
    result = shell(server, 'tornadis pipe <&-')
    assert result.status == 1 and 'standard input' in result.err, result


def test_long_lines(server):
    """Lines over many reads, and ends of lines where reads end."""
    values = [b'x' * n for n in (65535 - 5, 65536 - 5, 65537 - 5, 3000000, 1, 131072 - 6)]
    text = b''.join(b'ECHO ' + value + b'\n' for value in values)
    equal(good(pipe(server, text)), b''.join(value + b'\n' for value in values))
    equal(good(pipe(server, text[:-1])), b''.join(value + b'\n' for value in values))


def test_hundred_thousand(server):
    count = 100000
    text = ''.join(f'ECHO {n}\n' for n in range(count)).encode()
    expected = ''.join(f'{n}\n' for n in range(count)).encode()
    assert good(pipe(server, text)) == expected
    with tempfile.TemporaryFile() as file:
        file.write(text)
        file.seek(0)
        with start(server, 'pipe', stdin=file) as process:
            assert process.stdout.read() == expected
            equal(process.wait(60), 0)


def feed(process, line, count):
    def write():
        for _ in range(count // 1000):
            process.stdin.write(line * 1000)
        process.stdin.flush()
    thread = threading.Thread(target=write)
    thread.start()
    return thread


def test_memory(server):
    """A hundred megabytes in, a hundred out: little more memory than for one line."""
    line = b'ECHO ' + b'x' * 1000 + b'\n'
    with start(server, 'pipe') as process:
        process.stdin.write(line)
        process.stdin.flush()
        equal(len(process.stdout.readline()), 1001)
        before = peak_kib(process)
        writer = feed(process, line, 100000)
        for _ in range(100000):
            assert len(process.stdout.readline()) == 1001
        writer.join()
        growth = peak_kib(process) - before
        assert growth < 20 * 1024, f'{growth} KiB'
        process.stdin.close()
        equal(process.wait(60), 0)


def test_memory_without_reader(server):
    """When nobody reads the replies no more commands are read."""
    line = b'ECHO ' + b'x' * 1000 + b'\n'
    with start(server, 'pipe') as process:
        writer = feed(process, line, 100000)
        settle(process)
        assert writer.is_alive()
        assert peak_kib(process) < 48 * 1024, peak_kib(process)
        for _ in range(100000):
            assert len(process.stdout.readline()) == 1001
        writer.join()


def test_memory_of_large_replies(server):
    """Small commands with large replies: few are in flight."""
    run(server, 'call', 'SET', 'k', '-', stdin=b'x' * 4000000)
    with start(server, 'pipe') as process:
        process.stdin.write(b'GET k\n' * 100)
        process.stdin.close()
        settle(process)
        assert peak_kib(process) < 100 * 1024, peak_kib(process)
        equal(len(process.stdout.read()), 100 * 4000001)
        equal(process.wait(60), 0)


def test_memory_of_replies_that_grow(server):
    """After many small replies a large one tells that fewer are to be in flight."""
    run(server, 'call', 'SET', 'k', '-', stdin=b'x' * 4000000)
    with start(server, 'pipe') as process:
        for commands, size in (b'PING\n' * 3000, 3000 * 5), (b'GET k\n', 4000001), (b'GET k\n' * 100, 400000100):
            process.stdin.write(commands)
            process.stdin.flush()
            if size > 4000001:
                settle(process)
            equal(len(process.stdout.read(size)), size)
        assert peak_kib(process) < 100 * 1024, peak_kib(process)


def test_as_it_comes(server):
    """A reply comes before the next command is there."""
    with start(server, 'pipe') as process:
        for n in range(10):
            process.stdin.write(f'ECHO {n}\n'.encode())
            process.stdin.flush()
            equal(process.stdout.readline(), f'{n}\n'.encode())
        process.stdin.write(b'ECHO last')
        process.stdin.close()
        equal(process.stdout.read(), b'last\n')
        equal(process.wait(60), 0)


def test_lost(server):
    """Nothing behind a command whose fate is unknown is sent later."""
    peer = TornadisHarness.Peer.new('handshake\necho-server 3\nexpect ECHO\nclose\n---\nhandshake\necho-server')
    text = ''.join(f'ECHO {n}\n' for n in range(5000))
    result = pipe(None, text, '--uri', f'redis://127.0.0.1:{peer.get_port()}')
    equal((result.status, result.out), (1, b'0\n1\n2\n'))
    assert 'line 4: ' in result.err and 'from line 4 to line' in result.err and 'may have run' in result.err, result
    equal(peer.get_n_connections(), 1)


def test_rest(server):
    """What is behind the calls in flight when the connection is lost is said not to be sent; a file is known to its end."""
    script = 'handshake\necho-server 3\nexpect ECHO\nclose'
    text = ''.join(f'ECHO {n}\n\n# {n}\n' for n in range(50000)) + '  ECHO last\n\n'
    with tempfile.TemporaryFile() as file:
        file.write(text.encode())
        for stdin in file, None:
            peer = TornadisHarness.Peer.new(script)
            file.seek(0)
            with start(None, 'pipe', '-p', str(peer.get_port()), stdin=stdin or subprocess.PIPE) as process:
                if stdin is None:
                    process.stdin.write(text[:60000].encode())
                    process.stdin.flush()
                    equal(process.stdout.read(), b'0\n1\n2\n')
                    err = process.stderr.read().decode()
                else:
                    err = process.communicate(timeout=60)[1].decode()
                equal(process.wait(60), 1)
            last = int(re.search('from line 10 to line ([0-9]+); some may', err).group(1)) if 'some may' in err else 10
            n, first, to, more = re.search('tornadis: ([0-9]+) commands were not sent, from line ([0-9]+) to line ([0-9]+)(.*)', err).groups()
            equal(int(first), last + 3)
            if stdin is None:
                equal(more, ', nor was what follows')
            else:
                equal((int(to), int(n), more), (150001, 50001 - (last + 2) // 3, ''))


def test_unfinished_transaction(server):
    """What stands behind a MULTI without an EXEC did not run, which is said."""
    for text, told in (('MULTI\nSET k v\nINCR n\n', 'the MULTI of line 1 has no EXEC: what follows it, 2 commands, did not run'),
                       ('PING\n\nMULTI\nEXEC\nMULTI\nSET k v', 'the MULTI of line 5 has no EXEC: what follows it, 1 command, did not run')):
        result = pipe(server, text)
        equal((result.status, result.err), (1, f'tornadis: {told}\n'))
    equal(server.command('EXISTS k'), ':0\r\n')
    for end in 'EXEC', 'DISCARD', 'exec':
        good(pipe(server, f'MULTI\nPING\n{end}\n'))
    result = pipe(server, 'MULTI\nNOSUCH\nEXEC')
    assert result.status == 1 and 'EXECABORT' in result.err and 'did not run' not in result.err, result
    # One that is lost before its EXEC was sent.
    peer = TornadisHarness.Peer.new('handshake\nexpect MULTI\nsend "+OK\\r\\n"\nexpect PING\nclose')
    result = pipe(None, 'MULTI\nPING\n', '-p', str(peer.get_port()))
    assert result.status == 1 and 'the MULTI of line 1 has no EXEC' in result.err, result


def test_unsent(server):
    """What was not even written when the connection went is not sent over the next one."""
    peer = TornadisHarness.Peer.new('handshake\necho-server 300\nwait\nreset\n---\nhandshake\necho-server')
    text = b'ECHO x\n' * 300 + (b'ECHO ' + b'y' * 100000 + b'\n') * 140 + b'ECHO z\n' * 5000
    with tempfile.TemporaryFile() as file:
        file.write(text)
        file.seek(0)
        with start(None, 'pipe', '--uri', f'redis://127.0.0.1:{peer.get_port()}', stdin=file) as process:
            equal(process.stdout.read(600), b'x\n' * 300)
            # It has written what the peer's window takes.
            settle(process)
            peer.go()
            out, err = process.communicate(timeout=60)
    equal((process.returncode, out), (1, b''))
    assert b'line 301: ' in err and b'from line 301 to line' in err, err
    equal(peer.get_n_connections(), 1)


def pings(server):
    return int(re.search('cmdstat_ping:calls=([0-9]+)', server.command('INFO commandstats')).group(1))


def test_killed_server(server):
    before = pings(server)
    with start(server, 'pipe', '--quiet') as process:
        process.stdin.write(b'PING\n' * 1000)
        process.stdin.flush()
        wait_for(lambda: pings(server) == before + 1000, 'the calls')
        server.kill()
        process.stdin.write(b'PING\n')
        process.stdin.flush()
        out, err = process.communicate(timeout=60)
        equal(process.returncode, 1)
        assert b'line 1001: ' in err and out == b'1001 commands, 1 error\n', (out, err)


def test_pipe_signal(server):
    result = shell(server, 'yes PING | tornadis pipe | head -n 1; echo "${PIPESTATUS[1]}"')
    equal(good(result), b'PONG\n141\n')
    result = shell(server, 'yes PING | head -n 10000 | tornadis pipe > /dev/full')
    assert result.status == 1 and 'standard output' in result.err and result.err.count('\n') == 1, result


def test_progress(server):
    with terminal() as (master, slave):
        with start(server, 'pipe', stderr=slave) as process:
            process.stdin.write(b'PING\nLPUSH\n')
            process.stdin.flush()
            read_terminal_until(master, b'\r.*2 commands, 1 error')
            process.stdin.close()
            equal(process.wait(60), 1)
            # The last thing is that the line is empty again.
            assert read_terminal(master).endswith(b'\r\x1b[K')
        # Of a file it is known how much there is.
        with tempfile.TemporaryFile() as file:
            file.write(b'PING\n' * 1000)
            file.seek(0)
            server.pause()
            with start(server, 'pipe', stdin=file, stderr=slave) as process:
                read_terminal_until(master, b'  0%  0 commands')
                server.resume()
                equal((process.stdout.read(), process.wait(60)), (b'PONG\n' * 1000, 0))


def test_no_progress(server):
    """Not without a terminal, and not between replies on the same one."""
    with start(server, 'pipe') as process:
        process.stdin.write(b'PING\n')
        process.stdin.flush()
        equal(process.stdout.readline(), b'PONG\n')
        # Longer than it takes until progress is shown.
        time.sleep(0.7)
        equal(process.communicate(timeout=60), (b'', b''))
    with terminal() as (master, slave):
        with start(server, 'pipe', stdout=slave, stderr=slave) as process:
            process.stdin.write(b'PING\n')
            process.stdin.flush()
            shown = read_terminal_until(master, b'\n')
            time.sleep(0.7)
            equal(shown + read_terminal(master), b'PONG\r\n')


main(sys.modules[__name__])
