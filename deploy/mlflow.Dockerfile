# MLflow's server with the drivers of Postgres and GCS. From the project's folder:
# docker build --file deploy/mlflow.Dockerfile --tag IMAGE .
FROM python:3.11-slim-bookworm
COPY constraints.txt /tmp/
RUN pip install --no-cache-dir --only-binary=:all: --constraint /tmp/constraints.txt \
        mlflow google-cloud-storage psycopg2-binary==2.9.13 \
    && useradd --uid 10001 --create-home mlflow
ENV DO_NOT_TRACK=1 \
    MLFLOW_DISABLE_TELEMETRY=true \
    PYTHONUNBUFFERED=1
USER 10001
# MLFLOW_BACKEND_STORE_URI and MLFLOW_ARTIFACTS_DESTINATION set the locations of runs and files.
CMD ["mlflow", "server", "--host", "0.0.0.0", "--port", "8080", "--workers", "2"]
