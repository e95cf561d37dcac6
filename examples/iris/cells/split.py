# A third of the flowers is kept from the tree until it is judged.
from sklearn.model_selection import train_test_split

X_train, X_test, y_train, y_test = train_test_split(
    features, flowers["species"], test_size=1 / 3, stratify=flowers["species"], random_state=0
)
y_train.value_counts()
