"""The space language as a JSON Schema for editors, generated from the objects that check a space.

fragments        a value, and the holes that may stand for it
from_keys        what a key takes, by its object in `tuner.space.sections`
from_signatures  what a class takes, by its signature and its own check
docstrings       words on classes and arguments, and nothing else
components       the classes that each section may name
space_file       the whole
markdown         the same as a page for people

It is draft-07, the newest that yaml-language-server supports. `tuner check` finds faults that a schema cannot express:
swapped ends, a ref to nothing, a step that does not divide.
"""
