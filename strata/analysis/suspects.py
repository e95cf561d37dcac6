"""Which uses of which modules make a stored result one of many, or are lost when the cell ends.

A table of libraries, and nothing of notebooks: `strata.analysis.lint` knows what counts for which
cell. A name that is not here is never reported, so what is doubtful is left out: models that draw
numbers only under some settings (`LogisticRegression`, `PCA`), or from a fixed seed (xgboost).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from strata.core.dataclass import dataclass
from strata.loading.scope.chance import Given, How, Use


class Concern(Enum):
    """Why a use is worth a line; the value says it, before the name that is used."""

    CHANCE = "unseeded numbers from"
    UNSEEDABLE = "random values from"
    TIME = "the time from"
    NETWORK = "the network through"
    STATE = "the process changed by"


ITS_OWN = ""
"""The generator of a call that takes its seed as an argument, and no other."""

FRAMES = frozenset({"pandas", "polars", "geopandas", "dask", "modin"})
"""Libraries whose frames have a method `sample`."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """What is wrong with a use. `generator`: whose seed mends it. `readers`: the modules that see
    the changed state, as far as it can be told from their names."""

    concern: Concern
    generator: str = ITS_OWN
    readers: frozenset[str] = frozenset()


def judged(use: Use) -> Suspect | None:
    """What is wrong with one use, looked at by itself; None for nearly all."""
    top, _, rest = use.name.partition(".")
    judge = _JUDGES.get(top)
    if judge is not None and (found := judge(use, rest)) is not None:
        return found
    if use.name in _CLOCKS or _reads_clock(use):
        return Suspect(Concern.TIME)
    if use.name in _UNSEEDABLE:
        return Suspect(Concern.UNSEEDABLE)
    if use.name in _FETCHES or (use.how is How.CALLED and _goes_out(use)):
        return Suspect(Concern.NETWORK)
    return _state(use)


def seeds(use: Use) -> frozenset[str]:
    """The generators that a call seeds. A function whose name speaks of seeds seeds them all."""
    if use.how is not How.CALLED or use.name in _UNSEEDABLE:
        return frozenset()
    known = _SEEDS.get(use.name)
    if known is not None:
        given = (*use.given.positional, *use.given.keywords.values())
        return known if use.given.more or any(v is not None for v in given) else frozenset()
    last = use.name.rpartition(".")[2]
    sows = "seed" in last and last.islower() and not last.startswith(("get_", "initial_"))
    return GENERATORS if sows else frozenset()


def is_known(name: str) -> bool:
    """A call of `name`, without arguments or with some, can be a suspect or seed a generator."""
    return name in _SEEDS or judged(Use(name, name, 1, How.CALLED)) is not None


# Chance.

GENERATORS = frozenset({"random", "numpy", "torch", "tensorflow"})
"""Generators of a process: seeded in one place, used in others."""

_ALL_BUT_TORCH = GENERATORS - {"torch"}
_SEEDS: Mapping[str, frozenset[str]] = {
    "random.seed": frozenset({"random"}),
    "random.setstate": frozenset({"random"}),
    "numpy.random.seed": frozenset({"numpy"}),
    "numpy.random.set_state": frozenset({"numpy"}),
    "torch.manual_seed": frozenset({"torch"}),
    "torch.random.manual_seed": frozenset({"torch"}),
    "torch.set_rng_state": frozenset({"torch"}),
    "torch.cuda.manual_seed": frozenset({"torch"}),
    "torch.cuda.manual_seed_all": frozenset({"torch"}),
    "torch.seed": frozenset(),
    "tensorflow.random.set_seed": frozenset({"tensorflow"}),
    "keras.utils.set_random_seed": GENERATORS,
    "tensorflow.keras.utils.set_random_seed": _ALL_BUT_TORCH,
}

_UNSEEDABLE = frozenset(
    {"os.urandom", "os.getrandom", "random.SystemRandom", "secrets.SystemRandom"}
    | {f"secrets.{name}" for name in ("token_hex", "token_bytes", "token_urlsafe")}
    | {f"secrets.{name}" for name in ("choice", "randbelow", "randbits")}
    | {f"uuid.uuid{version}" for version in (1, 4, 6, 7)}
)


def _random(use: Use, rest: str) -> Suspect | None:
    if rest == "Random":
        return _if_unseeded(use, ITS_OWN, "x", 0)
    draws = rest.islower() and rest.isalnum() and rest not in ("seed", "setstate", "getstate")
    return Suspect(Concern.CHANCE, "random") if draws else None


_NUMPY_OTHERS = frozenset({"seed", "get_state", "set_state", "mtrand", "bit_generator"})
_NUMPY_OWN = frozenset(
    {"default_rng", "RandomState", "PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"}
    | {"SeedSequence"}
)


def _numpy(use: Use, rest: str) -> Suspect | None:
    module, _, name = rest.partition(".")
    if module != "random" or not name or "." in name:
        return None
    if name in _NUMPY_OWN:
        return _if_unseeded(use, ITS_OWN, "seed", 0)
    legacy = name.islower() and not name.startswith("_") and name not in _NUMPY_OTHERS
    return Suspect(Concern.CHANCE, "numpy") if legacy else None


_TORCH = frozenset(
    {"rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like"}
    | {"normal", "bernoulli", "multinomial", "utils.data.random_split"}
)


def _torch(use: Use, rest: str) -> Suspect | None:
    shuffles = rest == "utils.data.DataLoader" and use.given.keywords.get("shuffle") is True
    if rest in _TORCH or shuffles:
        return _if_unseeded(use, "torch", "generator")
    return None


_TENSORFLOW = frozenset({"normal", "uniform", "shuffle", "truncated_normal", "categorical"})
_TENSORFLOW |= {"gamma", "poisson"}


def _tensorflow(use: Use, rest: str) -> Suspect | None:
    module, _, name = rest.partition(".")
    if module == "random" and name in _TENSORFLOW:
        return _if_unseeded(use, "tensorflow", "seed")
    return None


_TAKES_RANDOM_STATE = """
    train_test_split resample ShuffleSplit StratifiedShuffleSplit GroupShuffleSplit RepeatedKFold
    RepeatedStratifiedKFold RandomizedSearchCV permutation_importance
    DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor
    RandomForestClassifier RandomForestRegressor ExtraTreesClassifier ExtraTreesRegressor
    RandomTreesEmbedding GradientBoostingClassifier GradientBoostingRegressor
    AdaBoostClassifier AdaBoostRegressor BaggingClassifier BaggingRegressor IsolationForest
    MLPClassifier MLPRegressor BernoulliRBM SGDClassifier SGDRegressor SGDOneClassSVM Perceptron
    PassiveAggressiveClassifier PassiveAggressiveRegressor RANSACRegressor
    KMeans MiniBatchKMeans BisectingKMeans SpectralClustering GaussianMixture
    BayesianGaussianMixture TSNE MDS NMF MiniBatchNMF TruncatedSVD FastICA
    LatentDirichletAllocation DictionaryLearning MiniBatchDictionaryLearning
    GaussianRandomProjection SparseRandomProjection RBFSampler Nystroem
"""
_SKLEARN = frozenset(_TAKES_RANDOM_STATE.split())
"""What takes `random_state`, and draws numbers with all its other arguments left alone."""
_SKLEARN_IF_SHUFFLED = frozenset({"KFold", "StratifiedKFold", "StratifiedGroupKFold"})


def _sklearn(use: Use, rest: str) -> Suspect | None:
    name = rest.rpartition(".")[2]
    draws = name in _SKLEARN or rest == "utils.shuffle" or rest.startswith("datasets.make_")
    if name in _SKLEARN_IF_SHUFFLED:
        draws = use.given.keywords.get("shuffle") is True
    if name == "train_test_split" and use.given.keywords.get("shuffle") is False:
        draws = False
    if draws:
        return _if_unseeded(use, "numpy", "random_state")
    return Suspect(Concern.NETWORK) if rest.startswith("datasets.fetch_") else None


def _scipy(use: Use, rest: str) -> Suspect | None:
    draws = rest.startswith("stats.") and rest.endswith(".rvs")
    return _if_unseeded(use, "numpy", "random_state") if draws else None


_RESAMPLERS = frozenset({"SMOTE", "SMOTENC", "BorderlineSMOTE", "ADASYN"})
_RESAMPLERS |= {"RandomOverSampler", "RandomUnderSampler"}


def _imblearn(use: Use, rest: str) -> Suspect | None:
    draws = rest.rpartition(".")[2] in _RESAMPLERS
    return _if_unseeded(use, "numpy", "random_state") if draws else None


def _umap(use: Use, rest: str) -> Suspect | None:
    return _if_unseeded(use, "numpy", "random_state") if rest.endswith("UMAP") else None


_OF_FRAMES = frozenset({"n", "frac", "replace", "weights", "axis", "ignore_index", "fraction"})
_OF_FRAMES |= {"with_replacement"}


def _method(use: Use, rest: str) -> Suspect | None:
    """`df.sample(5)`, told from what others call `sample` by its arguments."""
    given = use.given
    sized = len(given.positional) == 1 and type(given.positional[0]) is int and not given.keywords
    if not sized and not _OF_FRAMES & given.keywords.keys():
        return None
    if any(given.keywords.get(name) is not None for name in ("seed", "rng")):
        return None
    return _if_unseeded(use, "numpy", "random_state", readers=FRAMES)


def _if_unseeded(
    use: Use,
    generator: str,
    keyword: str,
    position: int | None = None,
    readers: frozenset[str] = frozenset(),
) -> Suspect | None:
    """The suspect, if the call has no seed, or None for one. What is only named draws nothing."""
    given = use.given
    if use.how is not How.CALLED or given.more or given.keywords.get(keyword) is not None:
        return None
    if position is not None and given.positional[position:] not in ((), (None,)):
        return None
    return Suspect(Concern.CHANCE, generator, readers)


_JUDGES: Mapping[str, Callable[[Use, str], Suspect | None]] = {
    "": _method,
    "random": _random,
    "numpy": _numpy,
    "torch": _torch,
    "tensorflow": _tensorflow,
    "sklearn": _sklearn,
    "scipy": _scipy,
    "imblearn": _imblearn,
    "umap": _umap,
}

# Time.

_CLOCKS = frozenset(
    {"time.time", "time.time_ns", "datetime.date.today"}
    | {f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")}
    | {f"pandas.Timestamp.{name}" for name in ("now", "utcnow", "today")}
    | {"arrow.now", "arrow.utcnow", "pendulum.now", "pendulum.today", "pendulum.yesterday"}
)
_CLOCKS_WITHOUT_ARGUMENT = {
    "time.localtime": 0,
    "time.gmtime": 0,
    "time.ctime": 0,
    "time.asctime": 0,
    "time.strftime": 1,
}
"""Function to how many arguments it may have and still ask the clock."""
_CLOCKS_BY_WORD = frozenset({"pandas.to_datetime", "pandas.Timestamp", "numpy.datetime64"})


def _reads_clock(use: Use) -> bool:
    if use.how is not How.CALLED:
        return False
    given = use.given
    most = _CLOCKS_WITHOUT_ARGUMENT.get(use.name)
    if most is not None:
        return len(given.positional) <= most and not given.more
    return use.name in _CLOCKS_BY_WORD and given.positional[:1] in (("now",), ("today",))


# Network.

_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request")
_FETCHES = frozenset(
    {f"{library}.{verb}" for library in ("requests", "httpx") for verb in _VERBS}
    | {"httpx.stream", "urllib.request.urlopen", "urllib.request.urlretrieve", "aiohttp.request"}
    | {"urllib3.request", "huggingface_hub.hf_hub_download", "huggingface_hub.snapshot_download"}
    | {"seaborn.load_dataset", "yfinance.download", "wget.download", "gdown.download"}
)
_CLIENTS = frozenset(
    {"requests.Session", "requests.session", "httpx.Client", "httpx.AsyncClient"}
    | {"aiohttp.ClientSession", "urllib3.PoolManager", "yfinance.Ticker", "yfinance.Tickers"}
    | {"boto3.client", "boto3.resource", "boto3.Session", "boto3.session.Session"}
    | {"openai.OpenAI", "openai.AsyncOpenAI", "anthropic.Anthropic", "anthropic.AsyncAnthropic"}
)
_READERS = (
    *("pandas.read_", "polars.read_", "polars.scan_", "geopandas.read_", "pyarrow."),
    *("numpy.loadtxt", "numpy.genfromtxt", "xarray.open_"),
)
_REMOTE = (
    *("http://", "https://", "ftp://", "s3://", "gs://", "gcs://", "az://"),
    *("abfs://", "abfss://", "hf://"),
)
_LOCAL_BUILDERS = frozenset({"csv", "json", "parquet", "text", "arrow", "pandas", "imagefolder"})


def _goes_out(call: Use) -> bool:
    if call.name in _CLIENTS:
        return True
    if call.name == "datasets.load_dataset":
        return call.given.positional[:1] != () and not _is_local(call.given)
    return call.name.startswith(_READERS) and _is_remote(call.given)


def _is_local(given: Given) -> bool:
    """`load_dataset("csv", data_files="x.csv")` reads what is there."""
    first = given.positional[0]
    if isinstance(first, str) and first in _LOCAL_BUILDERS:
        return not _is_remote(Given((given.keywords.get("data_files"),)))
    return not isinstance(first, str) or first.startswith((".", "/"))


def _is_remote(given: Given) -> bool:
    named = (given.keywords.get(name) for name in ("filepath_or_buffer", "path", "io", "source"))
    places = (*given.positional[:1], *named)
    return any(isinstance(place, str) and place.startswith(_REMOTE) for place in places)


# State of the process.

_PLOTS = frozenset({"matplotlib", "seaborn"})
_STATE: Mapping[str, frozenset[str]] = {
    "os.chdir": frozenset({"os"}),
    "os.putenv": frozenset({"os"}),
    "os.environ.update": frozenset({"os"}),
    "os.environ.setdefault": frozenset({"os"}),
    "sys.path.append": frozenset({"sys"}),
    "sys.path.insert": frozenset({"sys"}),
    "sys.path.extend": frozenset({"sys"}),
    "pandas.set_option": frozenset({"pandas"}),
    "numpy.set_printoptions": frozenset({"numpy"}),
    "numpy.seterr": frozenset({"numpy"}),
    "polars.Config.set_tbl_rows": frozenset({"polars"}),
    "polars.Config.set_tbl_cols": frozenset({"polars"}),
    "polars.Config.set_fmt_str_lengths": frozenset({"polars"}),
    "sklearn.set_config": frozenset({"sklearn"}),
    "torch.set_default_dtype": frozenset({"torch"}),
    "torch.set_default_device": frozenset({"torch"}),
    "torch.set_printoptions": frozenset({"torch"}),
    "torch.set_num_threads": frozenset({"torch"}),
    "torch.use_deterministic_algorithms": frozenset({"torch"}),
    "matplotlib.use": _PLOTS,
    "matplotlib.rc": _PLOTS,
    "matplotlib.rcParams.update": _PLOTS,
    "matplotlib.style.use": _PLOTS,
    "matplotlib.pyplot.rc": _PLOTS,
    "matplotlib.pyplot.rcParams.update": _PLOTS,
    "matplotlib.pyplot.style.use": _PLOTS,
    "seaborn.set": _PLOTS,
    "seaborn.set_theme": _PLOTS,
    "seaborn.set_style": _PLOTS,
    "seaborn.set_context": _PLOTS,
    "seaborn.set_palette": _PLOTS,
    "warnings.filterwarnings": frozenset({"warnings"}),
    "warnings.simplefilter": frozenset({"warnings"}),
    "locale.setlocale": frozenset({"locale"}),
    "logging.basicConfig": frozenset({"logging"}),
}
"""Calls that change what modules do from then on, and the modules that show it."""
_CHANGED: Mapping[str, frozenset[str]] = {
    "os.environ": frozenset({"os"}),
    "sys.path": frozenset({"sys"}),
    "pandas.options": frozenset({"pandas"}),
    "matplotlib.rcParams": _PLOTS,
    "matplotlib.pyplot.rcParams": _PLOTS,
    "plotly.io.templates.default": frozenset({"plotly"}),
}


def _state(use: Use) -> Suspect | None:
    readers = None
    if use.how is How.CALLED:
        readers = _STATE.get(use.name)
    elif use.how is How.CHANGED:
        name = "pandas.options" if use.name.startswith("pandas.options.") else use.name
        readers = _CHANGED.get(name)
    return None if readers is None else Suspect(Concern.STATE, readers=readers)
