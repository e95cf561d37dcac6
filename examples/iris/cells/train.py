from sklearn.tree import DecisionTreeClassifier, export_text

model = DecisionTreeClassifier(max_depth=2, random_state=0)
model.fit(X_train, y_train)

print(export_text(model, feature_names=list(X_train.columns)))
