import pandas as pd

predicted = pd.Series(model.predict(X_test), index=X_test.index)
accuracy = (predicted == y_test).mean()
print(f"{accuracy:.0%} of the {len(y_test)} flowers it had not seen are right")

pd.crosstab(y_test, predicted, rownames=["species"], colnames=["predicted"])
