"""A first space for data that nobody has written one for: looked at, written with comments, and proven to run.

look (tabular, pictures) -> Found -> ranges -> a template -> signed text (spaces)
"""
