class Markdown(str):
    """Text that is shown laid out wherever markdown is."""

    def _repr_markdown_(self):
        return self

    __repr__ = str.__str__


def row(book):
    frequent = ", ".join(word for word, _ in counts[book.name].most_common(5))
    return f"| {book.name} | {ease[book.name]} | {frequent} | {', '.join(pairs[book.name])} |"


Markdown("\n".join([
    "| text | reading ease | frequent words | pairs |",
    "|---|---|---|---|",
    *map(row, books),
]))
