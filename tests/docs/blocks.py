# SPDX-License-Identifier: LGPL-2.1-or-later
"""The code blocks of a Markdown page, and what the page says about each.

HTML comments directly before a block say what the reader need not see:

    <!-- parse only -->      the block is compiled or parsed, and not run
    <!-- file NAME -->       the block is also kept as NAME for the later blocks of the page
    <!-- first               hidden code before the block, in its language
    CODE -->
    <!-- then                hidden code after it
    CODE -->

What a block prints is checked where the page tells it, in one of two ways:

    await client.call('GET', 'foo')  # -> b'bar'

A comment that begins with an arrow, at the end of a line: the value of the expression or of the assignment (Python,
JavaScript), or what the print of this line prints (all languages). Or, directly behind the block, a block of the
language text with everything that is printed. `...` stands for any text in a line. In a console block the lines
without a `$` are what is printed.
"""

import re

COMMENT = re.compile(r'<!--\s*(parse only|file|first|then)\b[ ]?(.*?)-->', re.DOTALL)
ARROW = re.compile(r'^(?P<code>.*?\S)\s*(?:#|//|/\*) -> (?P<value>.*?)(?:\s*\*/)?$')
ASSIGNMENT = re.compile(r'^\s*(?:const |let |var )?(?P<target>[\w.,\[\] ]+?) = (?!=)')
PRINT = {
    'python': ('print(', "print('@@{}', "),
    'js': ('print(', "print('@@{}', "),
    'c': ('g_print ("', 'g_print ("@@{} '),
    'vala': ('print ("', 'print ("@@{} '),
}
ALIASES = {'javascript': 'js', 'bash': 'sh'}


class DocsError(Exception):
    """The page is at fault."""


class Block:
    def __init__(self, page, line, language, lines):
        self.name = f'{page}:{line}'
        self.line = line
        self.language = ALIASES.get(language, language)
        self.lines = lines
        self.runs = True
        self.file = None
        self.first = ''
        self.then = ''
        self.output = None    # the lines that a text block has
        self.values = {}      # line -> what its comment says

    def read_comments(self, text):
        for kind, argument in COMMENT.findall(text):
            if kind == 'parse only':
                self.runs = False
            elif kind == 'file':
                self.file = argument.strip()
            else:
                setattr(self, kind, argument.strip('\n'))

    def source(self):
        """The block as the reader has it."""
        return '\n'.join(self.lines) + '\n'

    def tagged(self):
        """The lines of the block, where those with an arrow print their number in front of the value."""
        if self.language not in PRINT:
            return self.lines
        return [self._tag(number, line) for number, line in enumerate(self.lines, self.line + 1)]

    def _tag(self, number, line):
        match = ARROW.match(line)
        if match is None:
            if re.search(r'(#|//|/\*)\s*->', line) is not None:
                raise DocsError(f'line {number} has an arrow that is not understood')
            return line
        code = match['code'].rstrip(';')
        self.values[number] = match['value']
        plain, tagged = PRINT[self.language]
        if plain in code:
            return code.replace(plain, tagged.format(number), 1) + (';' if code != match['code'] else '')
        if self.language in ('c', 'vala'):
            raise DocsError(f'nothing is printed in line {number}')
        assignment = ASSIGNMENT.match(code)
        if assignment is not None:
            return f'{code}; show({number}, {assignment["target"]})'
        indent = code[:len(code) - len(code.lstrip())]
        return f'{indent}show({number}, {code.strip()})'

    def check(self, printed):
        """Holds what was printed against what the page says."""
        if self.output is not None:
            self._check_lines(printed.rstrip('\n').split('\n'), self.output)
        found = {}
        for line in printed.split('\n'):
            match = re.match(r'@@(\d+) (.*)$', line)
            if match is not None:
                found.setdefault(int(match[1]), []).append(match[2])
        for number, value in self.values.items():
            if number not in found:
                raise DocsError(f'line {number} printed nothing, not {value!r}')
            for text in found[number]:
                if not is_like(text, value):
                    raise DocsError(f'line {number} gave {text!r}, not {value!r}')

    @staticmethod
    def _check_lines(lines, expected):
        if len(lines) != len(expected) or not all(map(is_like, lines, expected)):
            raise DocsError('printed:\n' + '\n'.join(lines) + '\nnot:\n' + '\n'.join(expected))


def is_like(text, pattern):
    return re.fullmatch('.*'.join(map(re.escape, pattern.split('...'))), text.rstrip()) is not None


def read(path, page):
    """The blocks of a page; a text block is the output of the one before it."""
    blocks = []
    comments = []
    gap = False    # something stands between the last block and here
    lines = path.read_text(encoding='utf-8').split('\n')
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if line.startswith('<!--'):
            comments.append(line)
            while '-->' not in line:
                line = lines[number]
                number += 1
                comments.append(line)
            continue
        fence = re.match(r'^(\s*)```(.*)$', line)
        if fence is None:
            if line.strip():
                comments = []
                gap = True
            continue
        try:
            end = lines.index(fence[1] + '```', number)
        except ValueError:
            raise DocsError(f'{page}:{number}: the block has no end') from None
        block = Block(page, number, fence[2].strip(), [text[len(fence[1]):] for text in lines[number:end]])
        block.read_comments('\n'.join(comments))
        if block.language == 'text' and block.runs and blocks and not gap:
            blocks[-1].output = block.lines
        else:
            blocks.append(block)
        number = end + 1
        comments = []
        gap = False
    return blocks
