def with_areas(flowers):
    """The flowers, and roughly how large a sepal and a petal of each is, in cm²."""
    return flowers.assign(
        sepal_area=flowers.sepal_length * flowers.sepal_width,
        petal_area=flowers.petal_length * flowers.petal_width,
    )


features = with_areas(flowers.drop(columns="species"))
features.filter(like="area").describe().loc[["min", "mean", "max"]].round(1)
