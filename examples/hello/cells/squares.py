squares = [n * n for n in numbers]
squares
