from tests.support.postgres import postgres, server

__all__ = ["postgres", "server"]
