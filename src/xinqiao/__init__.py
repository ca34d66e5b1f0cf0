"""Xinqiao 信桥: an open credit platform for small businesses."""

import os

__version__ = "0.1.0"

# Workbooks are read through defusedxml; openpyxl would take lxml, which is there for signatures.
os.environ["OPENPYXL_LXML"] = "False"
