"""Panel: an accountable panel of critics for tools, played by language models."""
