# SPDX-License-Identifier: LGPL-2.1-or-later
"""tornadis subscribe."""

import base64
import json
import os
import re
import signal
import socket
import sys

from tap import equal, main
from tool import (catches, count_unread, peak_kib, publish, read_terminal_until, run, settle, shell, start, terminal,
                  wait_for)


def test_messages(server):
    with start(server, 'subscribe', 'news', 'log.*') as process:
        publish(server, 'news', '"hello world"')
        publish(server, 'log.door', '"a\\tb"')
        equal(process.stdout.readline(), b'news\thello world\n')
        equal(process.stdout.readline(), b'log.door\ta\tb\n')
        server.command('PUBLISH other x')
        publish(server, 'news', '"\\xff\\x00"')
        equal(process.stdout.readline(), b'news\t\xff\x00\n')
        process.send_signal(signal.SIGTERM)
        equal(process.communicate(timeout=60), (b'', b''))
        equal(process.returncode, 0)


def test_patterns(server):
    """Which names are patterns, and what channels are called that look like one."""
    for name, channels, others in (
            ('a?', ['ab'], ['a?b']), ('[ab]c', ['ac', 'bc'], ['[ab]c']), ('a\\*', ['a*'], ['ab']),
            ('a\\*b*', ['a*bc'], ['aabc']), ('\\[x]', ['[x]'], ['x']), ('a\\\\b', ['a\\b'], ['ab']),
            ('a\\b', ['a\\b'], ['ab'])):
        with start(server, 'subscribe', '--count', str(len(channels)), name, stdin=None) as process:
            publish(server, json.dumps(channels[0]), 'x')
            for other in others:
                equal(server.command(f'PUBLISH {json.dumps(other)} x'), ':0\r\n')
            for channel in channels[1:]:
                publish(server, json.dumps(channel), 'x')
            equal(process.communicate(timeout=60), (''.join(f'{channel}\tx\n' for channel in channels).encode(), b''))
            equal(process.returncode, 0)


def test_json(server):
    with start(server, 'subscribe', '--json', 'news', 'n*s', '--count', '3') as process:
        wait_for(lambda: server.command('PUBSUB NUMPAT') == ':1\r\n', 'the pattern')
        # One message for the channel, one for the pattern.
        wait_for(lambda: server.command('PUBLISH news "\\"\\n"') == ':2\r\n', 'both')
        server.command('PUBLISH "n\\xffs" "\\xff"')
        out, err = process.communicate(timeout=60)
        equal((process.returncode, err), (0, b''))
    lines = [json.loads(line) for line in out.decode().splitlines()]
    equal(lines, [{'channel': 'news', 'payload': '"\n'}, {'channel': 'news', 'pattern': 'n*s', 'payload': '"\n'},
                  {'channel': {'base64': base64.b64encode(b'n\xffs').decode()}, 'pattern': 'n*s',
                   'payload': {'base64': '/w=='}}])


def test_fault_08_keys(server):
    """Where the server says which keys have changed there is no payload, but keys."""
    channel = '__redis__:invalidate'
    for option, expected in (([], f'{channel}\tk1 k2\n{channel}\t\n'.encode()),
                             (['--json'], f'{{"channel": "{channel}", "payload": ["k1", "k2"]}}\n'
                                          f'{{"channel": "{channel}", "payload": null}}\n'.encode())):
        with start(server, 'subscribe', *option, channel, '--count', '2') as process, socket.socket(socket.AF_UNIX) as client:
            wait_for(lambda: server.command(f'PUBSUB NUMSUB {channel}').endswith(':1\r\n'), 'the subscription')
            subscriber = re.search(r'id=(\d+)', server.command('CLIENT LIST TYPE pubsub'))[1]
            client.connect(server.get_socket_path())
            for command in (f'CLIENT TRACKING ON BCAST REDIRECT {subscriber}', 'MSET k1 1 k2 2', 'FLUSHALL'):
                client.sendall(f'{command}\r\n'.encode())
                equal(client.recv(5), b'+OK\r\n')
            equal(process.communicate(timeout=60), (expected, b''))
        wait_for(lambda: 'id=' not in server.command('CLIENT LIST TYPE pubsub'), 'its end')


def test_count(server):
    with start(server, 'subscribe', '--count=2', 'a') as process:
        publish(server, 'a', '1')
        equal(process.stdout.readline(), b'a\t1\n')
        equal(process.poll(), None)
        # In one write, so that the third is there before the second is printed.
        server.command('EVAL "for i = 2, 4 do redis.call(\'PUBLISH\', \'a\', i) end return 1" 0')
        equal(process.communicate(timeout=60), (b'a\t2\n', b''))
        equal(process.returncode, 0)


def test_interrupt(server):
    """What was printed until then is all there."""
    printed = b'a\tx\n' + b''.join(b'a\t%d\n' % i for i in range(1, 101))
    for number in signal.SIGINT, signal.SIGTERM:
        with start(server, 'subscribe', 'a') as process:
            publish(server, 'a', 'x')
            server.command('EVAL "for i = 1, 100 do redis.call(\'PUBLISH\', \'a\', i) end return 1" 0')
            wait_for(lambda: count_unread(process.stdout) == len(printed), 'the messages')
            process.send_signal(number)
            equal(process.communicate(timeout=60), (printed, b''))
            equal(process.returncode, 0)


def test_interrupt_before_connected(server):
    server.pause()
    with start(server, 'subscribe', 'a') as process:
        wait_for(lambda: catches(process, signal.SIGINT), 'the handler')
        settle(process)
        process.send_signal(signal.SIGINT)
        equal(process.communicate(timeout=60), (b'', b''))
        equal(process.returncode, 0)
    server.resume()


def test_restart(server):
    with start(server, 'subscribe', 'a', 'b*') as process:
        publish(server, 'a', 'before')
        equal(process.stdout.readline(), b'a\tbefore\n')
        server.kill()
        lines = [process.stderr.readline().decode()]
        while 'trying again' not in lines[-1]:
            lines.append(process.stderr.readline().decode())
        server.restart()
        publish(server, 'a', 'after')
        equal(process.stdout.readline(), b'a\tafter\n')
        publish(server, 'bb', 'too')
        equal(process.stdout.readline(), b'bb\ttoo\n')
        equal(process.poll(), None)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        equal((process.returncode, out), (0, b''))
        lines += err.decode().splitlines()
        assert 'connecting again' in lines[0] and 'messages may be missing' in lines[-1], lines
        equal(sum('messages may be missing' in line for line in lines), 1)


def test_restart_quiet(server):
    with start(server, 'subscribe', '--quiet', 'a') as process:
        publish(server, 'a', 'before')
        equal(process.stdout.readline(), b'a\tbefore\n')
        server.restart()
        publish(server, 'a', 'after')
        equal(process.stdout.readline(), b'a\tafter\n')
        process.send_signal(signal.SIGINT)
        equal(process.communicate(timeout=60), (b'', b''))


def test_terminal(server):
    """Nothing that is published moves the cursor."""
    with terminal() as (master, slave):
        with start(server, 'subscribe', 'a', stdout=slave) as process:
            publish(server, 'a', '"\\x1b[2J\\xff gr\u00fcn\\n"')
            shown = read_terminal_until(master, b'\n')
            equal(shown.decode(), 'a\t\\x1b[2J\\xff grün\\n\r\n')
            equal(process.poll(), None)


def test_usage(server):
    for arguments in ([], ['--count', '-1', 'a'], ['--count', '0', 'a'], ['--count', 'x', 'a'], ['--uri', 'x', 'a']):
        result = run(server, 'subscribe', *arguments)
        assert result.status == 2 and result.out == b'' and result.err.startswith('tornadis: '), result
    # What waiting does not change.
    server.command('ACL SETUSER joe on >right +@all')
    result = run(server, 'subscribe', '--user', 'joe', '-a', 'wrong', 'a')
    assert result.status == 1 and result.out == b'' and result.err.count('\n') == 1, result


def test_server_is_awaited(server):
    """It says so, that it is connected then, and not the same again and again."""
    server.kill()
    for options in [], ['--quiet']:
        with start(server, 'subscribe', *options, 'news', 'n*', '--count', '2') as process:
            if not options:
                line = process.stderr.readline()
                assert line.startswith(b'tornadis: Could not connect to '), line
                assert line.endswith(b'; waiting for the server, trying again\n'), line
            settle(process)
            server.restart()
            wait_for(lambda: server.command('PUBSUB NUMPAT') == ':1\r\n' and 'news\r\n:1' in server.command('PUBSUB NUMSUB news'),
                     'the subscriptions')
            server.command('PUBLISH news x')
            out, err = process.communicate(timeout=60)
            equal((process.returncode, out), (0, b'news\tx\nnews\tx\n'))
            # What is wrong may be something else, when the socket is there and not yet listened to.
            lines = err.decode().splitlines()
            equal(len({*lines}), len(lines))
            equal(lines[-1:], [] if options else ['tornadis: connected'])
        server.kill()


def test_reader_gone(server):
    result = shell(server, '(until tornadis call PUBLISH a x | grep -q 1; do sleep 0.05; done) & tornadis subscribe a | head -n 1; '
                           'echo "${PIPESTATUS[0]}"')
    equal((result.out, result.err), (b'a\tx\n141\n', ''))
    # Not even a message is needed for it.
    with start(server, 'subscribe', 'quiet') as process:
        wait_for(lambda: 'quiet' in run(server, 'call', 'PUBSUB', 'CHANNELS').out.decode(), 'the subscription')
        process.stdout.close()
        equal(process.wait(60), -signal.SIGPIPE)
        equal(process.stderr.read(), b'')


def test_slow_reader(server):
    """All messages come, in order, however slowly they are read, and it can be ended meanwhile."""
    with start(server, 'subscribe', 'a') as process:
        publish(server, 'a', 'x')
        for first in range(0, 20000, 1000):
            server.command(f'EVAL "for i = {first}, {first} + 999 do redis.call(\'PUBLISH\', \'a\', '
                           'string.rep(\'x\', 100) .. i) end return 1" 0')
        settle(process)
        equal(process.stdout.readline(), b'a\tx\n')
        for i in range(20000):
            assert process.stdout.readline() == b'a\t' + b'x' * 100 + f'{i}\n'.encode()
        assert peak_kib(process) < 64 * 1024, peak_kib(process)


def test_end_with_stuck_reader(server):
    read_end, write_end = os.pipe()
    with start(server, 'subscribe', 'a', stdout=write_end) as process:
        os.close(write_end)
        publish(server, 'a', 'x')
        for _ in range(20):
            server.command('EVAL "for i = 1, 1000 do redis.call(\'PUBLISH\', \'a\', string.rep(\'x\', 100)) end '
                           'return 1" 0')
        settle(process)
        # The first ends it once its output is read, the second at once.
        process.send_signal(signal.SIGINT)
        wait_for(lambda: not catches(process, signal.SIGINT), 'the first to be noticed')
        equal(process.poll(), None)
        process.send_signal(signal.SIGINT)
        equal(process.wait(60), -signal.SIGINT)
        os.close(read_end)


main(sys.modules[__name__])
