import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Book:
    """A text as sentences, each a tuple of words in lower case."""

    name: str
    sentences: tuple[tuple[str, ...], ...]

    @property
    def words(self):
        return [word for sentence in self.sentences for word in sentence]


def tokenise(text):
    """The sentences of a text; hyphens and apostrophes inside a word belong to it."""
    sentences = re.split(r"[.!?]+", text.lower())
    words = (tuple(re.findall(r"[a-z]+(?:['-][a-z]+)*", sentence)) for sentence in sentences)
    return tuple(filter(None, words))


books = [Book(name, tokenise(text)) for name, text in texts.items()]
{book.name: f"{len(book.words)} words in {len(book.sentences)} sentences" for book in books}
