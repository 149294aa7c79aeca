"""A program of its own: replaces by a regular expression, within bounds of memory. `captions_edits` runs and ends it.

It imports nothing but the standard library, so that it starts in a few milliseconds. In: JSON with pattern, replace,
flags, texts and longest. Out: JSON with texts, None where one would be longer than `longest`; or error and field.
"""

import json
import re
import sys

MEMORY_BYTES = 512 * 1024**2


def main() -> None:
    """Answer one request."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    except (ImportError, OSError, ValueError):
        pass  # not on this system: the time it gets bounds it too
    request = json.load(sys.stdin)
    json.dump(answer(request), sys.stdout)


def answer(request: dict) -> dict:  # type: ignore[type-arg]
    """Return the texts after the replacement, or what is wrong with the pattern."""
    try:
        pattern = re.compile(request["pattern"], request["flags"])
    except re.error as error:
        where = f" at character {error.pos + 1}" if error.pos is not None else ""
        return {"error": f"It is not a regular expression: {error.msg}{where}.", "field": "find"}
    except (OverflowError, RecursionError) as error:
        return {"error": f"It is too large: {error}.", "field": "find"}
    texts = []
    try:
        for text in request["texts"]:
            made = pattern.sub(request["replace"], text)
            texts.append(made if len(made) <= request["longest"] else None)
    except (re.error, IndexError) as error:
        return {"error": f"What takes its place is wrong: {error}.", "field": "replace"}
    return {"texts": texts}


if __name__ == "__main__":
    main()
