# SPDX-License-Identifier: LGPL-2.1-or-later

"""What the programs in Python say of themselves, on their last line."""

import json
import time


def get_clocks():
    return time.perf_counter(), time.process_time()


def report(began, n):
    """That n were done since get_clocks() said this."""
    seconds, cpu = (end - start for end, start in zip(get_clocks(), began))
    print(json.dumps({'ops': n, 'seconds': seconds, 'rate': n / seconds, 'cpu_usec': cpu * 1e6 / n}), flush=True)
