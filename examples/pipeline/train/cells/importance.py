# Which measurements the forest looks at most.
import pandas as pd

measurements = clean.drop(columns="cultivar")
forest.fit(measurements, clean["cultivar"])

importance = pd.Series(forest.feature_importances_, index=measurements.columns)
importance = importance.sort_values(ascending=False)
importance.head(5).round(3)
