# SPDX-License-Identifier: LGPL-2.1-or-later
# Of gi and of gi.repository, where nobody else knows more: what has no stub is anything.

from typing import Any

def __getattr__(name: str) -> Any: ...
