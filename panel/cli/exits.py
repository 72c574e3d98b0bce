"""Exit codes that no error of Panel carries."""

from __future__ import annotations

FAULT, INTERRUPTED = 1, 130
