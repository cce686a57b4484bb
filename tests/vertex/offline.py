"""`python -m zenml_runner …` with Google's own clients turned to an endpoint on loopback.

Google's libraries have environment variables for the address of storage alone. This module stands
between the test and the command, so that the product needs to know nothing of it:
`python -m tests.vertex.offline run … --then run …`
"""

import os
import sys
from itertools import groupby

import google.auth
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform
from google.cloud.aiplatform.utils import gcs_utils

from zenml_runner.commands import zenml

ENDPOINT = "FAKE_VERTEX_URL"
THEN = "--then"


def main() -> None:
    google.auth.default = lambda *_, **__: (AnonymousCredentials(), "books")
    # It asks Google to which project the bucket belongs.
    gcs_utils.create_gcs_bucket_for_pipeline_artifacts_if_it_does_not_exist = lambda **_: None
    aiplatform.init(api_endpoint=os.environ[ENDPOINT], api_transport="rest")
    *first, last = [list(a) for then, a in groupby(sys.argv[1:], THEN.__eq__) if not then]
    for arguments in first:
        zenml(arguments, standalone_mode=False)
    zenml(last, prog_name="python -m zenml_runner")


if __name__ == "__main__":
    main()
