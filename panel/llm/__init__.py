"""The seam: `Model.ask(Request) -> Reply`. A file a provider; retry and the ledger are Models around a Model."""
