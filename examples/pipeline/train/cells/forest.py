from sklearn.ensemble import RandomForestClassifier

forest = RandomForestClassifier(n_estimators=50, random_state=0)
forest_scores = accuracies(forest, clean)
forest_scores.round(3)
