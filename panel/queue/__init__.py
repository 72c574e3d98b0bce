"""The queue: a catalogue reviewed by many workers on DBOS Transact; imported only where somebody asks for it."""
