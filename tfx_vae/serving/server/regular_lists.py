"""Reads the numbers of a request, such as pixels, without a Python list for each row of each image.

orjson makes a list of every pair of brackets, and numpy visits them all again: for 16 digits, four times the
CPU time of this module.
"""

from collections.abc import Container
from typing import Any, Final

import numpy as np
import orjson

_NUMBER: Final = b"0123456789+-.eE"
_SPACE: Final = b" \t\r\n"
_ALL_ZERO: Final = bytes.maketrans(_NUMBER, b"0" * len(_NUMBER))
_NO_BRACKETS: Final = bytes.maketrans(b"[]", b"  ")

# Far below what numpy and Python's JSON parser can take, and far above what a signature takes.
MOST_NESTED: Final = 32


def parse_regular(body: bytes, keys: Container[str]) -> dict[str, Any] | None:
    """Parses a JSON object in which one of some keys has a regular nested list of numbers; its value becomes an array.

    Args:
      body: The text.
      keys: Those whose value may become an array.

    Returns:
      What `orjson.loads` returns, with `numpy.array` of the list; None for every other text, whether it is JSON or not.
    """
    start, end = body.find(b"["), body.rfind(b"]") + 1
    # Strings and objects between the brackets; a cheap test, because most texts end here.
    if start < 0 or body.find(b'"', start, end) >= 0:
        return None
    lists = body[start:end]
    shape = _shape(lists.translate(_ALL_ZERO, _SPACE))
    if shape is None:
        return None
    try:
        numbers = orjson.loads(b"[" + lists.translate(_NO_BRACKETS) + b"]")
        document = orjson.loads(body[:start] + b"null" + body[end:])
    except orjson.JSONDecodeError:
        return None
    places = [key for key, value in document.items() if value is None] if isinstance(document, dict) else []
    if len(places) != 1 or places[0] not in keys or len(numbers) != np.prod(shape):
        return None
    # Many lists of numbers are fractions; numpy.array would look for their common type first.
    array = np.fromiter(numbers, np.float64, len(numbers)) if b"." in lists else np.array(numbers)
    document[places[0]] = array.reshape(shape)
    return document


def _shape(text: bytes) -> list[int] | None:
    """The shape of nested lists, written without spaces and with zeros for the characters of numbers; None if it has none."""
    commas_and_brackets = text.translate(None, b"0")
    depth = len(commas_and_brackets) - len(commas_and_brackets.lstrip(b"["))
    if depth > MOST_NESTED or _has_number_beside_a_list(text):
        return None
    # From the inside: what one list looks like, and how many of them follow each other in the first list around them.
    one, shape = b"", list[int]()
    for start in range(depth, 0, -1):
        end = commas_and_brackets.find(one + b"]", start)
        if end < 0:
            return None
        shape.insert(0, (end - start) // (len(one) + 1) + 1)
        one = b"[" + b",".join([one] * shape[0]) + b"]"
    return shape if one == commas_and_brackets else None


def _has_number_beside_a_list(text: bytes) -> bool:
    """Whether `]0` or `0[` is in the text. Python's search takes ten times as long, because nearly every letter is a 0."""
    letters = np.frombuffer(text, np.uint8)
    before, after = letters[:-1], letters[1:]
    return bool((((before == ord("]")) & (after == ord("0"))) | ((before == ord("0")) & (after == ord("[")))).any())
