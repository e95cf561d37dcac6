def neighbours(sentence):
    """Pairs of telling words with at most one word between them, such as 'go … sea'."""
    for gap, between in (1, " "), (2, " … "):
        for pair in zip(sentence, sentence[gap:]):
            if len(telling(pair)) == 2:
                yield between.join(pair)


def collocations(book):
    """The three pairs that the text repeats most often."""
    counted = Counter(pair for sentence in book.sentences for pair in neighbours(sentence))
    return [pair for pair, n in counted.most_common(3) if n > 1]


pairs = {book.name: collocations(book) for book in books}
pairs
