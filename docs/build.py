# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the reference with gi-docgen.

build.py GI-DOCGEN CONFIG GIR SCRATCH DEPFILE OUTPUT PAGE...

PAGEs are files beside this one, in their order. Those of Python's and of JavaScript's own API have a comment for what is
made of the overrides, the first one a comment for a list of the others.
"""

import html
import json
import pathlib
import re
import shutil
import subprocess
import sys

# Not into the source.
sys.dont_write_bytecode = True

import language_api
import pages

SOURCE = pathlib.Path(__file__).resolve().parent
INTROSPECTION = SOURCE.parent / 'introspection'
PYTHON = INTROSPECTION / 'python' / 'gi' / 'overrides'
JAVASCRIPT = INTROSPECTION / 'gjs' / 'overrides'


def make_apis(gir):
    """Of both languages."""
    library = language_api.Library(gir)
    stubs = INTROSPECTION / 'stubs'
    return {
        'python-api.md': language_api.PythonApi(
            library, stubs / 'overrides.pyi',
            # What applications see, before its parts.
            sorted(PYTHON.glob('*ornadis*.py'), key=lambda path: (path.name != 'Tornadis.py', path.name))),
        'javascript-api.md': language_api.JavaScriptApi(
            library, stubs / 'overrides.d.ts',
            sorted(JAVASCRIPT.glob('*.js'), key=lambda path: (path.name != 'Tornadis.js', path.name))),
    }


HEAD = '  <link rel="stylesheet" href="tornadis.css" type="text/css"/>\n  <script src="tornadis.js"></script>\n</head>'
C = '<p class="language">C</p>\n'


def finish_tables(text, targets):
    """Has names in a column of a language be links, {language: {name: address}}, and long ones have places to part at."""

    def finish_table(table):
        columns = re.findall(r'<th[^>]*>(.*?)</th>', table[0])
        longest = 24 if len(columns) < 4 else 12

        def finish_cell(cell, language):
            def finish_code(code):
                is_link = code[2] is not None
                target = targets.get(language, {}).get(re.sub(r'\(.*\)$', '', code[1]))
                shown = code[0] if len(code[1]) < longest else re.sub(r'(?<=\w)([_.(])(?=\w)', r'\1<wbr>', code[0])
                return shown if target is None or is_link else f'<a href="{target}">{shown}</a>'

            return re.sub(r'<code>([^<]*)</code>(?=(</a>)?)', finish_code, cell)

        def finish_row(row):
            cells = re.findall(r'<td.*?</td>', row[0])
            return '<tr>\n' + '\n'.join(map(finish_cell, cells, columns)) + '\n</tr>' if cells else row[0]

        return re.sub(r'<tr>.*?</tr>', finish_row, table[0], flags=re.DOTALL)

    return re.sub(r'<table>.*?</table>', finish_table, text, flags=re.DOTALL)


def finish_page(text, name, titles, urls, targets, languages):
    """Adds to a page what gi-docgen leaves out, or has no option for."""

    def link(match):
        namespace, target = (re.search(rf'data-{key}="(.*?)"', match[0]) for key in ('namespace', 'link'))
        if namespace is None or target is None or namespace[1] not in urls:
            return match[0]
        return match[0].replace('javascript:void(0)', urls[namespace[1]] + target[1])

    # Links to other libraries work without JavaScript, too.
    text = re.sub(r'<a [^>]*href="javascript:void\(0\)"[^>]*>', link, text)
    text = text.replace('</head>', HEAD, 1)
    # The first page has a list of them.
    shown = {} if name == 'index.html' else titles
    links = '\n'.join(f'<a{" class=current" if page == name else ""} href="{page}">{title}</a>'
                      for page, title in shown.items())
    if links:
        text = text.replace(
            '<div class="section generator">',
            f'<div class="section">\n<h5>Pages</h5>\n<div class="links">\n{links}\n</div>\n</div>\n'
            '<div class="section generator">', 1)
    if name in titles:
        text = finish_tables(text, targets)
    else:
        # That of a symbol, whose code is C.
        if name in languages:
            text = text.replace('</header>', f'<p>In {"; ".join(languages[name])}</p>\n</header>', 1)
        text = re.sub(r'<div class="(?:docblock c-decl|codehilite)">', lambda match: C + match[0], text)
    if name == 'index.html':
        # Of what has no address.
        text = re.sub(r'\s*<tr><td><em>\w+</em></td><td><a href="" [^>]*></a></td></tr>', '', text)
    return text


def finish_search(output, writers):
    """Adds what the APIs of languages have to the index for searching, and to Devhelp's."""
    index, (devhelp,) = output / 'index.json', output.glob('*.devhelp2')
    search = json.loads(index.read_text(encoding='utf-8'))
    for symbol in search['symbols']:
        if symbol['type'] == 'content':
            # It begins with the title, once more.
            symbol['summary'] = symbol['summary'].strip().removeprefix('# ' + symbol['name']).strip()
    keywords = ''
    for page, writer in writers.items():
        for name, anchor, sentence in writer.list():
            link, shown = f'{page}#{anchor}', f'{name} ({writer.api.LANGUAGE})'
            search['symbols'].append({'type': 'content', 'name': shown, 'href': link, 'summary': sentence})
            keywords += f'<keyword type="function" name="{html.escape(shown)}" link="{link}"/>'
    index.write_text(json.dumps(search), encoding='utf-8')
    text = devhelp.read_text(encoding='utf-8')
    devhelp.write_text(text.replace('</functions>', keywords + '</functions>'), encoding='utf-8')


def get_titles(names):
    return {name.replace('.md', '.html'): pages.get_title((SOURCE / name).read_text(encoding='utf-8')) for name in names}


def finish(output, names, writers):
    urls = dict(re.findall(r"\['(\w+)', '(.*?)'\]", (SOURCE / 'urlmap.js').read_text(encoding='utf-8')))
    titles = get_titles(names)
    targets = {writer.api.LANGUAGE: {name: f'{page}#{anchor}' for name, anchor, _ in writer.list()}
               for page, writer in writers.items()}
    targets['C'] = next(iter(writers.values())).api.library.function_pages
    languages = {}
    for page, writer in writers.items():
        found = {}
        for symbol, name, anchor in writer.list_in_c():
            found.setdefault(symbol, []).append(f'<a href="{page}#{anchor}"><code>{name}</code></a>')
        for symbol, links in found.items():
            languages.setdefault(symbol, []).append(f'{writer.api.LANGUAGE}: {", ".join(links)}')
    for path in output.glob('*.html'):
        text = path.read_text(encoding='utf-8')
        path.write_text(finish_page(text, path.name, titles, urls, targets, languages), encoding='utf-8')


def main(gi_docgen, config, gir, scratch, depfile, output, *names):
    sources = [*SOURCE.glob('*.*'), *(INTROSPECTION / 'stubs').glob('overrides.*'), *PYTHON.glob('*.py'),
               *JAVASCRIPT.glob('*.js')]
    pathlib.Path(depfile).write_text(f'{output}: {" ".join(map(str, sources))}\n', encoding='utf-8')
    scratch, output = pathlib.Path(scratch), pathlib.Path(output)
    replace, writers = {}, {}
    for name, api in make_apis(gir).items():
        for missing in api.undocumented:
            print(f'{api.LANGUAGE}: {missing} is not documented', file=sys.stderr)
        writer = writers[name.replace('.md', '.html')] = language_api.Writer(api)
        replace[name] = {'<!-- members -->': writer.write()}
    replace['overview.md'] = {'<!-- pages -->\n\n': ''.join(
        f'- [{title}]({page})\n' for page, title in get_titles(names).items() if page != 'overview.html')}
    pages.make_pages(SOURCE, scratch, names, replace)
    shutil.rmtree(output, ignore_errors=True)
    subprocess.run([gi_docgen, 'generate', '--quiet', '--no-namespace-dir', '--fatal-warnings', f'--config={config}',
                    f'--output-dir={output}', f'--content-dir={scratch}', f'--content-dir={SOURCE}', gir], check=True)
    finish(output, names, writers)
    finish_search(output, writers)


if __name__ == '__main__':
    main(*sys.argv[1:])
