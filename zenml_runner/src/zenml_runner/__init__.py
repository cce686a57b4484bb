"""Runs the pipelines of any Kedro project as ZenML pipelines, on any ZenML stack.

Kedro stays in charge of nodes, catalog, configuration and hooks. ZenML schedules, retries and
records. From the command line down:

    commands       the commands a user types
    stacks         registers ZenML stacks, checks that they answer; Vertex AI with retries
    translation    turns a plan into a ZenML pipeline
    steps          the one ZenML step, which runs some nodes of a plan: session, cache, log
    planning       turns a Kedro pipeline into a plan: groups of nodes, steps, shards, barriers
    kedro_project  opens a Kedro project and runs its nodes; one module for each Kedro concept
    tracking       the one MLflow run of all steps
    plan           what is planned, as data that a step receives
    settings       the typed options of conf/<env>/zenml.yml

client and processes ask ZenML's store; locks, failures, errors and redaction serve all of them.
"""
