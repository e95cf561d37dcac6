from sklearn.datasets import load_wine

_wine = load_wine(as_frame=True)
wine = _wine.data.rename(columns={"od280/od315_of_diluted_wines": "protein_content"})
wine["cultivar"] = _wine.target.map({0: "A", 1: "B", 2: "C"})
wine.head(3)
