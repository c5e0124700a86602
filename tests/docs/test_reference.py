# SPDX-License-Identifier: LGPL-2.1-or-later
"""The reference as it is built: nothing of the languages' own API is missing, every block of code says its language,
pages have their neighbours, and links lead somewhere. As TAP.

test_reference.py DIRECTORY_OF_THE_REFERENCE GIR STUB
"""

import ast
import json
import pathlib
import re
import shutil
import subprocess
import sys
import traceback
import urllib.parse
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'docs'))
sys.dont_write_bytecode = True

import build
import language_api
import pages

OUTPUT, GIR, STUB = map(pathlib.Path, sys.argv[1:4])
LANGUAGES = {'C', 'Python', 'JavaScript', 'Vala', 'Shell', 'meson.build', 'Output', 'TypeScript'}


class Failed(AssertionError):
    pass


class Document(HTMLParser):
    """What the cases look at in a page, in its order."""

    VOID = {'meta', 'link', 'input', 'img', 'br', 'hr'}

    def __init__(self, path):
        super().__init__()
        self.ids = set()
        self.links = []       # attributes of elements that have an href or a src
        self.blocks = []      # the language that stands before each block of code
        self.n_open = 0       # elements a
        self.comments = []
        self.caption = None
        self.text = None      # what stands in the caption that is being read
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        classes = (attributes.get('class') or '').split()
        self.ids.update(attributes[key] for key in ('id', 'name') if attributes.get(key))
        if 'href' in attributes or 'src' in attributes:
            self.links.append(attributes)
        self.n_open += tag == 'a'
        if 'codehilite' in classes or 'c-decl' in classes:
            self.blocks.append(self.caption)
            self.caption = None
        if tag == 'label' or tag == 'p' and 'language' in classes:
            self.text = ''
        elif tag in ('p', 'h1', 'h2', 'h3', 'h4', 'table', 'ul'):
            # A caption is directly before its block.
            self.caption = None

    def handle_endtag(self, tag):
        self.n_open -= tag == 'a'
        if self.text is not None and tag in ('label', 'p'):
            self.caption, self.text = self.text, None

    def handle_data(self, data):
        if self.text is not None:
            self.text += data

    def handle_comment(self, data):
        self.comments.append(data)


def check(failures):
    if failures:
        raise Failed('\n'.join(failures))


DOCUMENTS = {path.name: Document(path) for path in sorted(OUTPUT.glob('*.html'))}
NAMES = re.findall(r"^    '([\w-]+)\.md',$", (ROOT / 'docs' / 'meson.build').read_text(encoding='utf-8'), re.MULTILINE)
APIS = build.make_apis(GIR)


def test_everything_is_documented():
    check([f'{api.LANGUAGE}: {missing}' for api in APIS.values() for missing in api.undocumented])


def check_names(page, names):
    """Names ("Client.call") of the override at runtime, unless they mean what they mean in C and for GObject."""
    library = language_api.Library(GIR)
    failures = []
    for name in names:
        owner, _, member = name.rpartition('.')
        anchor = language_api.make_id(*filter(None, (owner, member)))
        if anchor in DOCUMENTS[page].ids or language_api.INHERITED.match(member):
            continue
        in_c = re.sub('([A-Z])', lambda match: '_' + match[1].lower(), member.replace('-', '_'))
        if not owner or not library.has(owner, in_c):
            failures.append(f'{page}: {name}')
    check(failures)


def test_python_names():
    import gi
    gi.require_version('Tornadis', '1.0')
    from gi.repository import Tornadis
    override = sys.modules['gi.overrides.Tornadis']
    names = []
    for name in override.__all__:
        names.append(name)
        value = getattr(Tornadis, name)
        if isinstance(value, type):
            names += [f'{name}.{member}' for member in vars(value) if not member.startswith(('_', 'do_'))]
    if len(names) < 50:
        raise Failed(f'there are too few to be all: {names}')
    # What an error is, is GLib.Error's.
    check_names('python-api.html', names)


def test_javascript_names():
    if shutil.which('gjs') is None:
        return 'no gjs'
    result = subprocess.run(['gjs', '-m', ROOT / 'tests' / 'stubs' / 'names.js', '{}'], stdout=subprocess.PIPE, check=True)
    found = json.loads(result.stdout)
    found = found.get('names', found)
    library = language_api.Library(GIR)
    names = []
    for name, members in found.items():
        if name in ('Client', 'PubSubClient', 'Pipeline', 'ClientPool', 'Message', 'Reply') or name not in library.pages:
            names += [f'{name}.{member}' for member in members['prototype'] if not member.startswith('vfunc_')]
    if len(names) < 50:
        raise Failed(f'there are too few to be all: {names}')
    check_names('javascript-api.html', names)


def get_help(name):
    return subprocess.run([sys.executable, '-W', 'ignore', '-m', 'pydoc', name], stdout=subprocess.PIPE, text=True,
                          check=True).stdout


def join(text):
    return ' '.join(re.sub(r'^ *\| ?', '', text, flags=re.MULTILINE).split())


def test_what_is_of_gobject_is_left_to_it():
    for name in ('client', 'pubsubclient'):
        for member in ('connect', 'disconnect', 'connect_after', 'handler_block', 'emit', 'run_dispose'):
            check([f'{name}: {member}'] if f'{name}-{member}' in DOCUMENTS['python-api.html'].ids else [])
        check([] if f'{name}-connect_client' in DOCUMENTS['python-api.html'].ids else [f'{name}: no connect_client'])


def test_what_classes_share_is_with_each():
    ids = DOCUMENTS['javascript-api.html'].ids
    check([each for each in ('client-call', 'client-async_call', 'clientpool-call', 'clientpool-async_call')
           if each not in ids])


def test_help_shows_it():
    docs = APIS['python-api.md'].docs.texts
    names = ('Client.call', 'PubSubClient.messages', 'ClientPool.connected_client', 'run', 'ReplyError')
    everything = join(get_help('gi.overrides.Tornadis'))
    check([f'{name}: {docs[name]}' for name in names if join(docs[name]) not in everything
           or join(docs[name]) not in join(get_help(f'gi.repository.Tornadis.{name}'))])


def list_functions(tree):
    """Functions and members of classes, by name ("Client.call"), with their docstrings: one for each signature."""
    found = {}
    for node in tree.body:
        for member in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(member, language_api.FUNCTIONS):
                name = member.name if member is node else f'{node.name}.{member.name}'
                found.setdefault(name, []).append(join(ast.get_docstring(member) or ''))
    return found


def test_editors_show_it():
    """The stub, where they look, has the docstrings of the override."""
    api = APIS['python-api.md']
    shown = list_functions(ast.parse(STUB.read_text(encoding='utf-8')))
    names = [name for name in list_functions(api.tree)
             if name in api.docs.texts and not name.startswith('PubSubClient.pubsub_')]
    if len(names) < 12:
        raise Failed(f'there are too few to be all: {names}')
    # A signature of several may have words of its own.
    check([name for name in names if join(api.docs.texts[name]) not in shown[name] and not (
        len(shown[name]) > 1 and all(shown[name]))])


def test_every_block_says_its_language():
    failures = []
    n = 0
    for name, document in DOCUMENTS.items():
        n += len(document.blocks)
        failures += [f'{name}: block {number} is after {caption!r}' for number, caption in enumerate(document.blocks, 1)
                     if caption not in LANGUAGES]
    if n < 300:
        failures.append(f'there are only {n} blocks')
    # A symbol's page says that its code is C.
    failures += [f'{GIR}: a comment has a block of {language!r}' for language in re.findall(
        r'^```(.*)\n(?:.*\n)*?```$', GIR.read_text(encoding='utf-8'), re.MULTILINE) if language != 'c']
    check(failures)


def test_a_block_without_language_is_refused():
    for text in ('```\nfoo\n```\n', '```cobol\nfoo\n```\n'):
        try:
            pages.split(text, 'page')
        except pages.PageError:
            continue
        raise Failed(f'{text!r} is taken')


def test_alternatives_are_tabs():
    text = ('Title: T\n\n# T\n\n```python\np\n```\n\n```c\nc\n```\n\n```js\nj\n```\n\n```text\no\n```\n\n'
            'And:\n\n```vala\nv\n```\n')
    page = pages.make_page('t.md', text, None, None, {})
    labels = re.findall(r'<label for="[\w-]+">(\w+)</label>', page)
    alone = re.findall(r'<p class="language">(\w+)</p>', page)
    if labels != ['C', 'Python', 'JavaScript'] or alone != ['Vala'] or page.count(' checked>') != 1:
        raise Failed(page)


def test_names_in_tables_are_links():
    text = ('<table>\n<thead>\n<tr>\n<th>C</th>\n<th>Python</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n'
            '<td><code>foo()</code></td>\n<td><code>A.foo(1)</code> or <code>B</code></td>\n</tr>\n</tbody>\n</table>')
    finished = build.finish_tables(text, {'C': {'foo': 'foo.html'}, 'Python': {'A.foo': 'python.html#a-foo'}})
    if re.findall(r'href="(.*?)"', finished) != ['foo.html', 'python.html#a-foo'] or '<code>B</code>' not in finished:
        raise Failed(finished)


def test_pages_of_c_name_languages():
    failures = []
    for page, links in (('class.Client.html', ('python-api.html#client', 'javascript-api.html#client')),
                        ('method.Client.call_async.html', ('python-api.html#client-call', 'javascript-api.html#client-call')),
                        ('method.PubSubClient.pop_message_async.html', ('python-api.html#pubsubclient-pop_message', ))):
        found = [link.get('href') for link in DOCUMENTS[page].links]
        failures += [f'{page}: {link}' for link in links if link not in found]
    check(failures)


def test_neighbours():
    failures = []
    for number, name in enumerate(NAMES):
        document = DOCUMENTS[f'{name}.html']
        found = {link['rel']: link['href'] for link in document.links if link.get('rel') in ('prev', 'next')}
        expected = {}
        if number > 0:
            expected['prev'] = f'{NAMES[number - 1]}.html'
        if number + 1 < len(NAMES):
            expected['next'] = f'{NAMES[number + 1]}.html'
        if found != expected:
            failures.append(f'{name} has {found}, not {expected}')
    check(failures)


def test_overview_has_all_pages():
    main = re.search(r'<section id="main".*</section>', (OUTPUT / 'overview.html').read_text(encoding='utf-8'), re.DOTALL)[0]
    check([f'overview.html: {name}' for name in NAMES if name != 'overview' and f'<li><a href="{name}.html">' not in main])


def test_links():
    failures = []
    n = 0
    for name, document in DOCUMENTS.items():
        if document.n_open != 0:
            failures.append(f'{name}: elements begin that do not end, or end that do not begin')
        for link in document.links:
            address = link.get('href', link.get('src')) or ''
            parts = urllib.parse.urlsplit(address)
            n += 1
            if parts.scheme in ('http', 'https'):
                continue
            target = parts.path or name
            fragment = urllib.parse.unquote(parts.fragment)
            if not address or parts.scheme or not (OUTPUT / target).exists():
                failures.append(f'{name}: {address!r}')
            elif fragment and target in DOCUMENTS and fragment not in DOCUMENTS[target].ids:
                failures.append(f'{name}: {address!r} has no such place')
    if n < 5000:
        failures.append(f'there are only {n} links')
    check(failures)


def test_search_finds_it():
    symbols = json.loads((OUTPUT / 'index.json').read_text(encoding='utf-8'))['symbols']
    (devhelp,) = OUTPUT.glob('*.devhelp2')
    keywords = {(each.get('name'), each.get('link')) for each in ElementTree.parse(devhelp).iter(
        '{http://www.devhelp.net/book}keyword')}
    failures = []
    for name, page in (('Client.call (Python)', 'python-api.html'), ('run (Python)', 'python-api.html'),
                       ('PubSubClient.messages (JavaScript)', 'javascript-api.html')):
        links = {symbol['href'] for symbol in symbols if symbol['name'] == name}
        if len(links) != 1 or (name, *links) not in keywords or links.pop().partition('#')[0] != page:
            failures.append(f'{name}: {links}')
    for symbol in symbols:
        page, _, anchor = symbol.get('href', 'overview.html').partition('#')
        if anchor and anchor not in DOCUMENTS[page].ids or symbol['summary'].startswith('#'):
            failures.append(f'{symbol}')
    check(failures)


def test_what_is_for_tests_is_not_shown():
    check([f'{name}.html: {comment!r}' for name in NAMES for comment in DOCUMENTS[f'{name}.html'].comments
           if 'SPDX' not in comment])


def test_addresses_of_website_and_source():
    """Rows of the first page: shown when there is an address, and else left out."""
    row = '<tr><td><em>{}</em></td><td><a href="{}" class="external">{}</a></td></tr>\n'
    text = row.format('Website', 'https://example.org/', 'https://example.org/') + row.format('Source', '', '')
    finished = build.finish_page(text, 'index.html', {}, {}, {}, {})
    if 'https://example.org/' not in finished or 'Source' in finished:
        raise Failed(finished)


def main():
    cases = [(name, case) for name, case in globals().items() if name.startswith('test_')]
    print(f'1..{len(cases)}')
    failed = False
    for number, (name, case) in enumerate(cases, 1):
        try:
            skipped = case()
            print(f'ok {number} - {name}' + (f' # SKIP {skipped}' if skipped else ''))
        except Exception as error:
            failed = True
            print(f'not ok {number} - {name}')
            text = str(error) if isinstance(error, Failed) else traceback.format_exc()
            print(f'# {name}\n# ' + text.rstrip().replace('\n', '\n# '), file=sys.stderr)
    sys.exit(1 if failed else 0)


main()
