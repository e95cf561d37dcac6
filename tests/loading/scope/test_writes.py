"""Which string literals can name a file that a cell reads, and which say where it writes."""

from __future__ import annotations

import pytest

from strata.loading.scope import scan

READS = [
    "open('f').read()",
    "open('f', 'rb')",
    "open('f', 'r+')",
    "open('f', mode='r')",
    "pd.read_csv('f')",
    "Path('f').read_text()",
    "p = 'f'\nopen(p, 'w')",
    "load('f')\nopen('f', 'w')",
]
WRITES = [
    "open('f', 'w')",
    "open('f', mode='ab')",
    "Path('f').open('x')",
    "Path('f').write_text(text)",
    "df.to_csv('f')",
    "df.to_parquet(path='f')",
    "plt.savefig('f')",
    "np.save('f', x)",
    "joblib.dump(model, 'f')",
    "json.dump(x, open('f', 'w'))",
    "os.remove('f')",
]


@pytest.mark.parametrize("source", READS)
def test_a_literal_that_may_be_read_is_an_input(source: str) -> None:
    assert "f" in scan(source, "cell.py").literals


@pytest.mark.parametrize("source", WRITES)
def test_a_literal_that_says_where_to_write_is_none(source: str) -> None:
    assert "f" not in scan(source, "cell.py").literals


@pytest.mark.parametrize(
    ("source", "places"),
    [
        ("pl.read_parquet('data')", {"data"}),
        ("pd.read_csv(['a.csv', 'b.csv'])", {"a.csv", "b.csv"}),
        ("glob.glob('data/*.csv')", {"data/*.csv"}),
        ("Path('data').glob('*.csv')", {"data/*.csv"}),
        ("Path('data').rglob('*.csv')", {"data/**/*.csv"}),
        ("Path('data/').iterdir()", {"data/*"}),
        ("ds.dataset(source='data')", {"data"}),
        ("os.listdir('data')", {"data"}),
        ("duckdb.sql(\"select * from 'data/*.parquet'\")", {"data/*.parquet"}),
        ('q = """\nselect *\nfrom \'x.csv\'\n"""', {"x.csv"}),
        ("Path('figures').mkdir()", set()),
        ("df['data']", set()),
        ("open('out', 'w')", set()),
    ],
)
def test_only_where_something_is_read_may_a_text_mean_a_folder(
    source: str, places: set[str]
) -> None:
    assert set(scan(source, "cell.py").places) == places


def test_what_is_written_is_told_too() -> None:
    assert scan("df.to_csv('out.csv')\nopen('log', 'w')", "cell.py").writes == ("log", "out.csv")
