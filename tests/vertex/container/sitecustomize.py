"""Stands in for the image: `/app`, where ZenML's entrypoint works, is a folder of the test.

A pod of Kubernetes has the name of its machine.
"""

import os
import socket

_chdir, _makedirs = os.chdir, os.makedirs
os.chdir = lambda path: _chdir(_here(path))
os.makedirs = lambda name, *args, **options: _makedirs(_here(name), *args, **options)
if "POD_NAME" in os.environ:
    socket.gethostname = lambda: os.environ["POD_NAME"]


def _here(path):
    return os.environ["APP"] if path == "/app" else path
