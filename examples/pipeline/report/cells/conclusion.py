class Markdown(str):
    """Text that is shown laid out wherever markdown is."""

    def _repr_markdown_(self):
        return self

    __repr__ = str.__str__


best = table["mean"].idxmax()
Markdown(
    f"The **{best}** names the cultivar of {table['mean'][best]:.0%} of the "
    f"{summary.wines.sum()} wines, by their *{first}* and *{second}* first of all."
)
