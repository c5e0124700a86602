# SPDX-License-Identifier: LGPL-2.1-or-later
# As much of PyGObject-stubs as the programs here need.

def require_version(namespace: str, version: str) -> None: ...
