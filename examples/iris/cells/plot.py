import matplotlib.pyplot as plt

plt.figure(figsize=(6, 4))
for name, group in flowers.groupby("species"):
    plt.scatter(group.petal_length, group.petal_width, label=name, alpha=0.6)

mistaken = X_test[predicted != y_test]
plt.scatter(mistaken.petal_length, mistaken.petal_width, label="mistaken",
            s=150, facecolors="none", edgecolors="black")

plt.title("Petals give irises away")
plt.xlabel("petal length (cm)")
plt.ylabel("petal width (cm)")
plt.legend(frameon=False)
plt.show()
