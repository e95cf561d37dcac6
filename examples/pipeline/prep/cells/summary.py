summary = wine.groupby("cultivar").agg(
    wines=("alcohol", "size"),
    alcohol=("alcohol", "mean"),
    hue=("hue", "mean"),
)
summary.round(2)
