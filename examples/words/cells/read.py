# The pattern says which files this cell reads: when one of them changes, it runs again.
# @input text/*.txt
from pathlib import Path

texts = {path.stem: path.read_text("utf-8") for path in sorted(Path("text").glob("*.txt"))}

for name, text in texts.items():
    print(f"{name:<10} {text[:50]}…")
