# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the pages that gi-docgen is given of those that are written: with the language of each block of code, several of
the same in tabs, links to the next page and back, and without the comments that are for tests/docs."""

import re

NAMES = {
    'c': 'C', 'python': 'Python', 'js': 'JavaScript', 'javascript': 'JavaScript', 'vala': 'Vala', 'ts': 'TypeScript',
    'sh': 'Shell', 'console': 'Shell', 'meson': 'meson.build', 'text': 'Output',
}
# As gi-docgen's highlighter knows them.
LEXERS = {'meson': 'meson', 'vala': 'vala', 'text': 'text'}
# Those of which the reader takes one.
ALTERNATIVES = ('c', 'python', 'js', 'vala')


class PageError(Exception):
    """A page is at fault."""


class Part:
    """A block of code, with the output that is directly behind it, or text."""

    def __init__(self, language, lines):
        self.language = language
        self.lines = lines
        self.output = None


def get_title(text):
    return re.match(r'Title: (.*)', text)[1]


def split(text, name):
    """The parts of a page."""
    parts, lines, rest = [], text.split('\n'), []
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        fence = re.match(r'^(\s*)```(.*)$', line)
        if line.startswith('<!--'):
            while '-->' not in line:
                line = lines[number]
                number += 1
        elif fence is None:
            rest.append(line)
        else:
            end = lines.index(fence[1] + '```', number)
            language = fence[2].strip()
            if language not in NAMES:
                raise PageError(f'{name}:{number}: a block of code says no language that is known, but {language!r}')
            if any(line.strip() for line in rest):
                parts.append(Part(None, rest))
            rest = []
            block = Part(language, [line.removeprefix(fence[1]) for line in lines[number:end]])
            if language == 'text' and parts and parts[-1].language not in (None, 'text'):
                parts[-1].output = block.lines
            else:
                parts.append(block)
            number = end + 1
    return [*parts, Part(None, rest)]


def group(parts):
    """Blocks that are one behind the other and each in another language."""
    groups = []
    for part in parts:
        last = groups[-1] if groups else []
        if (part.language in ALTERNATIVES and last and last[-1].language in ALTERNATIVES
                and part.language not in [each.language for each in last]):
            last.append(part)
        else:
            groups.append([part])
    return groups


def make_block(language, lines):
    return [f'```{LEXERS.get(language, language)}', *lines, '```', '']


def make_code(part):
    lines = make_block(part.language, part.lines)
    if part.output is not None:
        lines += ['<p class="language output">Output</p>', '', *make_block('text', part.output)]
    return lines


def make_group(parts, number):
    if parts[0].language is None:
        return parts[0].lines
    if len(parts) == 1:
        return ['', f'<p class="language">{NAMES[parts[0].language]}</p>', '', *make_code(parts[0])]
    # Without a style sheet each block has its language above it. With one it is a row of tabs.
    lines = ['', '<div class="languages">', '']
    for index, part in enumerate(sorted(parts, key=lambda part: ALTERNATIVES.index(part.language))):
        name = f'code-{number}-{part.language}'
        lines += [f'<input type="radio" name="code-{number}" id="{name}" data-language="{part.language}"'
                  f'{" checked" if index == 0 else ""}><label for="{name}">{NAMES[part.language]}</label>',
                  '<div class="block">', '', *make_code(part), '</div>']
    return [*lines, '', '</div>', '']


def make_navigation(before, after):
    links = []
    for kind, words, page in (('prev', 'Back', before), ('next', 'Next', after)):
        if page is not None:
            links.append(f'<a rel="{kind}" class="{kind}" href="{page[0]}.html">{words}: {page[1]}</a>')
    links.insert(1 if before else 0, '<a class="all" href="overview.html#where-do-i-read-on">All pages</a>')
    return ['', '<nav class="pages">' + '\n'.join(links) + '</nav>', '']


def make_page(name, text, before, after, replace):
    """The page `name`, between two others: (name, title) or None. `replace` is {marker: text}."""
    for marker, replacement in replace.items():
        text = text.replace(marker, replacement)
    head, body = text.split('\n\n', 1)
    lines = [head, '']
    for number, parts in enumerate(group(split(body, name))):
        lines += make_group(parts, number)
    return '\n'.join([*lines, *make_navigation(before, after)]) + '\n'


def make_pages(source, output, names, replace):
    """Writes all pages of the directory `source`, in their order."""
    texts = {name: (source / name).read_text(encoding='utf-8') for name in names}
    titles = [(name.removesuffix('.md'), get_title(text)) for name, text in texts.items()]
    output.mkdir(parents=True, exist_ok=True)
    for number, (name, text) in enumerate(texts.items()):
        before = titles[number - 1] if number > 0 else None
        after = titles[number + 1] if number + 1 < len(titles) else None
        page = make_page(name, text, before, after, replace.get(name, {}))
        (output / name).write_text(page, encoding='utf-8')
