from tests.support.terminal import terminal

__all__ = ["terminal"]
