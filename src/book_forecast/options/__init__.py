"""The run-time parameters of every pipeline, with their defaults and limits.

`conf/<environment>/parameters*.yml` and `--params` give the values. On the command line a list
is written with commas or spaces, and nested names with dots:

    kedro run --params titles=9780722532935,9780241003008,levels=50,80,95
    kedro run --params "titles=9780722532935 9780241003008,tune.max_trials=20"
"""
