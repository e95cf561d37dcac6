# The two measurements that matter most, and how far they alone tell the cultivars apart.
import matplotlib.pyplot as plt

first, second = importance.index[:2]

plt.figure(figsize=(6, 4))
for cultivar, group in clean.groupby("cultivar"):
    plt.scatter(group[first], group[second], label=cultivar, alpha=0.6)

plt.title("Three cultivars, two measurements")
plt.xlabel(first)
plt.ylabel(second)
plt.legend(title="cultivar", frameon=False)
plt.show()
