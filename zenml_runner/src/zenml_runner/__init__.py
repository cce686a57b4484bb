"""Runs the pipelines of any Kedro project as ZenML pipelines, on any ZenML stack.

Kedro stays in charge of nodes, catalog, configuration and hooks. ZenML schedules, retries and
records. From the command line down:

    commands       the commands a user types
    translation    turns a plan into a ZenML pipeline
    steps          the one ZenML step, which runs some nodes of a plan: session, cache, log, records
    planning       turns a Kedro pipeline into a plan: groups of nodes, steps, shards, barriers
    stacks         finds or registers ZenML stacks; says the words of zenml.yml in theirs
    artifacts      datasets as ZenML's artifacts, with versions and stages of models
    tracking       the one MLflow run of all steps
    kedro_project  opens a Kedro project and runs its nodes; one module for each Kedro concept
    plan           what is planned, as data that a step receives
    views          what a dataset looks like: tables, figures, plain values
    settings       the typed options of conf/<env>/zenml.yml

client and processes ask ZenML's store; failures, errors, redaction and stdout serve all of them.
"""
