"""The site: `make docs` builds it into docs/_build/html."""

import os
import shutil
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE / "_ext")]
# The cells of the pages run in processes of their own, on simulated data, in double precision.
os.environ["PYTHONPATH"] = str(ROOT)
os.environ["HAWKESJAX_DATA"] = "no-data"
os.environ.setdefault("JAX_ENABLE_X64", "1")

from hawkesjax._version import __version__  # noqa: E402

project = "hawkesjax"
author = copyright = "the hawkesjax authors"
release = version = __version__
# Its public addresses, none before it is published: links to them appear when there are.
urls = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"].get("urls", {})

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "alternatives",
    "commands",
    "hosted",
    "formulas",
]
html_math_renderer = "svg"
exclude_patterns = ["_build", "_ext", "conf.py", "pictures.py", "jupyter_execute", "no-data"]
default_role = "py:obj"
add_module_names = False
python_maximum_signature_line_length = 88
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # shapes and units stand among the arguments
autodoc_preserve_defaults = True
napoleon_use_rtype = False

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath", "tasklist"]
myst_heading_anchors = 3
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "cache"  # in _build/.jupyter_cache: a page runs again when its cells change
nb_execution_timeout = 1800
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_output_stderr = "remove"  # warnings name files of this machine; diagnose() prints what matters

html_theme = "furo"
html_title = f"hawkesjax {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {}
if "Repository" in urls:
    html_theme_options = {
        "source_repository": urls["Repository"],
        "source_branch": "main",
        "source_directory": "docs/",
    }
html_show_sphinx = False

# The analyses lie in notebooks/, where they are run and read without the site.
ANALYSES = HERE / "analyses"
ANALYSES.mkdir(exist_ok=True)
for path in sorted((ROOT / "notebooks").glob("*.py")):
    there = ANALYSES / path.name
    if not there.exists() or there.read_bytes() != path.read_bytes():
        shutil.copyfile(path, there)
