"""What import names mean whose distribution is called otherwise: `sklearn` is `scikit-learn`.

Data alone; `strata.loading.distributions` reads it. A line is an import name, dotted where several
distributions share the folder above, and the distributions that have such a module, by their
normalized names. Names that differ in case, `.`, `_` and `-` only need no line: `google.auth` is
`google-auth`. A name that is missing here is found when a cell has run; it is then not in the key
but in what was observed, so a line saves a second lookup, and one that is wrong costs a rerun.
"""

from __future__ import annotations

TABLE = """
# Numbers, data frames, plots
sklearn scikit-learn scikit-learn-intelex
skimage scikit-image
sksurv scikit-survival
skopt scikit-optimize
skfuzzy scikit-fuzzy
skbio scikit-bio
skmultilearn scikit-multilearn
skrf scikit-rf
sklearnex scikit-learn-intelex
daal4py scikit-learn-intelex
imblearn imbalanced-learn
umap umap-learn
igraph python-igraph
community python-louvain
pylab matplotlib
mpl_toolkits matplotlib basemap
PIL pillow pillow-simd
cv2 opencv-python opencv-python-headless opencv-contrib-python opencv-contrib-python-headless
fitz pymupdf pymupdfb
osgeo gdal
ogr gdal
osr gdal
pptx python-pptx
docx python-docx
odf odfpy
Levenshtein python-levenshtein
pywt pywavelets
h5py h5py-nightly
shapefile pyshp
ee earthengine-api
faiss faiss-cpu faiss-gpu faiss-gpu-cu11 faiss-gpu-cu12
hnswlib chroma-hnswlib
ot pot
Bio biopython
BioSQL biopython
Orange orange3
rdkit rdkit-pypi
openbabel openbabel-wheel
pybel openbabel openbabel-wheel
itk itk-core
dicom pydicom
vtkmodules vtk
stl numpy-stl
cupy cupy-cuda11x cupy-cuda12x cupy-cuda13x
cupyx cupy cupy-cuda11x cupy-cuda12x cupy-cuda13x
cudf cudf-cu11 cudf-cu12 cudf-cu13
cuml cuml-cu11 cuml-cu12 cuml-cu13
cugraph cugraph-cu11 cugraph-cu12 cugraph-cu13
rmm rmm-cu11 rmm-cu12 rmm-cu13
polars polars-lts-cpu polars-u64-idx
_polars_runtime_32 polars-runtime-32
pyspark pyspark-client databricks-connect
delta delta-spark
pyarrow pyarrow-core
avro avro-python3
snappy python-snappy
brotli brotlicffi brotlipy
lzo python-lzo

# Learning machines
torch torch-nightly intel-extension-for-pytorch
torchgen torch
functorch torch
lightning_fabric lightning pytorch-lightning
pytorch_lightning lightning
tensorflow tensorflow-cpu tensorflow-gpu tensorflow-macos tensorflow-intel tf-nightly tf-nightly-cpu
tensorboard tb-nightly
keras keras-nightly
tf_keras tf-keras-nightly
tensorflow_datasets tfds-nightly
tensorflow_probability tfp-nightly
tflite_runtime tflite-runtime-nightly
onnxruntime onnxruntime-gpu onnxruntime-directml onnxruntime-openvino onnxruntime-training
onnx onnx-weekly
xgboost xgboost-cpu
triton pytorch-triton pytorch-triton-rocm triton-windows
whisper openai-whisper
llama_cpp llama-cpp-python
ray ray-cpp
mlflow mlflow-skinny
sagemaker sagemaker-core
tensorrt tensorrt-cu12 tensorrt-cu13
MeCab mecab-python3 mecab-python
opencc opencc-python-reimplemented
fasttext fasttext-wheel
speech_recognition speechrecognition
dlib dlib-bin
decord eva-decord
ffmpeg ffmpeg-python python-ffmpeg
clip openai-clip clip-anytorch
open_clip open-clip-torch
pycocotools pycocotools-windows
mmcv mmcv-full mmcv-lite
hydra hydra-core
dgl dgl-cu110
ax ax-platform
theano theano-pymc
pyro pyro-ppl
stan pystan
haystack haystack-ai farm-haystack
chromadb chromadb-client
pinecone pinecone-client
weaviate weaviate-client

# Text, files, formats
yaml pyyaml
_yaml pyyaml
bs4 beautifulsoup4
dateutil python-dateutil
slugify python-slugify unicode-slugify
dotenv python-dotenv
decouple python-decouple
environ django-environ environ-config
mdx_math python-markdown-math
frontmatter python-frontmatter
jose python-jose
jwt pyjwt
magic python-magic python-magic-bin
attr attrs
cattr cattrs
validate configobj
pkg_resources setuptools
_distutils_hack setuptools
distutils setuptools
past future
libfuturize future
Xlib python-xlib
Crypto pycryptodome pycrypto
Cryptodome pycryptodomex
OpenSSL pyopenssl
nacl pynacl
gnupg python-gnupg
argon2 argon2-cffi
_argon2_cffi_bindings argon2-cffi-bindings
_cffi_backend cffi
rpds rpds-py
lark lark-parser
antlr4 antlr4-python3-runtime
pcre python-pcre
re2 google-re2 pyre2 fb-re2
cchardet faust-cchardet
pdfminer pdfminer-six
barcode python-barcode
cairo pycairo
gi pygobject
wx wxpython
sip pyqt5-sip pyqt6-sip
PySide6 pyside6-essentials pyside6-addons
OpenGL pyopengl
pygame pygame-ce
pyximport cython

# Network, services, databases
websocket websocket-client
socketio python-socketio
engineio python-engineio
socks pysocks
sockshandler pysocks
dns dnspython
whois python-whois
zmq pyzmq
nmap python-nmap
ldap python-ldap
pysnmp pysnmp-lextudio
serial pyserial
usb pyusb
bluetooth pybluez
smbus smbus-cffi
RPi rpi-gpio rpi-lgpio
can python-can
git gitpython
github pygithub
github3 github3-py
gitlab python-gitlab
jenkins python-jenkins
telegram python-telegram-bot
telebot pytelegrambotapi
discord discord-py py-cord
slack slackclient
facebook facebook-sdk
kafka kafka-python kafka-python-ng
memcache python-memcached
psycopg2 psycopg2-binary
MySQLdb mysqlclient
mysql mysql-connector-python mysql-connector
mysql.connector mysql-connector-python
_mysql_connector mysql-connector-python
snowflake.connector snowflake-connector-python
snowflake.snowpark snowflake-snowpark-python
snowflake.ml snowflake-ml-python
impala impyla
cassandra cassandra-driver scylla-driver
bson pymongo
gridfs pymongo
elasticsearch elasticsearch7 elasticsearch8
opensearchpy opensearch-py
neo4j neo4j-driver
arango python-arango
rediscluster redis-py-cluster
playhouse peewee
rest_framework djangorestframework
corsheaders django-cors-headers
django_filters django-filter
debug_toolbar django-debug-toolbar
allauth django-allauth
storages django-storages
multipart python-multipart
dash_html_components dash
dash_core_components dash
streamlit streamlit-nightly
newspaper newspaper3k newspaper4k
Imath openexr
googleapiclient google-api-python-client
google.protobuf protobuf
google._upb protobuf
google.api googleapis-common-protos google-api-core
google.rpc googleapis-common-protos
google.type googleapis-common-protos
google.longrunning googleapis-common-protos
google.logging googleapis-common-protos
google.oauth2 google-auth
google.cloud.exceptions google-cloud-core
google.cloud._helpers google-cloud-core
google.cloud.client google-cloud-core
google.cloud.bigquery_storage_v1 google-cloud-bigquery-storage
google.cloud.secretmanager google-cloud-secret-manager
google.cloud.pubsub_v1 google-cloud-pubsub
google.cloud.translate_v2 google-cloud-translate
google.cloud.firestore_v1 google-cloud-firestore
google.cloud.sql cloud-sql-python-connector
google.ai google-ai-generativelanguage
vertexai google-cloud-aiplatform
proto proto-plus
grpc grpcio
grpc_tools grpcio-tools
grpc_status grpcio-status
grpc_health grpcio-health-checking
azure.storage.filedatalake azure-storage-file-datalake
azure.storage.fileshare azure-storage-file-share
azureml azureml-core
docker docker-py
consul python-consul python-consul2
keystoneclient python-keystoneclient
novaclient python-novaclient
swiftclient python-swiftclient
aws_cdk aws-cdk-lib
digitalocean python-digitalocean
binance python-binance
talib ta-lib ta-lib-bin
opentelemetry.trace opentelemetry-api
opentelemetry.context opentelemetry-api
opentelemetry.metrics opentelemetry-api
opentelemetry.propagate opentelemetry-api
opentelemetry.baggage opentelemetry-api
opentelemetry.semconv opentelemetry-semantic-conventions
systemd systemd-python
daemon python-daemon
crontab python-crontab
airflow apache-airflow apache-airflow-core
pyflink apache-flink
superset apache-superset
tvm apache-tvm
dbt dbt-core

# Windows, the system, development
win32api pywin32
win32con pywin32
win32gui pywin32
win32com pywin32
win32file pywin32
win32clipboard pywin32
win32process pywin32
win32event pywin32
win32service pywin32
pythoncom pywin32
pywintypes pywin32
pynvml nvidia-ml-py
cpuinfo py-cpuinfo
Quartz pyobjc-framework-quartz
AppKit pyobjc-framework-cocoa
Foundation pyobjc-framework-cocoa
objc pyobjc-core
pam python-pam
_pytest pytest
py pytest
xdist pytest-xdist
markdown_it markdown-it-py
absl absl-py
gflags python-gflags
tree dm-tree
reverb dm-reverb
sonnet dm-sonnet
haiku dm-haiku
nacos nacos-sdk-python
saml2 pysaml2
Stemmer pystemmer
editor python-editor
sass libsass
sassutils libsass
discid python-discid
taglib pytaglib
acoustid pyacoustid
mpv python-mpv
vlc python-vlc
chess python-chess
capnp pycapnp
rapidjson python-rapidjson
simdjson pysimdjson
_pyrsistent_version pyrsistent
pvectorc pyrsistent
"""

NAMESPACES = frozenset(
    (
        *("azure", "backports", "google", "jaraco", "llama_index", "opentelemetry"),
        *("ruamel", "snowflake", "sphinxcontrib", "zope"),
    )
)
"""Top-level names that no distribution has for itself: which one is meant, the next part says."""
