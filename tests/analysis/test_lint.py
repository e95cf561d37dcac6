"""Which cells get a line, what it says, and which get none."""

from __future__ import annotations

import pytest

from strata.analysis.lint import Lint
from tests.factories import cell, joined, joined_cells, label, notebook


def lines(**cells: str) -> dict[str, str]:
    """The lines about the cells of one notebook, by id; cells without one are left out."""
    found = joined_cells(**cells)
    lint = Lint(list(found.values()))
    said = {name: lint.line(one.label) for name, one in found.items()}
    return {name: line for name, line in said.items() if line is not None}


def line(source: str) -> str | None:
    """The line about the only cell of a notebook."""
    return lines(a=source).get("a")


# What is said.


def test_chance_is_told_with_its_place_and_both_cures() -> None:
    assert line("import numpy as np\n\nx = np.random.rand(3)") == (
        "nb/cells/a.py:3: unseeded numbers from np.random.rand: "
        "the stored result is one draw; give a seed, or `# @nocache`"
    )


def test_the_time_is_told() -> None:
    assert line("from datetime import datetime as dt\nx = dt.now()") == (
        "nb/cells/a.py:2: the time from dt.now: the stored result is that of one run; `# @nocache`"
    )


def test_the_network_is_told() -> None:
    assert line("import requests\nx = requests.get(url='u').text") == (
        "nb/cells/a.py:2: the network through requests.get: "
        "the stored result is that of one run; fetch once into a file, or `# @nocache`"
    )


def test_several_findings_are_one_line_with_three_names() -> None:
    text = "import random, time, uuid\nt = time.time()\na = random.random()\nb = random.choice([1])"
    assert line(text) == (
        "nb/cells/a.py:2: unseeded numbers from random.random and random.choice and "
        "the time from time.time: the stored result is that of one run; "
        "give a seed, or `# @nocache`"
    )
    assert "and more: " in (line(f"{text}\nc = uuid.uuid4()") or "")


def test_a_seed_in_another_cell_is_told_to_hold_there_only() -> None:
    said = lines(
        setup="import numpy as np\nnp.random.seed(0)",
        draw="x = np.random.rand()\ny = np.random.rand()",
    )
    assert said == {
        "setup": "nb/cells/setup.py:2: np.random.seed changes this cell's process only, and each "
        "cell has a fresh one: do it in each cell that needs it, or in a module they import",
        "draw": "nb/cells/draw.py:1: unseeded numbers from np.random.rand (the seed in //nb:setup "
        "does not reach this cell): the stored result is one draw; give a seed, or `# @nocache`",
    }


def test_a_seed_in_a_later_cell_is_not_spoken_of() -> None:
    said = lines(a="import random\nx = random.random()", b="random.seed(0)\ny = random.random()")
    assert list(said) == ["a"]
    assert "//nb:b" not in said["a"]


def test_what_stays_and_what_goes_are_one_line() -> None:
    said = lines(
        a="import pandas as pd\nimport time\npd.set_option('a', 1)\nt = time.time()",
        b="df = pd.DataFrame()",
    )
    assert said == {
        "a": "nb/cells/a.py:3: the time from time.time: the stored result is that of one run; "
        "`# @nocache`; pd.set_option changes this cell's process only, and each cell has a fresh "
        "one: do it in each cell that needs it, or in a module they import"
    }


# Chance.

UNSEEDED = [
    "import random\nx = random.random()",
    "import random\nrandom.shuffle([1])",
    "import random\nr = random.Random()",
    "import random\nr = random.Random(None)",
    "from random import *\nx = randint(1, 6)",
    "import numpy as np\nx = np.random.normal(0, 1)",
    "import numpy as np\nr = np.random.default_rng()",
    "import numpy as np\nr = np.random.default_rng(seed=None)",
    "import numpy as np\nnp.random.seed()\nx = np.random.rand()",
    "import numpy as np\nnp.random.seed(None)\nx = np.random.rand()",
    "import numpy as np\nx = np.random.rand()\nnp.random.seed(0)",
    "import random\nimport numpy as np\nrandom.seed(0)\nx = np.random.rand()",
    "import numpy as np\nnp.random.seed(0)\nr = np.random.default_rng()",
    "import torch\nx = torch.randn(3)",
    "import torch\nd = torch.utils.data.DataLoader([1], shuffle=True)",
    "import tensorflow as tf\nx = tf.random.normal([1])",
    "import secrets\nx = secrets.token_hex()",
    "import os\nx = os.urandom(4)",
    "from uuid import uuid4\nx = str(uuid4())",
    "import uuid\nimport random\nrandom.seed(0)\nx = uuid.uuid1()",
    "from dataclasses import field\nfrom uuid import uuid4\nx = field(default_factory=uuid4)",
    "from sklearn.model_selection import train_test_split\na = train_test_split([1])",
    "from sklearn.cluster import KMeans\na = KMeans(3)",
    "from sklearn.cluster import KMeans\na = KMeans(3, random_state=None)",
    "from sklearn import ensemble\na = ensemble.RandomForestClassifier()",
    "from sklearn.datasets import make_blobs\na = make_blobs()",
    "from sklearn.utils import shuffle\na = shuffle([1])",
    "from sklearn.model_selection import KFold\na = KFold(5, shuffle=True)",
    "import scipy.stats\nx = scipy.stats.norm.rvs(size=3)",
    "import pandas as pd\ndf = pd.DataFrame()\nx = df.sample(5)",
    "import pandas as pd\ndf = pd.DataFrame()\nx = df.groupby('a').sample(frac=0.5)",
]


@pytest.mark.parametrize("source", UNSEEDED)
def test_chance_without_a_seed_is_reported(source: str) -> None:
    assert line(source) is not None


SEEDED = [
    "import random\nrandom.seed(1)\nx = random.random()",
    "import random\nr = random.Random(1)\nx = r.random()",
    "from random import *\nseed(1)\nx = random()",
    "import numpy as np\nnp.random.seed(1)\nx = np.random.rand()",
    "import numpy as np\nr = np.random.default_rng(1)\nx = r.random()",
    "import numpy as np\nr = np.random.default_rng(seed=s)\ns = 1",
    "import numpy as np\ndef f(g: np.random.Generator): ...",
    "import numpy as np\nx = isinstance(1, np.random.RandomState)",
    "import torch\ntorch.manual_seed(1)\nx = torch.rand(1)",
    "import torch\nx = torch.rand(1, generator=torch.Generator().manual_seed(1))",
    "import keras, numpy as np\nkeras.utils.set_random_seed(1)\nx = np.random.rand()",
    "from transformers import set_seed\nimport numpy as np\nset_seed(1)\nx = np.random.rand()",
    "import lightning as L, torch\nL.seed_everything(1)\nx = torch.rand(1)",
    "from sklearn.cluster import KMeans\na = KMeans(3, random_state=0)",
    "from sklearn.cluster import KMeans\na = KMeans(3, **options)\noptions = {}",
    "from sklearn.cluster import KMeans\nimport numpy as np\nnp.random.seed(0)\na = KMeans(3)",
    "from sklearn.cluster import KMeans\nmodels = [KMeans]",
    "from sklearn.model_selection import train_test_split as s\na = s([1], shuffle=False)",
    "from sklearn.model_selection import KFold\na = KFold(5)",
    "from sklearn.linear_model import LogisticRegression\na = LogisticRegression()",
    "import pandas as pd\ndf = pd.DataFrame()\nx = df.sample(5, random_state=0)",
    "import polars as pl\ndf = pl.DataFrame()\nx = df.sample(n=5, seed=0)",
    "import uuid\nx = uuid.uuid5(uuid.NAMESPACE_DNS, 'x')",
    "import secrets\nx = secrets.compare_digest('a', 'b')",
    "import random\ndef f():\n    return random.random()",
]


@pytest.mark.parametrize("source", SEEDED)
def test_chance_with_a_seed_and_what_draws_nothing_is_not(source: str) -> None:
    assert line(source) is None


def test_a_method_sample_of_something_else_than_a_frame_is_not_reported() -> None:
    assert line("x = population.sample(5)\npopulation = None") is None
    own = "import pandas\nclass Deck:\n    def sample(self, n): ...\nx = Deck()\nx.sample(5)"
    assert line(own) is None


# Definitions: held against the cell that runs them.


def test_a_function_that_draws_is_held_against_the_cell_that_calls_it() -> None:
    said = lines(
        a="import random\n"
        "def inner():\n    return random.random()\ndef outer():\n    return inner()",
        b="x = outer()",
        c="import random\nrandom.seed(0)\ny = outer()",
        d="# @nocache\nz = outer()",
    )
    assert list(said) == ["b"]
    assert said["b"].startswith("nb/cells/a.py:3: unseeded numbers from random.random")


def test_a_function_that_a_cell_defines_and_calls_counts_for_it() -> None:
    assert line("import time\ndef now():\n    return time.time()\nx = now()") is not None
    text = "import random\nclass Die:\n    def roll(self):\n        return random.random()"
    assert line(f"{text}\nx = Die().roll()") is not None


def test_a_seed_within_a_function_of_another_cell_counts_where_it_is_called() -> None:
    said = lines(
        a="import random\nimport numpy as np\n"
        "def set_all(s):\n    random.seed(s)\n    np.random.seed(s)",
        b="set_all(1)\nx = np.random.rand() + random.random()",
        c="y = np.random.rand()",
    )
    assert list(said) == ["c"]


def test_recursion_between_cells_ends() -> None:
    said = lines(
        a="def even(n):\n    return n == 0 or odd(n - 1)",
        b="def odd(n):\n    return n != 0 and even(n - 1)",
        c="x = even(4)",
    )
    assert said == {}


# Time and network.

MOVING = [
    "import time\nx = time.time_ns()",
    "import time\nx = time.strftime('%Y')",
    "from time import localtime\nx = localtime()",
    "import datetime\nx = datetime.datetime.now(datetime.timezone.utc)",
    "from datetime import date\nx = date.today()",
    "import pandas as pd\nx = pd.Timestamp.now()",
    "import pandas as pd\nx = pd.to_datetime('today')",
    "import urllib.request\nx = urllib.request.urlopen('http://x')",
    "import httpx\nwith httpx.Client() as client:\n    x = client.get('http://x')",
    "import requests\nx = list(map(requests.get, ['http://x']))",
    "import pandas as pd\nx = pd.read_csv('https://x/y.csv')",
    "import pandas as pd\nbase = 'https://x'\nx = pd.read_parquet(f'{base}/y')",
    "import polars as pl\nx = pl.scan_parquet(source='s3://x/y')",
    "from sklearn.datasets import fetch_openml\nx = fetch_openml('mnist')",
    "from datasets import load_dataset\nx = load_dataset('imdb')",
]


@pytest.mark.parametrize("source", MOVING)
def test_the_clock_and_the_network_are_reported(source: str) -> None:
    assert line(source) is not None


STILL = [
    "import time\nstart = time.perf_counter()\ntime.sleep(0)\nx = time.monotonic()",
    "import time\nx = time.localtime(0)\ny = time.strftime('%Y', x)",
    "from datetime import datetime\nx = datetime(2020, 1, 1)\ny = datetime.fromtimestamp(0)",
    "import pandas as pd\nx = pd.Timestamp('2020-01-01')\ny = pd.to_datetime(['today'])",
    "import pandas as pd\nx = pd.read_csv('data.csv')",
    "import requests\ntry:\n    x = 1\nexcept requests.RequestException:\n    x = 2",
    "import requests\ndef f(s: requests.Session): ...",
    "from datasets import load_dataset\nx = load_dataset('csv', data_files='x.csv')",
    "from urllib.parse import urlparse\nx = urlparse('http://x')",
    "clock = None\nx = clock.now()\ny = clock.today()",
    "x = 'time.time() random.random()'",
]


@pytest.mark.parametrize("source", STILL)
def test_what_gives_the_same_in_every_run_is_not_reported(source: str) -> None:
    assert line(source) is None


def test_a_cell_that_is_not_cached_draws_what_it_likes() -> None:
    assert line("# @nocache\nimport random\nx = random.random()") is None


def test_a_module_of_the_notebook_hides_the_library_of_that_name() -> None:
    found = joined_cells(a="from datasets import load_dataset\nx = load_dataset('mine')")
    local = {("nb", "datasets")}
    lint = Lint(list(found.values()), lambda package, module: (package, module) in local)
    assert lint.line(label("a")) is None


# The process of a cell, lost at its end.

LOST = [
    ("import pandas as pd\npd.set_option('a', 1)", "x = pd.DataFrame()"),
    ("import pandas as pd\npd.options.display.max_rows = 5", "x = pd.DataFrame()"),
    ("import matplotlib.pyplot as plt\nplt.rcParams['a'] = 1", "plt.plot([1])"),
    ("import matplotlib.pyplot as plt\nplt.style.use('ggplot')", "plt.plot([1])"),
    ("import seaborn as sns\nsns.set_theme()", "import matplotlib.pyplot as plt\nplt.plot([1])"),
    ("import numpy as np\nnp.set_printoptions(precision=2)", "x = np.zeros(1)"),
    ("import torch\ntorch.set_default_dtype(torch.float64)", "x = torch.zeros(1)"),
    ("import os\nos.chdir('data')", "x = 1"),
    ("import os\nwhere = 'data'\nos.chdir(where)", "x = open('x.csv').read()"),
    ("import os\nos.environ['A_B'] = '1'", "x = 1"),
    ("import os\nhere = 1\nos.environ['A_B'] = '1'", "import os\nx = os.environ['A_B']"),
    ("import sys\nsys.path.append('lib')", "import helper"),
    ("import sys\nsys.path.append('lib')\nimport helper\nx = helper.x", "y = helper.y"),
    ("import random\nrandom.seed(1)", "# @nocache\nx = random.random()"),
    ("# @nocache\nimport os\nos.chdir('data')", "x = 1"),
]


@pytest.mark.parametrize(("first", "second"), LOST)
def test_a_change_of_the_process_that_a_later_cell_seems_to_need_is_reported(
    first: str, second: str
) -> None:
    assert list(lines(first=first, second=second)) == ["first"]


KEPT = [
    ("import pandas as pd\npd.set_option('a', 1)\nx = pd.DataFrame()", "y = 1"),
    ("import pandas as pd\nwith pd.option_context('a', 1):\n    print(1)", "y = pd.DataFrame()"),
    ("import matplotlib.pyplot as plt\nplt.rcParams['a'] = 1\nplt.plot([1])", "y = 1"),
    ("import os\nhere = os.getcwd()\nos.chdir('data')", "x = 1"),
    ("import os\nx = os.environ['A']", "y = 1"),
    ("import os\nx = 1\nos.environ['A_B'] = '1'", "y = 1"),
    ("import sys\nimport os\nsys.path.append('lib')\nx = 1", "y = os.name"),
    ("import random\nrandom.seed(1)\nx = random.random()", "y = 1"),
    ("import random\nrandom.seed(1)", "random.seed(2)\nx = random.random()"),
    ("import warnings\nwarnings.filterwarnings('ignore')", "y = 1"),
    (
        "import warnings\nwith warnings.catch_warnings():\n    warnings.simplefilter('ignore')",
        "warnings.warn('x')",
    ),
]


@pytest.mark.parametrize(("first", "second"), KEPT)
def test_a_change_that_no_later_cell_seems_to_need_is_not(first: str, second: str) -> None:
    assert lines(first=first, second=second) == {}


def test_a_change_in_the_last_cell_is_lost_on_nobody() -> None:
    assert lines(first="x = 1", last="import os\nos.chdir('data')") == {}


# Robustness.


def test_broken_cells_and_other_kinds_get_no_line_and_harm_no_other() -> None:
    cells = [
        cell("broken", "import random\nx = random.random("),
        cell("lacking", "import random\ny = random.random() + nowhere"),
        cell("text", "random.random()", kind="markdown", file="text.md"),
        cell("good", "import random\nz = random.random()"),
    ]
    found = joined(notebook(cells))
    lint = Lint(list(found.values()))
    said = [one.label.name for one in found.values() if lint.line(one.label) is not None]
    assert said == ["good"]


def test_an_import_of_another_notebook_means_what_it_means_there() -> None:
    found = joined(
        notebook({"a": "import random as r"}, package="lib"),
        notebook({"b": "x = r.random()"}, inputs={"r": "//lib:a%r"}),
    )
    assert Lint(list(found.values())).line(label("b")) is not None
