# The image of every step and of the service: the project, installed in the versions of
# constraints.txt. It contains the code, so a run uploads nothing and the tag identifies the code.

FROM python:3.11-slim-bookworm AS build
WORKDIR /app
RUN python -m venv --without-pip /opt/venv
# Packages come first, with empty modules in place of the code, so that a change of code alone
# keeps this layer. The install is editable: what is in /app is what runs. Nothing is compiled:
# there are wheels of all packages but one, which is plain Python.
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY zenml_runner/pyproject.toml zenml_runner/README.md zenml_runner/LICENSE \
     zenml_runner/zenml_runner_stdout.pth zenml_runner/
RUN mkdir -p src/book_forecast zenml_runner/src/zenml_runner \
    && touch src/book_forecast/__init__.py zenml_runner/src/zenml_runner/__init__.py \
    && pip --python /opt/venv/bin/python install --no-cache-dir --only-binary=:all: --no-binary=kfp-server-api \
        --constraint constraints.txt --editable ./zenml_runner --editable ".[bigquery,zenml,serve]"
COPY src src
COPY zenml_runner/src zenml_runner/src
COPY conf conf
# Numba caches kernels by processor. This name is independent of the build machine and requires
# AVX2, which all x86 machines of Vertex AI and Cloud Run have.
ENV NUMBA_CACHE_DIR=/opt/numba NUMBA_CPU_NAME=x86-64-v3 NUMBA_CPU_FEATURES=
RUN /opt/venv/bin/python -m compileall -q src zenml_runner/src \
    && /opt/venv/bin/python -c "from book_forecast.sarima.compilation import compile_core; compile_core()"

FROM python:3.11-slim-bookworm
COPY --from=build /opt/venv /opt/venv
# Numba ignores a cache folder without write access.
COPY --from=build --chown=10001 /opt/numba /opt/numba
COPY --from=build /app /app
# ZenML and Kedro create folders beside the code, which stays read-only.
RUN useradd --uid 10001 --create-home app && chown app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/opt/numba NUMBA_CPU_NAME=x86-64-v3 NUMBA_CPU_FEATURES= \
    KEDRO_DISABLE_TELEMETRY=true \
    DO_NOT_TRACK=1 \
    MLFLOW_DISABLE_TELEMETRY=true \
    ZENML_ANALYTICS_OPT_IN=false \
    ZENML_CONFIG_PATH=/app/.zenconfig \
    ZENML_ENABLE_REPO_INIT_WARNINGS=false \
    ZENML_RUNNER_PROJECT=/app
ARG BOOK_FORECAST_REVISION=""
ENV BOOK_FORECAST_REVISION=$BOOK_FORECAST_REVISION
WORKDIR /app
USER 10001
CMD ["kedro", "--help"]
