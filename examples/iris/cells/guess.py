# A flower that Fisher never saw goes through the same function as his did.
found = pd.DataFrame([
    {"sepal_length": 6.0, "sepal_width": 2.9, "petal_length": 4.6, "petal_width": 1.4},
])
guess = model.predict(with_areas(found))[0]
print(f"It looks like Iris {guess}.")
