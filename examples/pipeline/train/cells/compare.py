from sklearn.model_selection import cross_val_score


def accuracies(model, wines):
    """How often the model is right on each fifth of the wines, having seen the other four."""
    return cross_val_score(model, wines.drop(columns="cultivar"), wines["cultivar"], cv=5)
