"""Runs the pipelines of any Kedro project as ZenML pipelines, here or on Vertex AI.

Kedro stays in charge of nodes, catalog, configuration and hooks; ZenML schedules, retries and
records. From the outside inwards:

    commands    what a user types
    project     opens a Kedro project
    settings    conf/<env>/zenml.yml
    planning    a Kedro pipeline and the settings become a plan: steps, their nodes, their order
    translation a plan becomes a ZenML pipeline
    steps       the one ZenML step, which runs some nodes of a plan
    execution   a Kedro session that runs nodes step by step
    stacks      what ZenML runs on
"""
