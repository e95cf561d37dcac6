from sklearn.datasets import load_iris

_iris = load_iris(as_frame=True)
flowers = _iris.data.rename(columns={
    "sepal length (cm)": "sepal_length",
    "sepal width (cm)": "sepal_width",
    "petal length (cm)": "petal_length",
    "petal width (cm)": "petal_width",
})
flowers["species"] = _iris.target_names[_iris.target]

flowers.groupby("species").mean()
