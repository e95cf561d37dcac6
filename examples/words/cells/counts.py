from collections import Counter

# The name of a file, written in a cell, makes the file an input: no annotation is needed.
stopwords = frozenset(Path("stopwords.txt").read_text("utf-8").split())


def telling(words):
    """The words that say something about the text: not 'the', not 'of'."""
    return [word for word in words if word not in stopwords]


counts = {book.name: Counter(telling(book.words)) for book in books}

for name, count in counts.items():
    print(f"{name:<10} {', '.join(word for word, _ in count.most_common(8))}")
