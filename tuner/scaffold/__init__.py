"""A first space for given data: looked at, written with comments, and proven to run.

look (tabular, pictures) -> Found -> ranges -> a template -> signed text (spaces)
"""
