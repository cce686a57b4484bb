"""Titles in their natural order: ``Alchemist, The`` is ``The Alchemist``."""

import re

_ARTICLES = (
    r"the|a|an|der|die|das|ein|eine|de|het|een|le|la|les|l['\u2019]|un|une|el|los|las|una|il|lo|gli"
)
_INVERTED = re.compile(
    rf"^(?P<main>[^:;(\[]*?\S)\s*,\s*(?P<article>{_ARTICLES})(?P<rest>\s*(?:[:;(\[/\u2013-].*)?)$",
    re.IGNORECASE | re.DOTALL,
)


def in_natural_order(title: str) -> str:
    """Return a title with its article at the start.

    The article may stand at the end, or before a subtitle: ``Hobbit,The: or There and Back Again``.
    """
    match = _INVERTED.match(title.strip())
    if match is None:
        return title
    article, main = match["article"], match["main"]
    if main[:1].isupper():
        article = article[:1].upper() + article[1:]
    blank = "" if article.endswith(("'", "\u2019")) else " "
    return f"{article}{blank}{main}{match['rest'].rstrip()}"
