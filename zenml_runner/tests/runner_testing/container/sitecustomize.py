"""Stands in for the image: `/app`, where ZenML's entrypoint works, is a folder of the test."""

import os

_chdir, _makedirs = os.chdir, os.makedirs
os.chdir = lambda path: _chdir(_here(path))
os.makedirs = lambda name, *args, **options: _makedirs(_here(name), *args, **options)


def _here(path):
    return os.environ["APP"] if path == "/app" else path
