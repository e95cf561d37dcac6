"""The meaning of each cell kind, one module a kind; `docs/writing-a-rule.md` shows how."""
