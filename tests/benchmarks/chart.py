# SPDX-License-Identifier: LGPL-2.1-or-later

"""Draws results.json as an SVG: chart.py RESULTS.json CHART.svg"""

import json
import sys
from xml.sax.saxutils import escape

WIDTH, LABEL, BAR, TOP = 960, 500, 14, 64
# What most programs do, in each language, beside other libraries; where those are faster too.
SHOWN = ('get-1', 'get-100', 'get-1000', 'pipeline', 'pub-sub', 'get-large', 'range', 'cluster-pipeline',
         'python-1', 'python-100', 'python-pipeline', 'python-range', 'messages-python-handler', 'messages-python-iterator',
         'scan-python', 'streams-python-group', 'cluster-python',
         'javascript-1', 'javascript-100', 'messages-gjs-handler', 'messages-gjs-iterator', 'messages-gjs-batches',
         'scan-gjs', 'streams-gjs-batches', 'streams-gjs-read', 'cluster-javascript')
OURS, PEER, TEXT, LINE = '#3584e4', '#9a9996', '#5e5c64', '#c0bfbc'


def text(x, y, content, anchor='start', size=12, weight='normal'):
    return (f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
            f'fill="{TEXT}">{escape(content)}</text>')


def short(rate):
    for limit, suffix in ((1e6, ' M'), (1e3, ' k')):
        if rate >= limit:
            return f'{rate / limit:.3g}{suffix}'
    return f'{rate:.3g}'


def rows(results):
    """The first ratio of each workload that is shown: what it is of, ours and the peer's median."""
    for name in filter(results['workloads'].get, SHOWN):
        workload = results['workloads'][name]
        ratio = workload['ratios'][0]
        yield workload, ratio, workload['medians'][ratio['ours']], workload['medians'][ratio['peer']]


def draw(results):
    entries = list(rows(results))
    height = TOP + len(entries) * (2 * BAR + 22) + 12
    scale = (WIDTH - LABEL - 130) / max(max(ratio['ratio'], 1) for _, ratio, _, _ in entries)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="Cantarell, sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" rx="12" fill="#ffffff"/>',
        text(16, 26, 'tornadis-glib beside its peers', size=16, weight='bold'),
        text(16, 46, f'medians of {results["rounds"]} rounds, one after the other; the peer’s bar has the length 1; '
             f'Redis {results["machine"]["redis"]}, {results["machine"]["processors"]} processors'),
    ]
    y = TOP
    for workload, ratio, ours, peer in entries:
        parts += [
            text(16, y + 11, workload['title']),
            text(16, y + 27, f'{ratio["ours"]} / {ratio["peer"]}', size=10),
            f'<rect x="{LABEL}" y="{y}" width="{ratio["ratio"] * scale:.1f}" height="{BAR}" rx="3" fill="{OURS}"/>',
            text(LABEL + ratio['ratio'] * scale + 6, y + 11, f'{ratio["ratio"]:.2f} ×', weight='bold'),
            f'<rect x="{LABEL}" y="{y + BAR + 2}" width="{scale:.1f}" height="{BAR}" rx="3" fill="{PEER}"/>',
            text(LABEL + scale + 6, y + BAR + 13, f'{short(ours)} against {short(peer)} {workload["unit"]}', size=10),
        ]
        y += 2 * BAR + 22
    parts.append(f'<line x1="{LABEL}" y1="{TOP - 6}" x2="{LABEL}" y2="{height - 12}" stroke="{LINE}"/>')
    parts.append('</svg>')
    return '\n'.join(parts) + '\n'


with open(sys.argv[1], encoding='utf-8') as source:
    chart = draw(json.load(source))
with open(sys.argv[2], 'w', encoding='utf-8') as target:
    target.write(chart)
