def syllables(word):
    """How many groups of vowels there are, a silent 'e' at the end left out."""
    return max(1, len(re.findall(r"[aeiouy]+", re.sub(r"[^aeiouyl]e$", "", word))))


def reading_ease(book):
    """Flesch's formula of 1948: comics score 90, the conditions of an insurance 10."""
    words = book.words
    words_per_sentence = len(words) / len(book.sentences)
    syllables_per_word = sum(map(syllables, words)) / len(words)
    return 206.835 - 1.015 * words_per_sentence - 84.6 * syllables_per_word


ease = {book.name: round(reading_ease(book)) for book in books}
ease
