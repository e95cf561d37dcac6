total = sum(squares)
print(f"{len(numbers)} numbers, and their squares add up to {total}")
