"""Runs the pipelines of any Kedro project as ZenML pipelines, here or on Vertex AI.

Kedro stays in charge of nodes, catalog, configuration and hooks; ZenML schedules, retries and
records. From the outside inwards:

    commands     what a user types
    preflight    asks the parts of a stack whether they are there; failures: whose error it is
    project      opens a Kedro project; settings: its conf/<env>/zenml.yml
    planning     a Kedro pipeline becomes a plan (plan): steps, their nodes (groups), their order
    translation  a plan becomes a ZenML pipeline
    stacks       what ZenML runs on; vertex, vertex_jobs, entrypoint: Vertex AI with retries
    steps        the one ZenML step, which runs some nodes of a plan
    hosts        the process around a step: that of the whole run, or one of its own
    execution    a Kedro session that runs nodes step by step
    lineage      what a step has read and written; caching: whether it must run again
    tracking     the one MLflow run of all steps, made under locks; identity: for Cloud Run
"""
