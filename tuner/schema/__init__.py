"""The space language as a JSON Schema, for editors: generated from the tables and signatures that validate a space.

shapes      a value, and the holes that may stand for it
keys        what a key of a section takes, found out by asking its rule
arguments   what a class takes, by its signature, its docstring and its own check
parts       the classes that each section may name
meanings    what each key is for, in words
schemas     the whole
reference   the same as a page for people

It is draft-07, the newest that yaml-language-server keeps to; what a schema cannot say (a range whose low is above its
high, a ref to nothing, a step that does not divide) is left to `tuner check`.
"""
