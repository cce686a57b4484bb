"""Runs the pipelines of any Kedro project as ZenML pipelines, locally or on Vertex AI.

Kedro stays in charge of nodes, catalog, configuration and hooks. ZenML schedules, retries and
records. The modules, from the command line down:

    commands     the commands a user types
    preflight    checks that servers and buckets answer; failures: explains errors of libraries
    project      opens a Kedro project; settings, step_settings: its conf/<env>/zenml.yml
    validation   refuses names that the project does not have; conf_source: --conf-source
    planning     turns a Kedro pipeline into a plan (plan) of steps
    groups       cuts the pipeline into groups of nodes (graphs); group_keys: those of zenml.yml
    sharding     turns groups into steps, shards and barriers; items: counts what they work on
    translation  turns a plan into a ZenML pipeline
    stacks       registers ZenML stacks; vertex, vertex_jobs, entrypoint: Vertex AI with retries
    steps        the one ZenML step, which runs some nodes of a plan (materializer: its lineage)
    runtime      the Kedro session of a step: that of the whole run, or one of its own
    execution    a Kedro session (sessions) that runs nodes step by step
    shard_writes prevents shards from overwriting each other; log_capture: stores a message once
    lineage      the datasets a step reads and writes (locations); caching: skips unchanged steps
    tracking     the one MLflow run of all steps, created under locks; identity: for Cloud Run
"""
