"""`python -m panel`."""

from panel.cli.app import app

if __name__ == "__main__":
    app(prog_name="panel")
