import pandas as pd

scores = pd.DataFrame({"logistic regression": linear_scores, "random forest": forest_scores})
table = scores.agg(["mean", "min", "max"]).T
table.map("{:.1%}".format)
