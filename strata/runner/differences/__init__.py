"""What differs between two values of one variable, as JSON and as lines of text.

    walk         goes through two values side by side, and keeps what it finds, bounded
    plain        numbers, text, bytes, dates: values without parts
    containers   lists, dicts, sets
    objects      everything else, by the state that pickle would keep
    arrays       NumPy arrays, and the statistics of numbers
    tables       what data frames and tables have in common
    frames       pandas
    arrow        pyarrow
    text         the lines

Nothing is imported here that the values did not bring along. Code of the values' own classes runs
only where pickle runs it too; whatever it raises, an answer is given.
"""
