"""Exit codes that no error of Panel carries."""

from __future__ import annotations

FAULT, DIFFERENT, INTERRUPTED = 1, 3, 130
